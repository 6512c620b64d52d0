/**
 * History and what no feed tells, from CSV files that are laid into `measures/incoming/`: `KIND.csv` is told
 * like everything else. A file with columns that are not known is refused whole; a row that can't be read is
 * refused alone, and its neighbours are taken. A file that still grew since the last look is left until the next.
 *
 *   incoming/order-2024.csv ─► told_order ─► incoming/done/     refused/: the file or its rows, and why
 */
import { mkdirSync, readdirSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { MeasureError } from './measure-error.ts';
import type { Pseudonyms } from './pseudonyms.ts';
import { quoted, type Store } from './store.ts';
import { KINDS, type KindName, TOLD, type ToldKind } from './told.ts';

export interface Loaded {
  readonly file: string;
  readonly taken: number;
  /** Rows that lack what is required, or hold what is no such value. */
  readonly refused: number;
}

/** Columns by which a CSV names a patient; the store keeps keys instead. */
const WHO = ['patient_id', 'issuer', 'nhs_number'];
const KEYS = ['patient_key', 'nhs_key', 'merged_into'];

export const incomingOf = (directory: string): string => join(directory, 'incoming');

/** The kind that a file's name begins with: `order.csv`, `order-2024-03.csv`. */
export const kindOfFile = (file: string): KindName | undefined =>
  KINDS.find((kind) => new RegExp(`^${kind}([.-].*)?\\.csv$`).test(basename(file)));

/** What lay there at the last look, by name: size and time of change. */
export type Seen = Map<string, string>;

/** Takes every file that lies there as it lay there at the last look. */
export async function loadIncoming(store: Store, keys: Pseudonyms, seen: Seen): Promise<Loaded[]> {
  const folder = incomingOf(store.directory);
  for (const name of ['done', 'refused'])
    mkdirSync(join(folder, name), { recursive: true, mode: 0o700 });
  const loaded: Loaded[] = [];
  for (const name of settled(folder, seen)) {
    const file = join(folder, name);
    try {
      const counts = await loadFile(store, file, keys);
      loaded.push({ file: name, ...counts });
      renameSync(file, join(folder, 'done', name));
    } catch (error) {
      // Broken off because the hub ends, it is loaded at the next start.
      if (!(error instanceof MeasureError) || error.code === 'MEASURES_ENDED') throw error;
      writeFileSync(join(folder, 'refused', `${name}.txt`), `${error.message}\n`, { mode: 0o600 });
      renameSync(file, join(folder, 'refused', name));
      loaded.push({ file: name, taken: 0, refused: 0 });
    }
  }
  return loaded;
}

/** Half a file that somebody is copying would be taken for the whole. */
function settled(folder: string, seen: Seen): string[] {
  const names = readdirSync(folder).filter((name) => name.endsWith('.csv'));
  const before = new Map(seen);
  seen.clear();
  for (const name of names) {
    const found = statSync(join(folder, name), { throwIfNoEntry: false });
    // Somebody took it away, or gave it another name.
    if (found !== undefined) seen.set(name, [found.size, found.mtimeMs, found.ino].join(' '));
  }
  return [...seen.keys()].filter((name) => seen.get(name) === before.get(name)).sort();
}

async function loadFile(
  store: Store,
  file: string,
  keys: Pseudonyms,
): Promise<{ taken: number; refused: number }> {
  const kind = kindOfFile(file);
  if (kind === undefined)
    throw new MeasureError(
      'BACKLOAD_COLUMNS',
      `name the file by what it holds: ${KINDS.join(', ')}`,
    );
  const told: ToldKind = TOLD[kind];
  const source = `read_csv(${quoted(file)}, header = true, all_varchar = true, null_padding = true)`;
  const given = await columnsOf(store, source);
  checkColumns(given, told);
  await store.run(`CREATE OR REPLACE TEMP TABLE incoming AS SELECT * FROM ${source}`);
  await store.run(
    'CREATE OR REPLACE TEMP TABLE incoming_who (trust VARCHAR, patient_id VARCHAR, issuer VARCHAR, nhs_number VARCHAR, patient_key VARCHAR, nhs_key VARCHAR)',
  );
  if (told.patient) await keyPatients(store, given, keys);
  await store.run(`CREATE OR REPLACE TEMP TABLE incoming_typed AS ${typedSql(told, given)}`);
  const words = Object.entries(told.words ?? {});
  const complete = [
    ...told.required.map((name) => `${name} IS NOT NULL`),
    ...words.map(([name, known]) => `${name} IN (${known.map(quoted).join(', ')})`),
  ].join(' AND ');
  await store.run(`INSERT INTO told_${kind} SELECT * FROM incoming_typed WHERE ${complete}`);
  const [count] = await store.rows(
    `SELECT count(*) FILTER (${complete}) AS taken, count(*) FILTER (NOT (${complete})) AS refused FROM incoming_typed`,
  );
  return { taken: Number(count?.['taken']), refused: Number(count?.['refused']) };
}

async function columnsOf(store: Store, source: string): Promise<string[]> {
  try {
    const rows = await store.rows(`DESCRIBE SELECT * FROM ${source}`);
    return rows.map((row) => String(row['column_name']));
  } catch (cause) {
    if (cause instanceof MeasureError) throw cause;
    throw new MeasureError('BACKLOAD_COLUMNS', 'the file is no CSV with a line of headings', {
      cause,
    });
  }
}

function checkColumns(given: readonly string[], told: ToldKind): void {
  const known = [
    ...Object.keys(told.columns).filter((name) => !KEYS.includes(name)),
    ...(told.patient ? WHO : []),
  ];
  const unknown = given.filter((name) => !known.includes(name));
  const missing = told.required.filter((name) => !given.includes(name));
  if (unknown.length + missing.length > 0)
    throw new MeasureError(
      'BACKLOAD_COLUMNS',
      `unknown columns: ${unknown.join(', ') || 'none'}; missing: ${missing.join(', ') || 'none'}; known: ${known.join(', ')}`,
    );
}

/** Numbers become keys before anything is kept. */
async function keyPatients(
  store: Store,
  given: readonly string[],
  keys: Pseudonyms,
): Promise<void> {
  const column = (name: string): string => (given.includes(name) ? name : `NULL AS ${name}`);
  const people = await store.rows(
    `SELECT DISTINCT trust, ${WHO.map(column).join(', ')} FROM incoming`,
  );
  const appender = await store.appender('temp.incoming_who');
  for (const { trust, patient_id: id, issuer, nhs_number: nhs } of people) {
    const patient = { patientId: String(id), issuer: String(issuer ?? trust) };
    const values = [
      ...[trust, id, issuer, nhs],
      id === null ? null : keys.ofPatient(String(trust), patient),
      keys.ofNhsNumber(nhs === null ? null : String(nhs)),
    ];
    for (const value of values) {
      if (value === null || value === undefined) appender.appendNull();
      else appender.appendVarchar(String(value));
    }
    appender.endRow();
  }
  appender.closeSync();
}

/** Every column of the kind, of its type; null where the file has none or no such value. */
function typedSql({ columns, patient }: ToldKind, given: readonly string[]): string {
  const select = Object.entries(columns).map(([name, type]) => {
    if (name === 'patient_key' || name === 'nhs_key') return `w.${name}`;
    if (!given.includes(name)) return `NULL::${type} AS ${name}`;
    if (type === 'VARCHAR[]') return `string_split(i.${name}, ';') AS ${name}`;
    if (type === 'TIMESTAMP') return `TRY_CAST(i.${name} AS TIMESTAMPTZ)::TIMESTAMP AS ${name}`;
    return `TRY_CAST(i.${name} AS ${type}) AS ${name}`;
  });
  const same = ['trust', ...WHO.filter((name) => given.includes(name))];
  const joined = same.map((name) => `i.${name} IS NOT DISTINCT FROM w.${name}`).join(' AND ');
  return `SELECT ${select.join(', ')} FROM incoming i ${patient ? `LEFT JOIN incoming_who w ON ${joined}` : ''}`;
}
