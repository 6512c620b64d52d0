/**
 * Folds the facts from what was told, and the cells of every measure from the facts: what was told since the last
 * build, or all of it where the rules are others now. The whole of it is committed at once: a reader sees the
 * build before or this one.
 *
 *   told_… beyond the mark ─► new_… ─► stages (facts/) ─► facts, sample_…, cell_…, coverage
 */
import { createHash } from 'node:crypto';
import { version } from '@duckdb/node-api';
import { MEASURES } from './all-measures.ts';
import { cellTable } from './cell-names.ts';
import { type Before, buildCells, type Context, changedRows, emptyCells } from './cells.ts';
import { coverAll, coverChanged } from './coverage.ts';
import { KEYS_TEXT, placesSql } from './facts/key-hashes.ts';
import { MACROS } from './facts/macros.ts';
import { makeAll, textOf } from './facts/make-all.ts';
import { makeChanged } from './facts/make-changed.ts';
import { STAGES } from './facts/stages.ts';
import { FACTS, type FactName } from './measure.ts';
import { keepOpen, OPEN } from './open-rows.ts';
import type { ReportTarget } from './report-targets.ts';
import { SAMPLED, sampleFact } from './sample.ts';
import { quoted, type Store, timestamp } from './store.ts';
import { KINDS } from './told.ts';
import { monthsSql } from './units.ts';

const hashOf = (text: string): string => createHash('sha256').update(text).digest('hex');
/** Other rules, other facts; other definitions, other cells. Another DuckDB may hash otherwise. */
const RULES = hashOf([version(), MACROS, KEYS_TEXT, ...STAGES.map(textOf)].join('\n'));
const definitionsOf = ({ trusts, reportTargets = [] }: Settings): string =>
  hashOf(
    JSON.stringify([
      ...[MEASURES, trusts, reportTargets, OPEN],
      MEASURES.map((one) => monthsSql(one, cellTable(one))),
    ]),
  );

/** So much more is cheaper made anew than row by row. */
const REBUILD_FROM_ROWS = 2_000_000;

/** What of hub.yaml decides what is counted. */
export interface Settings {
  /** ODS codes of the network. */
  readonly trusts: readonly string[];
  readonly reportTargets?: readonly ReportTarget[];
}

export interface BuildOptions extends Settings {
  readonly store: Store;
  /** Milliseconds since the epoch: the data are as of then. */
  readonly now: number;
  /** True: all of it, also where the rules are the same. */
  readonly isWhole?: boolean;
  /** Of a whole build: rows that are folded at once; absent: as memory allows. */
  readonly rowsAPart?: number;
}

export interface Built {
  readonly number: number;
  /** Rows told that were folded. */
  readonly told: number;
  readonly isWhole: boolean;
}

/** When it was built last, by the rules of this version; null: not so, and nothing can be asked yet. */
export async function builtSo(store: Store, settings: Settings): Promise<number | null> {
  const [last] = await store.rows(
    'SELECT rules, definitions, epoch_ms(built_at) AS built_at FROM built',
  );
  const isSo = last?.['rules'] === RULES && last['definitions'] === definitionsOf(settings);
  return isSo ? Number(last['built_at']) : null;
}

export async function build(options: BuildOptions): Promise<Built> {
  const { store, trusts, reportTargets = [], now } = options;
  const [last] = await store.rows(
    'SELECT number, rules, definitions, epoch_ms(built_at) AS built_at FROM built',
  );
  const definitions = definitionsOf(options);
  const number = Number(last?.['number'] ?? 0) + 1;
  const { told, fresh } = await newlyTold(store);
  const isWhole =
    options.isWhole === true ||
    last?.['rules'] !== RULES ||
    fresh > Math.max(REBUILD_FROM_ROWS, told / 2);
  await store.transaction(async () => {
    await store.run(placesSql(isWhole));
    for (const stage of STAGES)
      await (isWhole ? makeAll(store, stage, options.rowsAPart) : makeChanged(store, stage));
    for (const fact of SAMPLED) await sampleFact(store, fact, isWhole);
    const isAnew = isWhole || last?.['definitions'] !== definitions;
    const before = isAnew ? null : Number(last?.['built_at']);
    for (const fact of OPEN) await keepOpen(store, fact, { since: before ?? now, isWhole: isAnew });
    await countAll(store, { trusts, reportTargets, now }, before);
    await (isWhole ? coverAll(store) : coverChanged(store));
    await store.run(`
      DELETE FROM told_until;
      ${KINDS.map((kind) => `INSERT INTO told_until SELECT ${quoted(kind)}, max(rowid) FROM told_${kind}`).join(';')};
      DELETE FROM built;
      INSERT INTO built VALUES (${number}, ${timestamp(now)}, ${quoted(RULES)}, ${quoted(definitions)})`);
  });
  return { number, told: isWhole ? told : fresh, isWhole };
}

async function countAll(store: Store, context: Context, before: Before): Promise<void> {
  const changes = new Map<FactName, number>();
  for (const fact of before === null ? [] : FACTS)
    changes.set(fact, await changedRows(store, fact));
  const empty = await emptyFacts(store);
  for (const measure of MEASURES) {
    const { fact } = measure;
    const isStill = empty.has(fact) || (measure.kind === 'events' && measure.open === undefined);
    if (isStill && changes.get(fact) === 0) continue;
    if (empty.has(fact) && before === null) await emptyCells(store, measure);
    else await buildCells(store, measure, { context, before });
  }
}

async function emptyFacts(store: Store): Promise<ReadonlySet<FactName>> {
  const columns = FACTS.map((fact) => `NOT EXISTS (FROM ${fact}) AS ${fact}_is_empty`);
  const [row] = await store.rows(`SELECT ${columns.join(', ')}`);
  return new Set(FACTS.filter((fact) => row?.[`${fact}_is_empty`] === true));
}

/** Makes `new_…` of every kind: what lies beyond the mark of the last build. */
async function newlyTold(store: Store): Promise<{ told: number; fresh: number }> {
  const marks = await store.rows('SELECT kind, until FROM told_until');
  const until = new Map(marks.map((row) => [String(row['kind']), row['until']]));
  let [told, fresh] = [0, 0];
  for (const kind of KINDS) {
    const mark = Number(until.get(kind) ?? -1);
    await store.run(`
      CREATE OR REPLACE TEMP VIEW new_${kind} AS
        SELECT *, rowid AS arrived FROM told_${kind} WHERE rowid > ${mark}`);
    const [all] = await store.rows(`SELECT count(*) AS rows FROM told_${kind}`);
    const [since] = await store.rows(`SELECT count(*) AS rows FROM new_${kind}`);
    told += Number(all?.['rows']);
    fresh += Number(since?.['rows']);
  }
  return { told, fresh };
}
