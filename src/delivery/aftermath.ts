import type { PackedOutcome } from '../batch/outcome-packer.ts';
import { deadQueueName, queueTopology, suspectsQueueName } from '../broker/topology.ts';
import type { WireError } from '../errors/wire-error.ts';
import { formatDuration } from '../support/duration.ts';
import type { LogLimiter } from '../telemetry/log-limiter.ts';
import type { Batch } from './batch.ts';
import type { DeliveryTally } from './delivery-tally.ts';
import {
  bareRetryProperties,
  deadProperties,
  type EndedAttempt,
  packedDeadProperties,
  retryProperties,
  suspectProperties,
  waitProperties,
} from './follow-up-message.ts';
import type { FollowUp, FollowUpAnswer, FollowUps } from './follow-ups.ts';
import { type HeldMessage, readHeldMessage } from './held-message.ts';
import { type Ending, routeOutcome } from './outcome-router.ts';
import type { RetryPolicies } from './retry-policies.ts';

export interface AftermathParts {
  readonly followUps: FollowUps;
  readonly policies: RetryPolicies;
  readonly unknownTasks: { readonly waitMs: number; readonly limit: number };
  readonly tally: DeliveryTally;
  readonly log: LogLimiter;
  /** host:pid, for histories and dead letters. */
  readonly worker: string;
  /** Something that was waited for outside a run has settled. */
  readonly settled: () => void;
}

/** One message of a batch. */
interface Held {
  readonly batch: Batch;
  readonly index: number;
  readonly message: HeldMessage;
}

/** One message and how its attempt ended. */
interface Ended extends Held {
  readonly task: string | undefined;
  readonly attempt: EndedAttempt;
  /** Attempts that the policy allows. */
  readonly of: number;
}

/**
 * What becomes of the messages that did not succeed, one at a time: outcome-router.ts decides, follow-ups.ts publishes,
 * and only then is the delivery settled. What belongs to a lost connection is left alone: the broker delivers it again,
 * and that delivery will end in its own way.
 *
 * Cost: the properties are decoded here, one promise and one log line for each message.
 */
export class Aftermath {
  readonly #parts: AftermathParts;

  constructor(parts: AftermathParts) {
    this.#parts = parts;
  }

  /** True when the batch must run the task again, because nobody knows what the store has of it. */
  follow(batch: Batch, outcome: PackedOutcome): boolean {
    if (!batch.lane.isLive(batch)) {
      batch.lane.settle(batch, outcome.index, 1);
      return false;
    }
    const ended = this.#read(batch, outcome);
    const policy = this.#parts.policies.policyFor(batch.lane.queue, ended.task);
    const ending = endingOf(outcome, ended);
    const route = routeOutcome(ending, { policy, unknownTasks: this.#parts.unknownTasks }, Math.random());
    const whole = { ...ended, of: policy.attempts };
    switch (route.to) {
      case 'run-again':
        return true;
      case 'give-back':
        batch.lane.giveBack(batch, outcome.index);
        break;
      case 'settle':
        this.#settleQuietly(whole, outcome);
        break;
      case 'retry':
        this.#retry(whole, route.delayMs);
        break;
      case 'wait':
        this.#waitFor(whole, route);
        break;
      case 'expired':
        this.#expire(whole);
        break;
      case 'dead-letter':
        this.#deadLetter(whole, deadQueueName(batch.lane.queue.home), 'dead letter');
    }
    return false;
  }

  /** Puts a message aside that worker processes have died with. */
  suspect(batch: Batch, index: number): void {
    const { tally, log } = this.#parts;
    const message = this.#messageAt(batch, index);
    const name = suspectsQueueName(batch.lane.queue.home);
    const fields = { queue: batch.lane.queue.name, id: message.properties?.messageId, returns: message.returns };
    log.warn(
      `suspect ${name}`,
      fields,
      `a message came back ${message.returns} times without an end: it goes to ${name}`,
    );
    const followUp = this.#toQueue({ batch, index, message }, name, 'suspect', [() => suspectProperties(message)]);
    this.#send(followUp, { batch, index, message }, () => void tally.suspects++);
  }

  /**
   * True when a suspect that has come back from a dead process may run once more; else it goes to the dead letters.
   * @param returns - deaths that the broker has counted in the queue of suspects
   */
  mayRunSuspect(batch: Batch, index: number, returns: number): boolean {
    const message = this.#messageAt(batch, index);
    const task = message.properties?.type ?? batch.lane.queue.task;
    const { attempts } = this.#parts.policies.policyFor(batch.lane.queue, task);
    const made = message.attempt - 1 + returns;
    if (made < attempts) return true;
    const text = `the worker's process ended while it ran this task, ${returns} times in the queue of suspects`;
    const error: WireError = { name: 'RuntimeError', code: 'E_TASK_CRASHED', message: text };
    const attempt = { attempt: made, outcome: 'crashed', error, worker: this.#parts.worker, endedAt: new Date() };
    const ended = { batch, index, message, task, attempt, of: attempts };
    this.#deadLetter(ended, deadQueueName(batch.lane.queue.home), 'dead letter');
    return false;
  }

  #read(batch: Batch, outcome: PackedOutcome): Omit<Ended, 'of'> {
    const message = this.#messageAt(batch, outcome.index);
    const { lane } = batch;
    const attempt = message.attempt + (lane.queue.suspects ? lane.excuse(message.returns) : 0);
    return {
      batch,
      index: outcome.index,
      message,
      task: message.properties?.type ?? lane.queue.task,
      attempt: {
        attempt,
        outcome: outcome.kind,
        error: outcome.error ?? reasonOf(outcome),
        worker: this.#parts.worker,
        endedAt: new Date(),
      },
    };
  }

  #messageAt(batch: Batch, index: number): HeldMessage {
    const { properties, body } = batch.slab.record(batch.fromRecord + index);
    return readHeldMessage(properties, body);
  }

  #settleQuietly(ended: Ended, outcome: PackedOutcome): void {
    const { tally, log } = this.#parts;
    tally.discarded++;
    log.info(`${outcome.kind} ${ended.task}`, fieldsOf(ended), `${outcome.kind}: ${ended.attempt.error.message}`);
    ended.batch.lane.settle(ended.batch, ended.index, 1);
  }

  #retry(ended: Ended, delayMs: number): void {
    const { tally, log } = this.#parts;
    const { message, attempt, of } = ended;
    tally.failed++;
    const next = `attempt ${attempt.attempt + 1} of ${of} in ${formatDelay(delayMs)}`;
    log.warn(keyOf(ended), fieldsOf(ended), `${describe(ended)}; ${next}`);
    const variants = [() => retryProperties(message, attempt), () => bareRetryProperties(message, attempt)];
    const followUp = delayed(ended, { what: 'retry', delayMs, variants });
    this.#send(followUp, ended, () => void tally.retried++, ended);
  }

  #waitFor(ended: Ended, { delayMs, forTask }: { readonly delayMs: number; readonly forTask: boolean }): void {
    const { tally, log } = this.#parts;
    const { message } = ended;
    const { outcome, error } = ended.attempt;
    const why = outcome === 'snoozed' ? 'the task asked to be run later' : error.message;
    const text = `${forTask ? 'unknown task' : outcome === 'snoozed' ? outcome : 'waiting'}: ${why}; again in ${formatDelay(delayMs)}, no attempt counted`;
    if (forTask) log.warn(keyOf(ended), fieldsOf(ended), text);
    else log.info(keyOf(ended), fieldsOf(ended), text);
    const followUp = delayed(ended, { what: 'wait', delayMs, variants: [() => waitProperties(message, forTask)] });
    this.#send(followUp, ended, () => void tally.waited++, ended);
  }

  #expire(ended: Ended): void {
    this.#parts.tally.expired++;
    const home = ended.batch.lane.queue.home;
    const own = this.#parts.policies.expiredQueue(ended.task);
    if (own === undefined) this.#deadLetter(ended, deadQueueName(home), 'dead letter');
    else this.#deadLetter(ended, own, 'expired message');
  }

  #deadLetter(ended: Ended, queue: string, what: string): void {
    const { tally, log } = this.#parts;
    const { batch, message, attempt } = ended;
    const { home } = batch.lane.queue;
    tally.failed++;
    log.error(keyOf(ended), fieldsOf(ended), `${describe(ended)}; it goes to ${queue}`);
    const followUp = this.#toQueue(
      ended,
      queue,
      what,
      [() => deadProperties(message, attempt, home), () => packedDeadProperties(message, attempt, home)].slice(
        message.properties === undefined ? 1 : 0,
      ),
    );
    this.#send(followUp, ended, () => void tally.deadLettered++);
  }

  /** To a queue that is declared with our own arguments where it is not there. */
  #toQueue({ batch, message }: Held, name: string, what: string, variants: FollowUp['variants']): FollowUp {
    const known = queueTopology(batch.lane.queue.home, 'quorum').queues.find((spec) => spec.name === name);
    const declare = known ?? { name, arguments: { 'x-queue-type': 'quorum' } };
    return {
      source: batch.lane.queue.name,
      what,
      destination: { kind: 'queue', declare },
      variants,
      body: message.body,
    };
  }

  /** @param ended - where a message that cannot be sent as it is goes to the dead letters instead */
  #send(followUp: FollowUp, { batch, index }: Held, counted: () => void, ended?: Ended): void {
    const settle = (answer: FollowUpAnswer): void => {
      if (answer === 'stopped') return; // the message stays unacked with the broker
      if (answer === 'unsendable' && ended !== undefined) {
        return this.#deadLetter(ended, deadQueueName(batch.lane.queue.home), 'dead letter');
      }
      if (answer === 'unsendable') return; // said in the log; the broker keeps the message
      counted();
      batch.lane.settle(batch, index, 1);
      this.#parts.settled();
    };
    void this.#parts.followUps.send(followUp).then(settle);
  }
}

function delayed(
  { batch, message }: Ended,
  { what, delayMs, variants }: { what: string; delayMs: number; variants: FollowUp['variants'] },
): FollowUp {
  const { name } = batch.lane.queue;
  return { source: name, what, destination: { kind: 'delayed', queue: name, delayMs }, variants, body: message.body };
}

function endingOf(outcome: PackedOutcome, { attempt, message, task }: Omit<Ended, 'of'>): Ending {
  return {
    kind: outcome.kind,
    code: outcome.error?.code,
    errorName: outcome.error?.name,
    delayMs: outcome.delayMs,
    attempt: attempt.attempt,
    waits: message.waits,
    namesTask: task !== undefined,
  };
}

function reasonOf({ kind, reason }: PackedOutcome): WireError {
  return { name: 'RuntimeError', code: 'E_TASK_FAILED', message: reason ?? kind };
}

/** One kind of failure of one task: what the limiter of log lines counts together. */
function keyOf({ task, attempt }: Ended): string {
  return `${task} ${attempt.outcome} ${attempt.error.code}`;
}

function fieldsOf({ batch, message, task, attempt }: Ended): Readonly<Record<string, unknown>> {
  const { error, outcome } = attempt;
  const queue = batch.lane.queue.name;
  return { queue, task, id: message.properties?.messageId, attempt: attempt.attempt, outcome, code: error.code };
}

function describe({ task, attempt, of }: Ended): string {
  const { outcome, error } = attempt;
  return `${task ?? 'a message without a task'} ${outcome} in attempt ${attempt.attempt} of ${of}: ${error.message}`;
}

/** To a tenth of a second: that is what delays are kept in. */
function formatDelay(ms: number): string {
  return formatDuration(Math.max(1, Math.ceil(ms / 100)) * 100);
}
