/** Figures as files: CSV (RFC 4180) and Parquet. */
import { randomUUID } from 'node:crypto';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { FigureRow } from './answer.ts';
import type { Measure } from './measure.ts';
import { quoted, type Store } from './store.ts';

export interface ExportColumn {
  readonly name: string;
  readonly type: 'VARCHAR' | 'BIGINT' | 'DOUBLE' | 'BOOLEAN';
}

/** Columns of a measure's figures, split by `by`. */
export function columnsOf(measure: Measure, by: readonly string[]): ExportColumn[] {
  const of = (names: readonly { name: string }[] | undefined, type: ExportColumn['type']) =>
    (names ?? []).map(({ name }) => ({ name, type }));
  return [
    ...by.map((name) => ({ name, type: 'VARCHAR' as const })),
    ...of(measure.counts, 'BIGINT'),
    ...of(measure.shares, 'DOUBLE'),
    ...of(measure.quantiles, 'DOUBLE'),
    ...of(measure.sums, 'DOUBLE'),
    ...of(measure.ratios, 'DOUBLE'),
    { name: 'suppressed', type: 'BOOLEAN' },
    // Why: small-numbers, data-quality.
    { name: 'withheld', type: 'VARCHAR' },
  ];
}

export function csvOf(columns: readonly ExportColumn[], rows: readonly FigureRow[]): string {
  const lines = rows.map((row) => columns.map(({ name }) => field(row[name])).join(','));
  return `${[columns.map(({ name }) => name).join(','), ...lines].join('\r\n')}\r\n`;
}

/** A text that a spreadsheet would take for a formula is kept from being one. */
function field(value: FigureRow[string] | undefined): string {
  if (value === null || value === undefined) return '';
  const text = String(value);
  const safe = typeof value === 'string' && /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

export async function parquetOf(
  store: Store,
  columns: readonly ExportColumn[],
  rows: readonly FigureRow[],
): Promise<Buffer> {
  const stem = join(store.directory, `export-${randomUUID()}`);
  const [given, made] = [`${stem}.json`, `${stem}.parquet`];
  try {
    await writeFile(given, rows.map((row) => JSON.stringify(row)).join('\n'), { mode: 0o600 });
    const types = columns.map(({ name, type }) => `${name}: '${type}'`).join(', ');
    await store.ask(`
      COPY (SELECT * FROM read_json(${quoted(given)}, format = 'newline_delimited', columns = {${types}}))
      TO ${quoted(made)} (FORMAT parquet)`);
    return await readFile(made);
  } finally {
    await Promise.all([given, made].map((file) => rm(file, { force: true })));
  }
}
