/**
 * Whose figures are held against others': only those of trusts and sites whose records can be trusted (BI-29). Of
 * who falls short, others are told so in place of figures; the trust itself is told its own, whatever they are.
 *
 *   cells of BI-29, of the months that are asked for ─► share of each fault-free record ─► published, or withheld
 */
import type { FigureRow, Question } from './answer.ts';
import { cellTable, monthTable } from './cell-names.ts';
import { dataQuality } from './definitions/data-quality.ts';
import type { Measure } from './measure.ts';
import { quoted, type Row, type Store } from './store.ts';
import { figureNames } from './versions.ts';

/** What of BI-29 has to be right, and of how many: `measures.gate` of hub.yaml. */
export interface Gate {
  readonly least: number;
  readonly of: readonly string[];
}

export interface Quality {
  /** The least of the shares that are asked for; null: nothing was examined. */
  readonly share: number | null;
  readonly isPublished: boolean;
}

/** By trust, or by site. */
export type Qualities = ReadonlyMap<string, Quality>;

/** Rows of a question are held against each other by these. */
const COMPARED = ['trust', 'site'] as const;
export type Compared = (typeof COMPARED)[number];

/** Site before trust: it is the finer. Null: nobody is told apart. */
export function comparedBy({ id }: Measure, { by, where }: Question): Compared | null {
  if (id === dataQuality.id) return null;
  const told = (name: Compared): boolean => by.includes(name) || where[name] !== undefined;
  return told('site') ? 'site' : told('trust') ? 'trust' : null;
}

/** @param months from the first to the last; null: there are none */
export async function qualitiesOf(
  store: Store,
  compared: Compared,
  {
    gate,
    months: { from, to },
  }: { gate: Gate; months: { from: string | null; to: string | null } },
): Promise<Qualities> {
  const rows = await store.ask(qualitySql(compared, gate, { from, to }));
  return new Map(rows.map((row) => [String(row['name']), qualityOf(row, gate)]));
}

function qualitySql(
  compared: Compared,
  { of }: Gate,
  { from, to }: { from: string | null; to: string | null },
): string {
  const [table, where] =
    compared === 'trust'
      ? [monthTable(dataQuality), "kind = 'total'"]
      : [cellTable(dataQuality), 'true'];
  const sums = ['exams', ...of].map((name) => `sum(${name})::BIGINT AS ${name}`);
  const within =
    from === null || to === null ? '' : `AND month BETWEEN ${quoted(from)} AND ${quoted(to)}`;
  return `SELECT ${compared} AS name, ${sums.join(', ')} FROM ${table} WHERE ${where} ${within} GROUP BY ALL`;
}

function qualityOf(row: Row, { least, of }: Gate): Quality {
  const exams = Number(row['exams']);
  if (exams === 0 || of.length === 0) return { share: null, isPublished: true };
  const share = Math.min(...of.map((name) => Number(row[name]) / exams));
  return { share, isPublished: share >= least };
}

/** The row, or what of it is told others. */
export function publishedRow(
  row: FigureRow,
  measure: Measure,
  { compared, asked, qualities }: { compared: Compared; asked: Question; qualities: Qualities },
): FigureRow {
  const saidOf = (one: Compared): string =>
    String(asked.by.includes(one) ? row[one] : asked.where[one]);
  const told = saidOf(compared);
  if (qualities.get(told)?.isPublished !== false) return row;
  if (asked.own !== null && (saidOf('trust') === asked.own || isSiteOf(told, asked.own)))
    return row;
  const none = Object.fromEntries(figureNames(measure).map((figure) => [figure, null]));
  const { atLeast: _, ...keys } = row;
  return { ...keys, ...none, suppressed: true, withheld: 'data-quality' };
}

/** As the facts know a site of a trust: its code and two more. */
const isSiteOf = (site: string, trust: string): boolean =>
  site === trust || (site.startsWith(trust) && site.length === trust.length + 2);

/** Months of trusts that are not published, SQL: for those who ask by SQL of their own. */
export function gatedMonthsSql({ least, of }: Gate): string {
  const short = of.map((name) => `sum(${name}) < ${least} * sum(exams)`);
  return `SELECT trust, month FROM ${monthTable(dataQuality)} WHERE kind = 'total'
    GROUP BY ALL HAVING ${short.length === 0 ? 'false' : short.join(' OR ')}`;
}
