import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { BSON } from 'mongodb';

/** A command as the driver sent it, without the documents that travel beside it. */
export interface MongoCommand {
  readonly name: string;
  readonly body: Readonly<Record<string, unknown>>;
}

/**
 * What happens to a command. `reply`: the server never sees it, the driver gets this. `instead`: the server does it, the
 * driver gets this. `lose`: the server does it, and the connection ends instead of its answer.
 */
export type Meddling =
  | { readonly reply: Readonly<Record<string, unknown>> }
  | { readonly instead: Readonly<Record<string, unknown>> }
  | 'lose';

const HEADER_BYTES = 16;
const OP_MSG = 2013;

/**
 * Stands between the driver and a real MongoDB, and meddles with the commands that a test picks: for what no healthy
 * server does on demand, e.g. losing the answer to a commit.
 *
 *     message   length │ request id │ response to │ op code │ flags │ 0 │ BSON: { <command>: …, $db, … } │ …
 *               0        4            8             12        16      20  21
 */
export class MongoCommandProxy {
  /** Asked for every command; undefined lets it pass. */
  meddle: (command: MongoCommand) => Meddling | undefined = () => undefined;
  /** Names of all commands that came by, e.g. `insert`. */
  readonly seen: string[] = [];
  readonly #target: URL;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  private constructor(target: URL) {
    this.#target = target;
    this.#server = createServer((client) => this.#serve(client));
  }

  static async start(url: string): Promise<MongoCommandProxy> {
    const proxy = new MongoCommandProxy(new URL(url));
    await new Promise<void>((resolve) => proxy.#server.listen(0, '127.0.0.1', resolve));
    return proxy;
  }

  /** Through this proxy, to a database of the server. */
  url(database: string): string {
    const { port } = this.#server.address() as AddressInfo;
    return `mongodb://127.0.0.1:${port}/${database}?directConnection=true`;
  }

  async stop(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #serve(client: Socket): void {
    const server = connect(Number(this.#target.port), this.#target.hostname);
    /** By request id: what to do with the answer. */
    const answers = new Map<number, Exclude<Meddling, { reply: unknown }>>();
    const end = (): void => {
      client.destroy();
      server.destroy();
    };
    for (const socket of [client, server]) {
      this.#sockets.add(socket);
      socket.on('error', end).on('close', end);
    }
    client.on(
      'data',
      eachMessage((message) => {
        const command = readCommand(message);
        const meddling = command === undefined ? undefined : this.#consider(command);
        const id = message.readInt32LE(4);
        if (meddling !== undefined && meddling !== 'lose' && 'reply' in meddling) {
          client.write(answerTo(id, meddling.reply));
          return;
        }
        if (meddling !== undefined) answers.set(id, meddling);
        server.write(message);
      }),
    );
    server.on(
      'data',
      eachMessage((message) => {
        const id = message.readInt32LE(8);
        const meddling = answers.get(id);
        answers.delete(id);
        if (meddling === undefined) client.write(message);
        else if (meddling === 'lose') end();
        else client.write(answerTo(id, meddling.instead));
      }),
    );
  }

  #consider(command: MongoCommand): Meddling | undefined {
    this.seen.push(command.name);
    return this.meddle(command);
  }
}

/** Cuts what comes into whole messages. */
function eachMessage(take: (message: Buffer) => void): (chunk: Buffer) => void {
  let rest: Buffer = Buffer.alloc(0);
  return (chunk) => {
    rest = Buffer.concat([rest, chunk]);
    while (rest.length >= HEADER_BYTES && rest.length >= rest.readInt32LE(0)) {
      const length = rest.readInt32LE(0);
      take(rest.subarray(0, length));
      rest = rest.subarray(length);
    }
  };
}

function readCommand(message: Buffer): MongoCommand | undefined {
  const bodyAt = HEADER_BYTES + 5;
  if (message.readInt32LE(12) !== OP_MSG) return undefined;
  const body = BSON.deserialize(message.subarray(bodyAt, bodyAt + message.readInt32LE(bodyAt)));
  return { name: Object.keys(body)[0] ?? '', body };
}

function answerTo(requestId: number, reply: Readonly<Record<string, unknown>>): Buffer {
  const body = BSON.serialize(reply);
  const head = Buffer.alloc(HEADER_BYTES + 5);
  head.writeInt32LE(head.length + body.length, 0);
  head.writeInt32LE(requestId, 8);
  head.writeInt32LE(OP_MSG, 12);
  return Buffer.concat([head, body]);
}
