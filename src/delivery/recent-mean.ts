const SAMPLES = 16;

/** Mean of the last 16 samples without the largest and the smallest, so that one odd sample does not decide. */
export class RecentMean {
  readonly #samples = new Float64Array(SAMPLES);
  #sampled = 0;
  #value = 0;

  /** 0 while nothing is known. */
  get value(): number {
    return this.#value;
  }

  /** Samples that there were. */
  get samples(): number {
    return this.#sampled;
  }

  add(sample: number): void {
    this.#samples[this.#sampled % SAMPLES] = sample;
    this.#sampled++;
    this.#value = this.#trimmed();
  }

  #trimmed(): number {
    const known = Math.min(this.#sampled, SAMPLES);
    let sum = 0;
    let smallest = Infinity;
    let largest = 0;
    for (let i = 0; i < known; i++) {
      const sample = this.#samples[i] as number;
      sum += sample;
      if (sample < smallest) smallest = sample;
      if (sample > largest) largest = sample;
    }
    return known < 3 ? sum / known : (sum - smallest - largest) / (known - 2);
  }
}
