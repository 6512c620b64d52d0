/** What a run did, in counts: nothing of a patient, and no name of an input file. */
import { type Clock, rfc3339 } from '../../shared/clock.ts';
import type { Changes } from './deidentify-object.ts';
import type { RunIdentity } from './output-folder.ts';
import { PROFILE_EDITION } from './profile.generated.ts';

export interface Report extends RunIdentity {
  readonly standard: string;
  readonly startedAt: string;
  /** Null while it runs, and when it was cut short. */
  readonly endedAt: string | null;
  readonly inputs: number;
  readonly clean: number;
  /** Of the clean ones: the same object stood twice, or was there from an earlier run. */
  readonly alreadyThere: number;
  readonly held: number;
  readonly bytesWritten: number;
  /** Why objects were held, by code. */
  readonly reasons: Readonly<Record<string, number>>;
  /** By the new Study Instance UID; what could not be read is of none. */
  readonly studies: readonly {
    readonly study: string;
    readonly clean: number;
    readonly held: number;
  }[];
  /** What was changed, and how often: `(gggg,eeee) action`. */
  readonly changes: Readonly<Record<string, number>>;
}

export class ReportBuilder {
  readonly #identity: RunIdentity;
  readonly #clock: Clock;
  readonly #startedAt: string;
  readonly #inputs: number;
  #alreadyThere = 0;
  #bytesWritten = 0;
  readonly #reasons = new Map<string, number>();
  readonly #changes = new Map<string, number>();
  readonly #studies = new Map<string, { clean: number; held: number }>();

  constructor(identity: RunIdentity, inputs: number, clock: Clock) {
    this.#identity = identity;
    this.#inputs = inputs;
    this.#clock = clock;
    this.#startedAt = rfc3339(clock.now());
  }

  addClean(study: string, changes: Changes, written: { bytes: number; same: boolean }): void {
    this.#of(study).clean += 1;
    this.#bytesWritten += written.bytes;
    if (written.same) this.#alreadyThere += 1;
    for (const [change, count] of changes)
      this.#changes.set(change, (this.#changes.get(change) ?? 0) + count);
  }

  /** @param study '' when it is not known */
  addHeld(study: string, code: string): void {
    this.#of(study).held += 1;
    this.#reasons.set(code, (this.#reasons.get(code) ?? 0) + 1);
  }

  /** Asked after each file, of runs over many studies: by their reasons, which are few. */
  get held(): number {
    return [...this.#reasons.values()].reduce((sum, count) => sum + count, 0);
  }

  build(hasEnded: boolean): Report {
    const clean = [...this.#studies.values()].reduce((sum, counts) => sum + counts.clean, 0);
    return {
      ...this.#identity,
      standard: PROFILE_EDITION,
      startedAt: this.#startedAt,
      endedAt: hasEnded ? rfc3339(this.#clock.now()) : null,
      ...{ inputs: this.#inputs, clean, alreadyThere: this.#alreadyThere },
      ...{ held: this.held, bytesWritten: this.#bytesWritten },
      reasons: sorted(this.#reasons),
      studies: [...this.#studies].map(([study, counts]) => ({ study, ...counts })),
      changes: sorted(this.#changes),
    };
  }

  #of(study: string): { clean: number; held: number } {
    const counts = this.#studies.get(study) ?? { clean: 0, held: 0 };
    this.#studies.set(study, counts);
    return counts;
  }
}

const sorted = (counts: ReadonlyMap<string, number>): Record<string, number> =>
  Object.fromEntries([...counts].sort(([a], [b]) => (a < b ? -1 : 1)));
