/** What a trust says it holds beside what is held here: whether the two were equal, and as of when. */
import {
  type CrawlProgress,
  type HealthEvent,
  HealthEventSchema,
} from '../../shared/contract/events.ts';
import { jsonOf } from './read-event.ts';
import type { ProjectionStatements } from './statements.ts';

export interface Held {
  readonly studies: number;
  readonly series: number;
  readonly instances: number;
}

export interface TrustCompleteness {
  readonly trust: string;
  readonly name: string;
  /** What the hub holds, and what the trust says it holds; null before it has said anything. */
  readonly here: Held;
  readonly there: Held | null;
  /** Null: not compared, or not since something came. */
  readonly equal: boolean | null;
  readonly comparedAt: string | null;
  readonly asOf: string | null;
  /** How far the hub is behind what the trust's edge last said of itself; null when it said nothing. */
  readonly lagSeconds: number | null;
  /** How far its edge knows each PACS of the trust, as it last said. */
  readonly crawl: readonly CrawlProgress[];
}

export function completenessOf(
  statements: ProjectionStatements,
  { trust, name }: { trust: string; name: string },
): TrustCompleteness {
  const here = statements.held.get(trust) as Held;
  const digests = statements.digests.all(trust);
  const cursor = statements.cursor.get(trust);
  const there: Held | null = cursor === undefined || digests.length === 0 ? null : sumOf(digests);
  const comparedAt = digests.reduce((newest, row) => later(newest, row.comparedAt), '');
  const heard = statements.findHealth.get(trust);
  const health = HealthEventSchema.safeParse(jsonOf(Buffer.from(heard?.body ?? ''))).data;
  const asOf = later(cursor?.eventAt ?? '', heard?.at ?? '');
  return {
    trust,
    name,
    here,
    there,
    equal: equalityOf(here, there, digests),
    comparedAt: comparedAt === '' ? null : comparedAt,
    asOf: asOf === '' ? null : asOf,
    lagSeconds: lagOf(cursor, health),
    crawl: health?.crawl ?? [],
  };
}

const later = (a: string, b: string): string => (a > b ? a : b);

function sumOf(rows: readonly Held[]): Held {
  const sum = { studies: 0, series: 0, instances: 0 };
  for (const { studies, series, instances } of rows) {
    sum.studies += studies;
    sum.series += series;
    sum.instances += instances;
  }
  return sum;
}

function equalityOf(
  here: Held,
  there: Held | null,
  digests: readonly { equal: number }[],
): boolean | null {
  if (there === null) return null;
  if (digests.some(({ equal }) => equal === 0)) return false;
  const isSame =
    here.studies === there.studies &&
    here.series === there.series &&
    here.instances === there.instances;
  return isSame ? true : null;
}

function lagOf(
  cursor: { epoch: number; seq: number; eventAt: string } | undefined,
  health: HealthEvent | undefined,
): number | null {
  if (cursor === undefined || health === undefined) return null;
  const hasAll =
    cursor.epoch > health.epoch || (cursor.epoch === health.epoch && cursor.seq >= health.lastSeq);
  if (hasAll) return 0;
  return Math.max(0, (Date.parse(health.at) - Date.parse(cursor.eventAt)) / 1000);
}
