/**
 * The rows behind a figure, for the trust that they belong to and nobody else. BI-30. S-flagged patients are left
 * out: where they were imaged must not be shown. ID-20.
 */
import { type Context, relationOf } from './cells.ts';
import type { Measure } from './measure.ts';
import { inMonths } from './month-range.ts';
import { openTable } from './open-rows.ts';
import { quoted, type Store } from './store.ts';

export interface RowQuestion {
  readonly trust: string;
  readonly from: string | null;
  readonly to: string | null;
  readonly limit: number;
  readonly offset: number;
}

export type ListedRow = Readonly<Record<string, string | number | boolean | null>>;

/** Of a snapshot: what is so now. */
export async function rowsBehind(
  store: Store,
  measure: Measure,
  { trust, from, to, limit, offset }: RowQuestion,
  context: Context,
): Promise<ListedRow[]> {
  const { at, row } = measure;
  const limits = [
    `trust = ${quoted(trust)}`,
    ...(at === undefined ? [] : [`${at} IS NOT NULL`, ...inMonths(at, from, to)]),
    ...hidden('exam', 'exam', row),
    ...hidden('appointment', 'appointment_id', row),
  ];
  const open =
    measure.kind === 'snapshot'
      ? `WITH ${measure.fact} AS (FROM main.${openTable(measure.fact)})`
      : '';
  const found = await store.ask(`
    ${open} SELECT ${row.join(', ')} FROM (${relationOf(measure, context)}) counted
    WHERE ${limits.join(' AND ')} ORDER BY ALL LIMIT ${limit} OFFSET ${offset}`);
  return found.map((one) =>
    Object.fromEntries(Object.entries(one).map(([name, value]) => [name, plain(value)])),
  );
}

function hidden(fact: 'exam' | 'appointment', column: string, row: readonly string[]): string[] {
  if (!row.includes(column)) return [];
  return [
    `NOT EXISTS (FROM main.${fact} f WHERE f.restricted AND f.trust = counted.trust AND f.${column} = counted.${column})`,
  ];
}

function plain(value: unknown): string | number | boolean | null {
  if (value instanceof Date) return value.toISOString();
  if (typeof value === 'bigint') return Number(value);
  if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean')
    return value;
  return value === null || value === undefined ? null : String(value);
}
