/**
 * Who has called since the edge started: associations, refusals by reason, objects; and who was in trouble
 * within the hour.
 *
 *   acceptor, sessions ─► count ─► list(): status page        troubled(): heartbeat
 */
import type { Clock } from '../../shared/clock.ts';
import type { TroubledCaller } from '../../shared/contract/health.ts';
import type { AssociationPeer } from '../ul/association.ts';

/** Callers that are remembered; beyond it the one that was silent longest is forgotten. */
const MAX_CALLERS = 1_000;
const MAX_TROUBLED = 20;
/** Two of these are the hour of which troubles are told: the present one and the one before. */
const HALF_MS = 1_800_000;

/** Somebody who asked for an association since the edge started. */
export interface Caller {
  readonly callingAETitle: string;
  readonly host: string;
  /** Named in the configuration. */
  readonly known: boolean;
  readonly associations: number;
  /** Requests for an association that were refused. */
  readonly rejections: number;
  /** Of them, by the reason that was given. PS3.8 Table 9-21. */
  readonly reasons: Readonly<Record<string, number>>;
  /** Associations that ended in another way than by release. */
  readonly aborted: number;
  /** C-STORE requests that were answered, with whatever status. */
  readonly objects: number;
  readonly firstAt: number;
  readonly lastAt: number;
}

type Who = Pick<AssociationPeer, 'callingAETitle' | 'host'>;
type Counted = 'associations' | 'rejections' | 'aborted' | 'objects';

interface Half {
  readonly number: number;
  associations: number;
  aborted: number;
  readonly rejected: Record<string, number>;
}

export class Callers {
  /** The one that called last stands last. */
  readonly #callers = new Map<string, Caller>();
  readonly #halves = new Map<string, readonly Half[]>();
  readonly #known: ReadonlySet<string>;
  readonly #clock: Clock;

  constructor(known: ReadonlySet<string>, clock: Clock) {
    this.#known = known;
    this.#clock = clock;
  }

  /** @param reason of a refusal */
  count(who: Who, what: Counted, reason = ''): void {
    const { callingAETitle, host } = who;
    const key = `${callingAETitle} ${host}`;
    const now = this.#clock.now();
    const known = this.#known.has(callingAETitle);
    const before: Caller = this.#callers.get(key) ?? {
      ...{ callingAETitle, host, known, firstAt: now, lastAt: now, reasons: {} },
      ...{ associations: 0, rejections: 0, aborted: 0, objects: 0 },
    };
    const reasons =
      what === 'rejections'
        ? { ...before.reasons, [reason]: (before.reasons[reason] ?? 0) + 1 }
        : before.reasons;
    this.#callers.delete(key);
    this.#callers.set(key, { ...before, reasons, [what]: before[what] + 1, lastAt: now });
    if (what !== 'objects') this.#countHalf(key, what, reason);
    const [oldest] = this.#callers.keys();
    if (this.#callers.size <= MAX_CALLERS || oldest === undefined) return;
    this.#callers.delete(oldest);
    this.#halves.delete(oldest);
  }

  list(): readonly Caller[] {
    return [...this.#callers.values()].reverse();
  }

  /** Those whose associations were refused or broke off within the hour, the most first. */
  troubled(): TroubledCaller[] {
    return [...this.#callers]
      .flatMap(([key, { callingAETitle, host, known }]) => {
        const halves = this.#recent(key);
        const rejected: Record<string, number> = {};
        for (const half of halves)
          for (const [reason, count] of Object.entries(half.rejected))
            rejected[reason] = (rejected[reason] ?? 0) + count;
        const associations = halves.reduce((sum, half) => sum + half.associations, 0);
        const aborted = halves.reduce((sum, half) => sum + half.aborted, 0);
        const troubles = aborted + Object.values(rejected).reduce((sum, one) => sum + one, 0);
        const told = { callingAETitle, host, known, associations, rejected, aborted };
        return troubles === 0 ? [] : [{ told, troubles }];
      })
      .sort((a, b) => b.troubles - a.troubles)
      .slice(0, MAX_TROUBLED)
      .map(({ told }) => told);
  }

  #countHalf(key: string, what: Exclude<Counted, 'objects'>, reason: string): void {
    const number = this.#half();
    const recent = this.#recent(key);
    const half = recent.find((one) => one.number === number) ?? {
      ...{ number, associations: 0, aborted: 0, rejected: {} },
    };
    if (what === 'rejections') half.rejected[reason] = (half.rejected[reason] ?? 0) + 1;
    else half[what] += 1;
    this.#halves.set(key, [...recent.filter((one) => one !== half), half]);
  }

  #recent(key: string): readonly Half[] {
    const number = this.#half();
    return (this.#halves.get(key) ?? []).filter((half) => number - half.number <= 1);
  }

  #half(): number {
    return Math.floor(this.#clock.monotonicMs() / HALF_MS);
  }
}
