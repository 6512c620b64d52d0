/**
 * SQL that analysts write themselves, over marts (marts.ts) and nothing else. Each question is a process of its own
 * (sql-child.ts) with limits of time, memory and rows.
 *
 * Fails closed: a purpose that is not configured, has ended or does not name the person has no rows.
 */
import { spawn } from 'node:child_process';
import { basename, dirname, join } from 'node:path';
import { text } from 'node:stream/consumers';
import type { Clock } from '../../shared/clock.ts';
import type { HubConfig } from '../config.ts';
import type { Marts } from './marts.ts';
import { MeasureError } from './measure-error.ts';

export interface SqlCall {
  readonly file: string;
  readonly sql: string;
  /** At most. */
  readonly rows: number;
  readonly memoryMegabytes: number;
}

export type SqlValue = string | number | boolean | null;

export interface SqlTable {
  readonly columns: readonly string[];
  readonly rows: readonly (readonly SqlValue[])[];
  /** True: there are more than may be told at once. */
  readonly isCut: boolean;
}

/** `refused`: why, in words for who wrote the SQL. */
export type SqlAnswer = SqlTable | { readonly refused: string };

export interface SqlQuestion {
  readonly sql: string;
  /** Id of a purpose for which rows of people were approved; null: figures. */
  readonly purpose: string | null;
  /** Who asks. */
  readonly person: string;
}

export class AnalystSql {
  readonly #config: HubConfig['measures'];
  readonly #clock: Clock;
  #running = 0;

  constructor(config: HubConfig['measures'], clock: Clock) {
    this.#config = config;
    this.#clock = clock;
  }

  /** @throws MeasureError `SQL_PURPOSE`, `SQL_REFUSED`, `SQL_TOO_LONG`, `SQL_BUSY` */
  async ask(marts: Marts, { sql, purpose, person }: SqlQuestion): Promise<SqlTable> {
    if (purpose !== null) this.#requirePurpose(purpose, person);
    const { seconds, rows, memoryMegabytes, atOnce } = this.#config.sql;
    if (this.#running >= atOnce)
      throw new MeasureError('SQL_BUSY', `${atOnce} questions are being answered; ask again soon`);
    this.#running += 1;
    try {
      const file = await marts.file(purpose);
      const answer = await inChild({ file, sql, rows, memoryMegabytes }, seconds);
      if ('refused' in answer) throw new MeasureError('SQL_REFUSED', answer.refused);
      return answer;
    } finally {
      this.#running -= 1;
    }
  }

  /** Ids of purposes that have not ended. */
  get open(): string[] {
    const today = new Date(this.#clock.now()).toISOString().slice(0, 10);
    return this.#config.purposes.filter(({ until }) => today <= until).map(({ id }) => id);
  }

  #requirePurpose(id: string, person: string): void {
    const purpose = this.#config.purposes.find((one) => one.id === id);
    if (purpose?.people.includes(person) === true && this.open.includes(id)) return;
    throw new MeasureError(
      'SQL_PURPOSE',
      'rows of people are for the people of an approved purpose, until it ends; without a purpose figures are answered',
    );
  }
}

/** The child has no more than it needs: no variables of the hub, no arguments. */
async function inChild(call: SqlCall, seconds: number): Promise<SqlAnswer> {
  const child = spawn(process.execPath, [join(import.meta.dirname, 'sql-child.ts')], {
    // Where the file lies is nobody's business: it is named from its own folder.
    cwd: dirname(call.file),
    env: {},
    stdio: ['pipe', 'pipe', 'ignore'],
    timeout: seconds * 1_000,
    killSignal: 'SIGKILL',
  });
  const ended = new Promise<NodeJS.Signals | null>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (_, signal) => resolve(signal));
  });
  // A child that ended early closes its stdin; how it ended says why.
  child.stdin.on('error', () => {});
  child.stdin.end(JSON.stringify({ ...call, file: basename(call.file) }));
  const [told, signal] = await Promise.all([text(child.stdout), ended]);
  if (signal === 'SIGKILL')
    throw new MeasureError(
      'SQL_TOO_LONG',
      `not answered within ${seconds} seconds, or more memory than there is; ask for less`,
    );
  try {
    return JSON.parse(told) as SqlAnswer;
  } catch (cause) {
    throw new MeasureError('SQL_REFUSED', 'the question could not be carried out', { cause });
  }
}
