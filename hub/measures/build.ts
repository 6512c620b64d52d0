/**
 * Folds the facts from what was told, and the cells of every measure from the facts. The whole of it is
 * committed at once: a reader sees the build before or this one.
 *
 *   told_… ─► fold ─► …_built ─► Parquet of the months that changed ─► cells of the measures that read them
 */
import { createHash } from 'node:crypto';
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { MEASURES } from './all-measures.ts';
import { buildCells } from './cells.ts';
import { APPOINTMENTS, BOOKINGS } from './facts/bookings.ts';
import { EXAMS, ORDERS } from './facts/exam.ts';
import { PEOPLE } from './facts/people.ts';
import { PRIORS } from './facts/priors.ts';
import { SMALL_FACTS, TRANSFERS } from './facts/small-facts.ts';
import { FACTS, type FactName } from './measure.ts';
import { quoted, type Store, timestamp } from './store.ts';

const FOLD = [PEOPLE, ORDERS, BOOKINGS, EXAMS, TRANSFERS, PRIORS, APPOINTMENTS, SMALL_FACTS];

/** What the cells were made by: other definitions, other cells. */
const DEFINITIONS = createHash('sha256').update(JSON.stringify(MEASURES)).digest('hex');

export interface BuildOptions {
  readonly store: Store;
  /** ODS codes of the network. */
  readonly trusts: readonly string[];
  /** Milliseconds since the epoch: the data are as of then. */
  readonly now: number;
}

export interface Built {
  readonly number: number;
  readonly changedMonths: number;
}

export async function build({ store, trusts, now }: BuildOptions): Promise<Built> {
  const [last] = await store.rows('SELECT number, definitions FROM built');
  const number = Number(last?.['number'] ?? 0) + 1;
  for (const sql of FOLD) await store.run(sql);
  const stale: string[] = [];
  let changedMonths = 0;
  await store.transaction(async () => {
    const changed = new Set<FactName>();
    for (const fact of FACTS) {
      const months = await writeParts(store, fact, { number, stale });
      if (months > 0) changed.add(fact);
      changedMonths += months;
      await store.run(viewOf(fact, await filesOf(store, fact)));
    }
    const isOther = last?.['definitions'] !== DEFINITIONS;
    for (const measure of MEASURES)
      if (isOther || measure.kind === 'snapshot' || measure.facts.some((one) => changed.has(one)))
        await buildCells(store, measure, { trusts, now });
    await store.run(COVERAGE);
    await store.run('DELETE FROM built');
    await store.run(
      `INSERT INTO built VALUES (${number}, ${timestamp(now)}, ${quoted(DEFINITIONS)})`,
    );
  });
  // A reader that began before the commit may still read them: the next build removes them.
  for (const file of await unused(store, stale)) rmSync(file, { force: true });
  return { number, changedMonths };
}

/** Months whose rows are not what the last build wrote. */
async function writeParts(
  store: Store,
  fact: FactName,
  { number, stale }: { number: number; stale: string[] },
): Promise<number> {
  const differing = await store.rows(`
    SELECT coalesce(n.month, o.month) AS month, o.file AS old, n.rows AS rows, n.digest AS digest
    FROM (SELECT month, count(*) AS rows, bit_xor(hash(b))::VARCHAR AS digest FROM ${fact}_built b
      GROUP BY month) n
    FULL JOIN (SELECT * FROM part WHERE fact = ${quoted(fact)}) o ON o.month = n.month
    WHERE n.digest IS DISTINCT FROM o.digest OR n.rows IS DISTINCT FROM o.rows`);
  for (const { month, old, rows, digest } of differing) {
    const where = `fact = ${quoted(fact)} AND month = ${quoted(String(month))}`;
    await store.run(`DELETE FROM part WHERE ${where}`);
    if (old !== null) stale.push(String(old));
    if (rows === null) continue;
    const folder = join(store.directory, fact, `month=${String(month)}`);
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    const file = join(folder, `${number}.parquet`);
    await store.run(`
      COPY (SELECT * FROM ${fact}_built WHERE month = ${quoted(String(month))})
      TO ${quoted(file)} (FORMAT parquet, COMPRESSION zstd)`);
    await store.run(`
      INSERT INTO part VALUES (${quoted(fact)}, ${quoted(String(month))}, ${quoted(file)},
        ${Number(rows)}, ${quoted(String(digest))})`);
  }
  return differing.length;
}

async function filesOf(store: Store, fact: FactName): Promise<string[]> {
  const rows = await store.rows(
    `SELECT file FROM part WHERE fact = ${quoted(fact)} ORDER BY month`,
  );
  return rows.map(({ file }) => String(file));
}

/** The fact over all of its months. */
function viewOf(fact: FactName, files: readonly string[]): string {
  const name = `CREATE OR REPLACE VIEW ${fact} AS`;
  const list = files.map(quoted).join(', ');
  return files.length > 0
    ? `${name} SELECT * FROM read_parquet([${list}], hive_partitioning = false)`
    : `CREATE OR REPLACE TABLE no_${fact} AS FROM ${fact}_built LIMIT 0; ${name} FROM no_${fact}`;
}

async function unused(store: Store, stale: readonly string[]): Promise<string[]> {
  await store.run('CREATE TABLE IF NOT EXISTS stale_file (file VARCHAR)');
  const before = await store.rows('SELECT file FROM stale_file');
  await store.run('DELETE FROM stale_file');
  for (const file of stale) await store.run(`INSERT INTO stale_file VALUES (${quoted(file)})`);
  return before.map(({ file }) => String(file));
}

const COVERAGE = `
DELETE FROM coverage;
INSERT INTO coverage
  SELECT trust, max(told_at), coalesce(sum(exams), 0), coalesce(sum(mapped), 0),
    coalesce(sum(with_report), 0)
  FROM (
    SELECT trust, max(as_of) AS told_at, 0 AS exams, 0 AS mapped, 0 AS with_report FROM told_order GROUP BY trust
    UNION ALL SELECT trust, max(issued_at), 0, 0, 0 FROM told_report GROUP BY trust
    UNION ALL SELECT trust, max(as_of), 0, 0, 0 FROM told_study GROUP BY trust
    UNION ALL SELECT trust, max(as_of), 0, 0, 0 FROM told_appointment GROUP BY trust
    UNION ALL SELECT trust, NULL, count(*) FILTER (in_ris), count(*) FILTER (in_ris AND is_mapped),
      count(*) FILTER (in_ris AND has_report) FROM exam GROUP BY trust)
  GROUP BY trust;
`;
