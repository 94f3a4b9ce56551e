import net from 'node:net';
import tls from 'node:tls';
import type { AmqpTlsOptions } from './amqp-options.ts';
import type { BrokerTarget } from './broker-url.ts';

/**
 * Bytes that one read can bring. Larger than the kernel usually holds, so that one read empties it and many deliveries
 * share the cost of the call; it is also what can still arrive after `pause`.
 */
const READ_BYTES = 256 * 1024;

/** The kernel asks a silent peer: the only check left where heartbeats are off or reading is paused. */
const KEEP_ALIVE_MS = 30_000;

export interface SocketEvents {
  /** Connected, with TLS established where it is wanted. */
  ready(): void;
  /** The buffer is used again for the next read: whoever wants the bytes longer copies them. */
  data(chunk: Buffer, length: number): void;
  /** The socket is gone for good; `error` is why, undefined when the peer ended it. */
  closed(error: Error | undefined): void;
}

/** Opens TCP or TLS with Nagle off. All reads go into one buffer, so that reading allocates nothing. */
export function openSocket(target: BrokerTarget, tlsOptions: AmqpTlsOptions, events: SocketEvents): net.Socket {
  const chunk = Buffer.allocUnsafeSlow(READ_BYTES);
  const onread: net.OnReadOpts = {
    buffer: chunk,
    callback: (length) => {
      events.data(chunk, length);
      return true;
    },
  };
  const address = { host: target.host, port: target.port, onread };
  const socket = target.secure
    ? tls.connect({ ...address, ...(tlsOptions as tls.ConnectionOptions) })
    : net.connect(address);
  socket.setNoDelay(true);
  socket.setKeepAlive(true, KEEP_ALIVE_MS);
  let failure: Error | undefined;
  socket.once(target.secure ? 'secureConnect' : 'connect', () => events.ready());
  socket.on('error', (error) => {
    failure = error;
  });
  socket.once('close', () => events.closed(failure));
  return socket;
}
