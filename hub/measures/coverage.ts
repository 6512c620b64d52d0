/** Which trusts told anything, when last, and how much of it is mapped and reported: on every page beside the figures. */
import { stagesOf } from './facts/stages.ts';
import type { Store } from './store.ts';

const TELLINGS = [
  ['order', 'as_of'],
  ['report', 'issued_at'],
  ['study', 'as_of'],
  ['appointment', 'as_of'],
] as const;

const told = (table: (kind: string) => string): string =>
  TELLINGS.map(
    ([kind, at]) => `SELECT trust, max(${at}) AS told_at, 0 AS exams, 0 AS mapped, 0 AS with_report
      FROM ${table(kind)} GROUP BY trust`,
  ).join(' UNION ALL ');

const counted = (from: string, sign: '' | '-'): string => `
  SELECT trust, NULL::TIMESTAMP, ${sign}count(*) FILTER (in_ris),
    ${sign}count(*) FILTER (in_ris AND is_mapped), ${sign}count(*) FILTER (in_ris AND has_report)
  FROM ${from} GROUP BY trust`;

const covered = (from: string): string => `
  CREATE OR REPLACE TEMP TABLE covered AS
    SELECT trust, max(told_at) AS told_at, sum(exams)::BIGINT AS exams, sum(mapped)::BIGINT AS mapped,
      sum(with_report)::BIGINT AS with_report
    FROM (${from}) GROUP BY trust;
  DELETE FROM coverage;
  INSERT INTO coverage FROM covered;
  DROP TABLE covered`;

export async function coverAll(store: Store): Promise<void> {
  await store.run(covered(`${told((kind) => `told_${kind}`)} UNION ALL ${counted('exam', '')}`));
}

/** What came is added, what went is taken away. */
export async function coverChanged(store: Store): Promise<void> {
  const changed = stagesOf('exam').flatMap(({ name }) => [
    counted(`(FROM changed_${name} WHERE is_new)`, ''),
    counted(`(FROM changed_${name} WHERE NOT is_new)`, '-'),
  ]);
  const parts = [
    'SELECT trust, last_told_at AS told_at, exams, mapped, with_report FROM coverage',
    told((kind) => `new_${kind}`),
    ...changed,
  ];
  await store.run(covered(parts.join(' UNION ALL ')));
}
