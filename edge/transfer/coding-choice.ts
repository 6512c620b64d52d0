/**
 * Whether coding pays on the way to a reader, by what is measured on it. Remembered for the reader's next study.
 *
 *   coded ─ a stretch ─► as it is, a short stretch ─► whichever brought more of the study in a second, for an hour
 *
 * That coding is waited for can't be told from one end: where the reader is waited for, it may be the line or the
 * reader's own decoding. So it is tried, but not where the line is so slow that the trial would be felt.
 */

/** Of data sets: what is measured before and after. */
const STRETCH_BYTES = 12 * 1024 * 1024;
/** On a line of 100 Mb/s it costs a third of a second. */
const TRIAL_BYTES = 6 * 1024 * 1024;
/** Of data sets, bytes a millisecond: a line that brings no more when coded does not carry them as they are. */
const WORTH_TRYING = 30_000;
const REMEMBER_MS = 3_600_000;
/** What goes as it is is coded again when it brings so much less than coding did. */
const WORSE = 0.7;
/** It may have been a moment of the machines: then coding is measured again soon. */
const DOUBT_MS = 60_000;

export class CodingChoice {
  readonly #nowMs: () => number;
  #isCoding = true;
  /** The stretch that is measured is a trial. */
  #isTrial = false;
  /** When nothing has to be tried again. */
  #restUntilMs = Number.NEGATIVE_INFINITY;
  /** What coding brought, bytes a millisecond. */
  #codedRate = 0;
  #streams = 0;
  #bytes = 0;
  #startedMs = 0;

  constructor(nowMs: () => number = () => performance.now()) {
    this.#nowMs = nowMs;
  }

  get isCoding(): boolean {
    return this.#isCoding;
  }

  /** A stream begins. @returns to be called when it has ended */
  begin(): () => void {
    // What was measured before a pause is no rate.
    if (this.#streams === 0) this.#measure();
    this.#streams += 1;
    return () => {
      this.#streams -= 1;
      // A trial that was cut short says nothing.
      if (this.#streams === 0 && this.#isTrial) this.#use(true, 0);
    };
  }

  /** So many bytes of data sets more are sent. */
  count(bytes: number): void {
    this.#bytes += bytes;
    if (this.#bytes < (this.#isTrial ? TRIAL_BYTES : STRETCH_BYTES)) return;
    const rate = this.#bytes / Math.max(1, this.#nowMs() - this.#startedMs);
    if (this.#isTrial) this.#decide(rate);
    else if (this.#isCoding) this.#considerTrial(rate);
    else if (rate < this.#codedRate * WORSE) this.#use(true, DOUBT_MS);
    // Measured anew.
    else if (this.#nowMs() >= this.#restUntilMs) this.#isCoding = true;
    this.#measure();
  }

  #considerTrial(rate: number): void {
    this.#codedRate = rate;
    if (rate < WORTH_TRYING || this.#nowMs() < this.#restUntilMs) return;
    this.#isCoding = false;
    this.#isTrial = true;
  }

  #decide(rate: number): void {
    this.#use(rate <= this.#codedRate);
  }

  #use(isCoding: boolean, restMs = REMEMBER_MS): void {
    this.#isCoding = isCoding;
    this.#isTrial = false;
    this.#restUntilMs = this.#nowMs() + restMs;
  }

  #measure(): void {
    this.#bytes = 0;
    this.#startedMs = this.#nowMs();
  }
}

/** One for each reader. */
export class CodingChoices {
  readonly #choices = new Map<string, CodingChoice>();

  /** @param reader ODS code */
  of(reader: string): CodingChoice {
    const choice = this.#choices.get(reader) ?? new CodingChoice();
    this.#choices.set(reader, choice);
    return choice;
  }
}
