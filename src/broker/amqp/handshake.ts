import { RuntimeError } from '../../errors/runtime-error.ts';
import type { BrokerTarget } from './broker-url.ts';
import { malformed } from './content-inbox.ts';
import type { FieldTable, FrameWriter } from './frame-writer.ts';
import { CONNECTION_OPEN, CONNECTION_START_OK, CONNECTION_TUNE_OK } from './methods.ts';
import type { WireReader } from './wire-reader.ts';

/** 'AMQP', 0, and the version 0-9-1. */
export const PROTOCOL_HEADER: Buffer = Buffer.from([0x41, 0x4d, 0x51, 0x50, 0, 0, 9, 1]);
/** Larger frames mean fewer heads and fewer copies; RabbitMQ offers this size too. */
export const FRAME_MAX = 131_072;
const SMALLEST_FRAME_MAX = 4096;
/** One consumer a channel: more than any worker has queues. */
const CHANNEL_MAX = 2047;

export interface Tuning {
  readonly frameMax: number;
  readonly channelMax: number;
  readonly heartbeatSeconds: number;
}

function clientProperties(connectionName: string): FieldTable {
  return {
    product: 'millrace',
    platform: `Node.js ${process.version}`,
    connection_name: connectionName,
    capabilities: {
      authentication_failure_close: true,
      'basic.nack': true,
      'connection.blocked': true,
      consumer_cancel_notify: true,
      publisher_confirms: true,
    },
  };
}

/** Answers connection.start. @returns product and version of the server */
export function answerStart(
  args: WireReader,
  writer: FrameWriter,
  target: BrokerTarget,
  connectionName: string,
): string {
  const version = `${args.u8()}-${args.u8()}`;
  if (version !== '0-9') throw malformed(`got protocol version ${version}, expected 0-9`);
  const server = args.table();
  const offered = args.longString().split(' ');
  if (!offered.includes(target.mechanism)) {
    throw new RuntimeError(
      'E_BROKER_AUTH',
      `the broker offers the mechanisms ${offered.join(', ')}, expected ${target.mechanism} among them`,
    );
  }
  writer
    .begin(0, CONNECTION_START_OK)
    .table(clientProperties(connectionName))
    .shortString(target.mechanism)
    .longString(target.mechanism === 'PLAIN' ? `\0${target.username}\0${target.password}` : '')
    .shortString('en_US')
    .end();
  return `${textOf(server.get('product'), 'unknown broker')} ${textOf(server.get('version'), '')}`.trim();
}

/** Answers connection.tune with the smaller of both wishes, and asks for the virtual host in the same write. */
export function answerTune(args: WireReader, writer: FrameWriter, vhost: string, heartbeatSeconds: number): Tuning {
  const channelMax = smallerLimit(args.u16(), CHANNEL_MAX);
  const frameMax = smallerLimit(args.u32(), FRAME_MAX);
  const offered = args.u16();
  if (frameMax < SMALLEST_FRAME_MAX)
    throw malformed(`got frame-max ${frameMax}, expected ${SMALLEST_FRAME_MAX} or more`);
  const tuning = {
    channelMax,
    frameMax,
    // 0 from us means that the user wants none; 0 from the broker, that it has no opinion.
    heartbeatSeconds: heartbeatSeconds === 0 ? 0 : smallerLimit(offered, heartbeatSeconds),
  };
  writer.begin(0, CONNECTION_TUNE_OK).u16(channelMax).u32(frameMax).u16(tuning.heartbeatSeconds).end();
  writer.begin(0, CONNECTION_OPEN).shortString(vhost).shortString('').u8(0).end();
  return tuning;
}

/** In tuning 0 means "no limit". */
function smallerLimit(theirs: number, ours: number): number {
  return theirs === 0 ? ours : Math.min(theirs, ours);
}

function textOf(value: unknown, missing: string): string {
  return typeof value === 'string' ? value : missing;
}
