/**
 * The numbers of each edge over time: by five minutes for two weeks, by the hour for 13 months.
 *
 *   heartbeat ─► metricsOf ─► both steps, one row each ─► series(trust, metric, from, to)
 */
import type { HealthEvent } from '../../shared/contract/events.ts';
import type { Sqlite } from '../../shared/sqlite/open.ts';

const FINE = { step: 300, keptSeconds: 14 * 86_400 } as const;
const COARSE = { step: 3_600, keptSeconds: 397 * 86_400 } as const;
const STEPS = [FINE, COARSE];

export type Metric =
  | 'heartbeats'
  | 'diskUsed'
  | 'diskFree'
  | 'objects'
  | 'megabytes'
  | 'acknowledgementMs'
  | 'waiting'
  | 'oldestSeconds'
  | 'outboxSeconds'
  | 'associations'
  | 'refused'
  | 'cpu'
  | 'memory'
  | 'eventLoopMs'
  | 'echoMs'
  | 'findMs'
  | 'clockOffsetMs'
  | 'hl7'
  | 'studies';

type Numbers = readonly [count: number, sum: number, least: number, most: number];
type Body = Partial<Record<Metric, Numbers>>;

export interface Point {
  /** Milliseconds since the epoch: the begin of the step. */
  readonly at: number;
  readonly mean: number;
  readonly least: number;
  readonly most: number;
  readonly count: number;
}

/** Of objects, associations and messages: an hour of them at the rate of the last minutes. */
export function metricsOf(health: HealthEvent): Partial<Record<Metric, number>> {
  const { disk, traffic, machine, queues, pacs, clock, outbox, index } = health;
  const { totalBytes, freeBytes } = disk;
  const perHour = (count: number): number | undefined =>
    traffic !== undefined && traffic.seconds > 0 ? (count * 3600) / traffic.seconds : undefined;
  const most = (values: readonly (number | null | undefined)[]): number | undefined => {
    const numbers = values.filter((value) => typeof value === 'number');
    return numbers.length === 0 ? undefined : Math.max(...numbers);
  };
  const all = {
    heartbeats: 1,
    diskFree: freeBytes / 1e9,
    diskUsed: totalBytes ? (1 - freeBytes / totalBytes) * 100 : undefined,
    objects: traffic && perHour(traffic.objects),
    megabytes: traffic && perHour(traffic.bytes / 1e6),
    acknowledgementMs: traffic?.acknowledgementMs ?? undefined,
    associations: traffic && perHour(traffic.associations),
    refused: traffic && perHour(traffic.rejected + traffic.aborted),
    hl7: traffic && perHour(traffic.hl7),
    waiting: queues?.reduce((sum, { waiting }) => sum + waiting, 0),
    oldestSeconds: queues && (most(queues.map(({ oldestSeconds }) => oldestSeconds)) ?? 0),
    outboxSeconds: outbox.oldestSeconds,
    cpu: machine && machine.cpu * 100,
    memory: machine && machine.memory * 100,
    eventLoopMs: machine?.eventLoopMs,
    echoMs: most(pacs?.map(({ echo }) => echo?.p95Ms) ?? []),
    findMs: most(pacs?.map(({ find }) => find?.p95Ms) ?? []),
    clockOffsetMs: clock?.offsetMs ?? undefined,
    studies: index.studies,
  };
  return Object.fromEntries(Object.entries(all).filter(([, value]) => Number.isFinite(value)));
}

export class History {
  readonly #statements: ReturnType<typeof prepare>;

  constructor(db: Sqlite) {
    this.#statements = prepare(db);
  }

  /** To be called within a transaction. @param at milliseconds since the epoch */
  add(health: HealthEvent, at: number): void {
    const metrics = Object.entries(metricsOf(health)) as [Metric, number][];
    for (const { step } of STEPS) {
      const begin = Math.floor(at / 1000 / step) * step;
      const row = this.#statements.find.get(health.trust, step, begin);
      const body: Body = row === undefined ? {} : JSON.parse(row);
      for (const [metric, value] of metrics) body[metric] = joined(body[metric], short(value));
      this.#statements.put.run(health.trust, step, begin, JSON.stringify(body));
    }
  }

  /** What is older than it is kept for. @returns how many rows went */
  forget(now: number): number {
    return STEPS.reduce((sum, { step, keptSeconds }) => {
      const { changes } = this.#statements.forget.run(step, now / 1000 - keptSeconds);
      return sum + changes;
    }, 0);
  }

  /** In five minutes where those are still kept and the span is short, else by the hour. Times in milliseconds since the epoch. */
  series(
    trust: string,
    metric: Metric,
    { from, to, now }: { from: number; to: number; now: number },
  ): Point[] {
    const isShort = to - from <= 3 * 86_400_000;
    const isKept = now / 1000 - from / 1000 <= FINE.keptSeconds;
    const { step } = isShort && isKept ? FINE : COARSE;
    const begin = Math.floor(from / 1000 / step) * step;
    return this.#statements.span.all(trust, step, begin, to / 1000).flatMap(({ at, body }) => {
      const numbers = (JSON.parse(body) as Body)[metric];
      if (numbers === undefined) return [];
      const [count, sum, least, most] = numbers;
      return [{ at: at * 1000, mean: sum / count, least, most, count }];
    });
  }
}

function joined(before: Numbers | undefined, value: number): Numbers {
  if (before === undefined) return [1, value, value, value];
  const [count, sum, least, most] = before;
  return [count + 1, short(sum + value), Math.min(least, value), Math.max(most, value)];
}

/** Eight digits: sums of an hour, and no noise of floating point in 13 months of rows. */
const short = (value: number): number => Number(value.toPrecision(8));

function prepare(db: Sqlite) {
  return {
    find: db
      .prepare<[string, number, number], string>(
        'SELECT body FROM history WHERE trust = ? AND step = ? AND at = ?',
      )
      .pluck(),
    put: db.prepare<[string, number, number, string]>(
      'INSERT INTO history VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE SET body = excluded.body',
    ),
    span: db.prepare<[string, number, number, number], { at: number; body: string }>(
      'SELECT at, body FROM history WHERE trust = ? AND step = ? AND at >= ? AND at < ? ORDER BY at',
    ),
    forget: db.prepare<[number, number]>('DELETE FROM history WHERE step = ? AND at < ?'),
  };
}
