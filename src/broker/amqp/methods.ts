/** The methods of AMQP 0-9-1 that this connection sends or understands: class id in the high half, method id in the low. */

export const CONNECTION_START = (10 << 16) | 10;
export const CONNECTION_START_OK = (10 << 16) | 11;
export const CONNECTION_TUNE = (10 << 16) | 30;
export const CONNECTION_TUNE_OK = (10 << 16) | 31;
export const CONNECTION_OPEN = (10 << 16) | 40;
export const CONNECTION_OPEN_OK = (10 << 16) | 41;
export const CONNECTION_CLOSE = (10 << 16) | 50;
export const CONNECTION_CLOSE_OK = (10 << 16) | 51;
export const CONNECTION_BLOCKED = (10 << 16) | 60;
export const CONNECTION_UNBLOCKED = (10 << 16) | 61;
export const CHANNEL_OPEN = (20 << 16) | 10;
export const CHANNEL_OPEN_OK = (20 << 16) | 11;
export const CHANNEL_CLOSE = (20 << 16) | 40;
export const CHANNEL_CLOSE_OK = (20 << 16) | 41;
export const BASIC_QOS = (60 << 16) | 10;
export const BASIC_QOS_OK = (60 << 16) | 11;
export const BASIC_CONSUME = (60 << 16) | 20;
export const BASIC_CONSUME_OK = (60 << 16) | 21;
export const BASIC_CANCEL = (60 << 16) | 30;
export const BASIC_CANCEL_OK = (60 << 16) | 31;
export const BASIC_PUBLISH = (60 << 16) | 40;
export const BASIC_RETURN = (60 << 16) | 50;
export const BASIC_DELIVER = (60 << 16) | 60;
export const BASIC_ACK = (60 << 16) | 80;
export const BASIC_NACK = (60 << 16) | 120;
export const CONFIRM_SELECT = (85 << 16) | 10;
export const CONFIRM_SELECT_OK = (85 << 16) | 11;

export const BASIC_CLASS = 60;

export const FRAME_METHOD = 1;
export const FRAME_HEADER = 2;
export const FRAME_BODY = 3;
export const FRAME_HEARTBEAT = 8;
export const FRAME_END = 0xce;
/** Type, channel, size before the payload. */
export const FRAME_HEAD_BYTES = 7;
/** The head and the end octet. */
export const FRAME_OVERHEAD_BYTES = 8;

/** `20.40` for a message to people. */
export function describeMethod(method: number): string {
  return `${method >>> 16}.${method & 0xffff}`;
}
