/**
 * The program that asks a mart an analyst's SQL: one question from stdin, one answer to stdout, then its end. Apart
 * from the hub, so that what SQL can use up or break is a process that has one file, opened for reading, and no way
 * to any other.
 */
import { text } from 'node:stream/consumers';
import { DuckDBInstance, StatementType } from '@duckdb/node-api';
import type { SqlAnswer, SqlCall } from './analyst-sql.ts';

async function answer({ file, sql, rows, memoryMegabytes }: SqlCall): Promise<SqlAnswer> {
  const instance = await DuckDBInstance.create(file, {
    access_mode: 'READ_ONLY',
    memory_limit: `${memoryMegabytes}MB`,
    threads: '1',
    max_temp_directory_size: '0B',
    autoinstall_known_extensions: 'false',
    autoload_known_extensions: 'false',
    allow_community_extensions: 'false',
    enable_external_access: 'false',
    lock_configuration: 'true',
  });
  const connection = await instance.connect();
  const statements = await connection.extractStatements(sql);
  if (statements.count !== 1) return { refused: 'Ask one statement.' };
  const statement = await statements.prepare(0);
  if (statement.statementType !== StatementType.SELECT)
    return { refused: 'Only SELECT is answered.' };
  const result = await statement.stream();
  const columns = result.columnNames();
  const found: (readonly unknown[])[] = [];
  while (found.length <= rows) {
    const chunk = await result.fetchChunk();
    if (chunk === null || chunk.rowCount === 0) break;
    found.push(...chunk.getRows());
  }
  return {
    columns,
    rows: found.slice(0, rows).map((row) => row.map(plain)),
    isCut: found.length > rows,
  };
}

function plain(value: unknown): string | number | boolean | null {
  if (value === null || value === undefined) return null;
  if (typeof value === 'bigint')
    return Number.isSafeInteger(Number(value)) ? Number(value) : `${value}`;
  if (typeof value === 'string' || typeof value === 'boolean') return value;
  if (typeof value === 'number') return Number.isFinite(value) ? value : String(value);
  return String(value);
}

const call = JSON.parse(await text(process.stdin)) as SqlCall;
let told: SqlAnswer;
try {
  told = await answer(call);
} catch (error) {
  // DuckDB's own words say what is wrong with the SQL.
  const words = error instanceof Error ? error.message : String(error);
  told = { refused: words.slice(0, 2_000) };
}
process.stdout.write(JSON.stringify(told));
