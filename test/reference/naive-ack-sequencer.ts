/** The obvious sequencer: acks each settled tag by itself, as soon as it is asked. */
export class NaiveAckSequencer {
  #owed: number[] = [];

  settle(firstTag: number, count: number): void {
    for (let tag = firstTag; tag < firstTag + count; tag++) this.#owed.push(tag);
  }

  take(emit: (tag: number, multiple: boolean) => void): number {
    const owed = this.#owed;
    this.#owed = [];
    for (const tag of owed) emit(tag, false);
    return owed.length;
  }
}

/** The broker's list of unacked tags: refuses what RabbitMQ refuses. */
export class UnackedModel {
  readonly unacked = new Set<number>();
  readonly acked = new Set<number>();
  #delivered = 0;

  deliver(): number {
    this.unacked.add(++this.#delivered);
    return this.#delivered;
  }

  ack(tag: number, multiple: boolean): void {
    if (!this.unacked.has(tag)) throw new Error(`406 PRECONDITION_FAILED - unknown delivery tag ${tag}`);
    for (const outstanding of [...this.unacked]) {
      if (outstanding === tag || (multiple && outstanding < tag)) {
        this.unacked.delete(outstanding);
        this.acked.add(outstanding);
      }
    }
  }

  nack(tag: number): void {
    if (!this.unacked.delete(tag)) throw new Error(`406 PRECONDITION_FAILED - unknown delivery tag ${tag}`);
  }
}
