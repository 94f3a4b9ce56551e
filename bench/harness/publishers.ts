/**
 * The load of scenarios in which messages arrive while they are consumed, in a process of its own. All of it leaves on
 * one channel, which keeps the order: the n-th message published is the n-th delivered, with delivery tag n, so that the
 * time of its ack can be told from the tag.
 *
 *     harness ── order ──▶ publishers ── connected ──▶ ; ── go ──▶ … ── report ──▶ exit
 */
import { AwaitingLoad } from './awaiting-load.ts';
import { PacedLoad } from './paced-load.ts';
import type { FromPublishers, PublishOrder, ToPublishers } from './publish-order.ts';
import { METHOD, method, methodId, RawConnection, targetOf } from './raw-amqp.ts';

function tell(message: FromPublishers): Promise<void> {
  return new Promise((resolve, reject) => {
    process.send?.(message, (error: Error | null) => (error === null ? resolve() : reject(error)));
  });
}

function loadOf(connection: RawConnection, order: PublishOrder): AwaitingLoad | PacedLoad {
  const { load } = order;
  return load.kind === 'paced'
    ? new PacedLoad(connection, order, load.schedule)
    : new AwaitingLoad(connection, order, load.publishers);
}

async function run(order: PublishOrder, go: Promise<void>): Promise<void> {
  const connection = await RawConnection.open(targetOf(order.amqpUrl));
  await connection.call(METHOD.confirmSelectOk, method(1, methodId(85, 10), Buffer.from([0])));
  const load = loadOf(connection, order);
  connection.sink = load.confirms;
  await tell({ kind: 'connected' });
  await Promise.race([go, connection.failed]);
  const cpu = process.cpuUsage();
  await Promise.race([load.run(), connection.failed]);
  const used = process.cpuUsage(cpu);
  await connection.close();
  const { publishTimes, dueTimes } = load;
  const report = { publishTimes, dueTimes, cpuMicros: used.user + used.system, refused: load.confirms.refused };
  await tell({ kind: 'report', report });
}

let begin: () => void = () => {};
const go = new Promise<void>((resolve) => {
  begin = resolve;
});
process.on('message', (message: ToPublishers) => {
  if (message.kind === 'go') return begin();
  run(message.order, go).catch((error: unknown) => {
    console.error(error);
    process.exit(1);
  });
});
// the harness has the report, or is gone
process.on('disconnect', () => process.exit());
