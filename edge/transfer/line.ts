/**
 * What the trust's line may carry: a ceiling each way, other ceilings by the hour, hours without bulk, and a share
 * for each priority where several use the line at once.
 *
 *   chunk ─► admit(way, bytes, priority) ─► at once │ when there is room, the one with the least of its share first
 */
import type { LineConfig } from '../config.ts';

const WEIGHTS = [64, 16, 4, 1] as const;
const BULK = 3;
/** Saved up at most, so that a pause is no excuse for a burst. */
const BURST_MS = 200;
/** Who took nothing for so long does not compete. */
const COMPETES_MS = 500;
/** A lower priority may be ahead of its share by so much: it has to have something to show. */
const SLACK_BYTES = 262_144;
const LOOK_MS = 10;

export type Way = 'in' | 'out';

interface Waiting {
  readonly bytes: number;
  readonly admit: () => void;
}

export class Line {
  readonly #config: LineConfig;
  readonly #now: () => number;
  readonly #ways: Readonly<Record<Way, OneWay>>;

  /** @param now milliseconds since the epoch; hours are those of the machine's time zone */
  constructor(config: LineConfig, now: () => number) {
    this.#config = config;
    this.#now = now;
    const ceiling = (): number => this.#ceiling();
    this.#ways = { in: new OneWay(ceiling, now), out: new OneWay(ceiling, now) };
  }

  /** Undefined: at once. */
  admit(way: Way, bytes: number, priority: number): Promise<void> | undefined {
    return this.#ways[way].admit(bytes, priority);
  }

  /** False: fetches of this priority rest at this time. */
  isOpenTo(priority: number): boolean {
    return priority !== BULK || (this.#hour()?.bulk ?? true);
  }

  /** Bytes a millisecond. */
  #ceiling(): number {
    const mbit = this.#hour()?.maxMbitPerSecond ?? this.#config.maxMbitPerSecond;
    return mbit === undefined ? Number.POSITIVE_INFINITY : (mbit * 1e6) / 8 / 1000;
  }

  /** The first that the time is in. */
  #hour(): LineConfig['hours'][number] | undefined {
    const date = new Date(this.#now());
    const time = date.getHours() * 60 + date.getMinutes();
    return this.#config.hours.find(({ from, to }) => {
      const [begin, end] = [minutesOf(from), minutesOf(to)];
      return begin <= end ? time >= begin && time < end : time >= begin || time < end;
    });
  }
}

class OneWay {
  readonly #ceiling: () => number;
  readonly #now: () => number;
  readonly #waiting: Waiting[][] = WEIGHTS.map(() => []);
  /** Bytes admitted, over the weight. */
  readonly #served = WEIGHTS.map(() => 0);
  readonly #servedAt = WEIGHTS.map(() => Number.NEGATIVE_INFINITY);
  /** Below 0: more was admitted than there was room for. */
  #room = 0;
  #filledAt: number;
  #timer: NodeJS.Timeout | undefined;

  constructor(ceiling: () => number, now: () => number) {
    this.#ceiling = ceiling;
    this.#now = now;
    this.#filledAt = now();
  }

  admit(bytes: number, priority: number): Promise<void> | undefined {
    if (this.#waiting.every(({ length }) => length === 0) && this.#mayPass(priority)) {
      this.#take(bytes, priority);
      return undefined;
    }
    return new Promise((resolve) => {
      this.#waiting[priority]?.push({ bytes, admit: resolve });
      this.#timer ??= setInterval(() => this.#pass(), LOOK_MS);
    });
  }

  #pass(): void {
    for (;;) {
      const [next] = [...this.#waiting.keys()]
        .filter((priority) => this.#waiting[priority]?.length && this.#mayPass(priority))
        .sort((a, b) => this.#shareOf(a) - this.#shareOf(b));
      if (next === undefined) break;
      const one = this.#waiting[next]?.shift();
      if (one === undefined) break;
      this.#take(one.bytes, next);
      one.admit();
    }
    if (this.#waiting.some(({ length }) => length > 0)) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  #mayPass(priority: number): boolean {
    return this.#hasRoom() && this.#isWithinShare(priority);
  }

  #hasRoom(): boolean {
    const [rate, now] = [this.#ceiling(), this.#now()];
    const passed = now - this.#filledAt;
    this.#filledAt = now;
    this.#room =
      rate === Number.POSITIVE_INFINITY ? 1 : Math.min(this.#room + passed * rate, BURST_MS * rate);
    return this.#room > 0;
  }

  #isWithinShare(priority: number): boolean {
    const competing = [...WEIGHTS.keys()].filter((one) => one < priority && this.#competes(one));
    if (competing.length === 0) return true;
    const least = Math.min(...competing.map((one) => this.#shareOf(one)));
    return this.#shareOf(priority) <= least + SLACK_BYTES / weightOf(priority);
  }

  #take(bytes: number, priority: number): void {
    const now = this.#now();
    if (!this.#competes(priority)) {
      // Who was away is owed nothing for it, and owes nothing.
      const present = [...WEIGHTS.keys()].filter((one) => one !== priority && this.#competes(one));
      if (present.length > 0)
        this.#served[priority] = Math.max(...present.map((one) => this.#shareOf(one)));
    }
    this.#servedAt[priority] = now;
    this.#served[priority] = this.#shareOf(priority) + bytes / weightOf(priority);
    this.#room -= bytes;
  }

  #competes(priority: number): boolean {
    const isWaiting = (this.#waiting[priority]?.length ?? 0) > 0;
    return isWaiting || this.#now() - (this.#servedAt[priority] ?? 0) < COMPETES_MS;
  }

  #shareOf(priority: number): number {
    return this.#served[priority] ?? 0;
  }
}

const weightOf = (priority: number): number => WEIGHTS[priority] ?? 1;

function minutesOf(time: string): number {
  const [hours = 0, minutes = 0] = time.split(':').map(Number);
  return hours * 60 + minutes;
}
