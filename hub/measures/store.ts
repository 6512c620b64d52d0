/**
 * The analytic store, one DuckDB file: what was told, the facts folded from it, and the cells of every measure.
 * One program has it open; its queries run in DuckDB's own threads.
 *
 *   measures/facts.duckdb: told_… (the history), and what is made of it: stages and facts, sample_…, cell_…
 */
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { type DuckDBConnection, DuckDBInstance, type DuckDBValue } from '@duckdb/node-api';
import { MACROS } from './facts/macros.ts';
import { FACTS } from './measure.ts';
import { MeasureError } from './measure-error.ts';
import { TOLD_SCHEMA } from './told.ts';

export interface StoreOptions {
  readonly directory: string;
  readonly memoryMegabytes: number;
  readonly threads: number;
}

export type Row = Record<string, DuckDBValue>;

export class Store {
  readonly directory: string;
  readonly #instance: DuckDBInstance;
  readonly #connection: DuckDBConnection;
  #isEnded = false;

  private constructor(directory: string, instance: DuckDBInstance, connection: DuckDBConnection) {
    this.directory = directory;
    this.#instance = instance;
    this.#connection = connection;
  }

  static async open({ directory, memoryMegabytes, threads }: StoreOptions): Promise<Store> {
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    const instance = await DuckDBInstance.create(join(directory, 'facts.duckdb'), {
      memory_limit: `${memoryMegabytes}MB`,
      threads: String(threads),
      temp_directory: join(directory, 'temp'),
      autoinstall_known_extensions: 'false',
      autoload_known_extensions: 'false',
      // Packing texts by it was a third of writing a table, for a file that is hardly smaller.
      disabled_compression_methods: 'fsst',
    });
    const connection = await instance.connect();
    await connection.run(MACROS);
    await connection.run(TOLD_SCHEMA);
    await withoutOldBuild(connection, directory);
    await connection.run(OWN_SCHEMA);
    return new Store(directory, instance, connection);
  }

  /** One statement or several; the connection of the builder. @throws MeasureError `MEASURES_ENDED` */
  async run(sql: string): Promise<void> {
    await this.#goingOn(() => this.#connection.run(sql));
  }

  /** Rows of the builder's connection: it sees its own temporary tables. @throws MeasureError `MEASURES_ENDED` */
  async rows(sql: string): Promise<Row[]> {
    return this.#goingOn(() => rowsOf(this.#connection, sql));
  }

  /** What the builder does is broken off, and what it has begun taken back: a build may take an hour. */
  end(): void {
    this.#isEnded = true;
    this.#connection.interrupt();
  }

  async #goingOn<Result>(work: () => Promise<Result>): Promise<Result> {
    const ended = () => new MeasureError('MEASURES_ENDED', 'the hub ends: nothing more is built');
    if (this.#isEnded) throw ended();
    try {
      return await work();
    } catch (error) {
      throw this.#isEnded ? ended() : error;
    }
  }

  /** Rows for a reader; several may ask at once, and see what was committed. */
  async ask(sql: string): Promise<Row[]> {
    const connection = await this.#instance.connect();
    try {
      return await rowsOf(connection, sql);
    } finally {
      connection.closeSync();
    }
  }

  /** All of `work` or nothing of it. */
  async transaction(work: () => Promise<void>): Promise<void> {
    await this.run('BEGIN TRANSACTION');
    try {
      await work();
      await this.run('COMMIT');
    } catch (error) {
      await this.#connection.run('ROLLBACK');
      throw error;
    }
  }

  appender(table: string) {
    const [schema, name] = table.startsWith('temp.') ? ['main', table.slice(5)] : [null, table];
    return schema === null
      ? this.#connection.createAppender(name ?? table)
      : this.#connection.createAppender(name ?? table, schema, 'temp');
  }

  close(): void {
    this.#connection.closeSync();
    this.#instance.closeSync();
  }
}

/**
 * How the last build was made, what it has counted, which cells stand together over months (units.ts), how far the audit
 * trail was read, and overview.ts.
 */
const OWN_SCHEMA = `
CREATE TABLE IF NOT EXISTS built (number BIGINT, built_at TIMESTAMP, rules VARCHAR, definitions VARCHAR);
CREATE TABLE IF NOT EXISTS told_until (kind VARCHAR, until BIGINT);
CREATE TABLE IF NOT EXISTS coverage (trust VARCHAR, last_told_at TIMESTAMP, exams BIGINT, mapped BIGINT,
  with_report BIGINT);
CREATE TABLE IF NOT EXISTS month_part (measure VARCHAR, trust VARCHAR, month VARCHAR, parts VARCHAR);
CREATE TABLE IF NOT EXISTS wide_unit (measure VARCHAR, kind VARCHAR, trust VARCHAR, month VARCHAR,
  unit INTEGER, cells INTEGER, wide INTEGER);
CREATE TABLE IF NOT EXISTS viewed_until (seq BIGINT);
CREATE TABLE IF NOT EXISTS overview (number BIGINT, figures VARCHAR);
`;

/** Before facts were kept in the store they were Parquet files beside it, made anew by each build. */
async function withoutOldBuild(connection: DuckDBConnection, directory: string): Promise<void> {
  const old = await rowsOf(
    connection,
    "SELECT table_name FROM information_schema.tables WHERE table_name = 'part'",
  );
  if (old.length === 0) return;
  for (const fact of FACTS) {
    await connection.run(`DROP VIEW IF EXISTS ${fact}; DROP TABLE IF EXISTS no_${fact}`);
    rmSync(join(directory, fact), { recursive: true, force: true });
  }
  await connection.run('DROP TABLE part; DROP TABLE built; DROP TABLE IF EXISTS stale_file');
}

async function rowsOf(connection: DuckDBConnection, sql: string): Promise<Row[]> {
  const reader = await connection.runAndReadAll(sql);
  return reader.getRowObjectsJS() as Row[];
}

/** A text as SQL writes it. */
export const quoted = (text: string): string => `'${text.replaceAll("'", "''")}'`;
/** A moment, milliseconds since the epoch. */
export const timestamp = (ms: number): string =>
  `TIMESTAMP '${new Date(ms).toISOString().replace('T', ' ').replace('Z', '')}'`;
