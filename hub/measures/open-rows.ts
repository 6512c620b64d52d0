/**
 * Rows of large facts that count otherwise as time goes by (who waits, what is not reported), kept apart: they are
 * few, and what is so now is then read from them and not from ten years. Some that have ended since stay in it
 * until something of them is told; who reads asks for what is open anyway.
 */
import { MEASURES } from './all-measures.ts';
import { hashColumn } from './facts/key-hashes.ts';
import { stagesOf } from './facts/stages.ts';
import type { FactName, Measure } from './measure.ts';
import { SAMPLED } from './sample.ts';
import { type Store, timestamp } from './store.ts';

const conditionOf = ({ spans, open }: Measure): string[] => [
  ...(spans === undefined
    ? []
    : [`${spans.from} IS NOT NULL AND (${spans.until} IS NULL OR ${spans.until} >= $before)`]),
  ...(open === undefined ? [] : [open]),
];

/** SQL of what is open at `$before`; null: there is nothing, or the fact is small. */
function openOf(fact: FactName): string | null {
  const conditions = SAMPLED.includes(fact)
    ? MEASURES.filter((one) => one.fact === fact).flatMap(conditionOf)
    : [];
  return conditions.length === 0
    ? null
    : [...new Set(conditions)].map((one) => `(${one})`).join(' OR ');
}

export const OPEN = SAMPLED.filter((fact) => openOf(fact) !== null);

/** Where the rows of a fact stand that are open. */
export const openTable = (fact: FactName): string => (OPEN.includes(fact) ? `open_${fact}` : fact);

/** Within the build's transaction. @param since moments from then on are asked for, now or by the next build */
export async function keepOpen(
  store: Store,
  fact: FactName,
  { since, isWhole }: { since: number; isWhole: boolean },
): Promise<void> {
  const table = openTable(fact);
  const isOpen = (openOf(fact) ?? 'false').replaceAll('$before', timestamp(since));
  if (isWhole) {
    await store.run(`CREATE OR REPLACE TABLE ${table} AS FROM ${fact} WHERE ${isOpen}`);
    return;
  }
  const stages = stagesOf(fact);
  const h = hashColumn(stages[0]?.key ?? []);
  const changed = stages.map(({ name }) => `SELECT ${h} FROM changed_${name}`).join(' UNION ');
  await store.run(`
    CREATE OR REPLACE TEMP TABLE touched AS ${changed};
    DELETE FROM ${table} t USING touched d WHERE t.${h} = d.${h};
    INSERT INTO ${table} SELECT f.* FROM ${fact} f SEMI JOIN touched USING (${h}) WHERE ${isOpen};
    DROP TABLE touched`);
}
