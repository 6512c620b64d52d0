/**
 * When the disk will have reached its reserve, by what the last hours took from it.
 *
 * A line through all samples of the window, so that neither one large study nor one clean-up decides.
 */

const WINDOW_MS = 6 * 3_600_000;
const SAMPLE_MS = 60_000;
/** No forecast from less: an hour's worst is no day's rate. */
const LEAST_MS = 30 * 60_000;
/** A year is never. */
const MAX_HOURS = 8_760;

interface Sample {
  readonly at: number;
  readonly freeBytes: number;
}

export class DiskForecast {
  #samples: readonly Sample[] = [];

  /** Takes one sample a minute, however often it is called. @param now milliseconds since the epoch */
  add(now: number, freeBytes: number): void {
    const last = this.#samples.at(-1);
    if (last !== undefined && now >= last.at && now - last.at < SAMPLE_MS) return;
    // A clock that was set back makes the samples before it meaningless.
    const kept = this.#samples.filter(({ at }) => at <= now && now - at <= WINDOW_MS);
    this.#samples = [...kept, { at: now, freeBytes }];
  }

  /** Null: it is not filling, or nothing can be said yet. */
  hoursToFull(reserveBytes: number): number | null {
    const [first] = this.#samples;
    const last = this.#samples.at(-1);
    if (first === undefined || last === undefined || last.at - first.at < LEAST_MS) return null;
    const bytesPerHour = -slope(this.#samples) * 3_600_000;
    if (bytesPerHour <= 0) return null;
    const hours = Math.max(0, last.freeBytes - reserveBytes) / bytesPerHour;
    return hours > MAX_HOURS ? null : Math.round(hours * 10) / 10;
  }
}

/** Least squares, bytes a millisecond. */
function slope(samples: readonly Sample[]): number {
  const mean = (values: readonly number[]): number =>
    values.reduce((sum, value) => sum + value, 0) / values.length;
  const at = mean(samples.map((sample) => sample.at));
  const free = mean(samples.map((sample) => sample.freeBytes));
  let above = 0;
  let below = 0;
  for (const sample of samples) {
    above += (sample.at - at) * (sample.freeBytes - free);
    below += (sample.at - at) ** 2;
  }
  return below === 0 ? 0 : above / below;
}
