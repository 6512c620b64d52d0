/**
 * JSON lines to stdout: a dotted event name and flat fields. The names and fields are typed in
 * log-events.ts. An error is written as its name, code and stack, never its fields; what a peer calls itself as
 * said-names.ts has it.
 */
import { randomBytes } from 'node:crypto';
import pino from 'pino';
import { codeOf } from './errors.ts';
import type { LogEvents } from './log-events.ts';
import { LogFile } from './log-file.ts';
import { PEERS_UIDS, PEERS_WORDS, type Say, sayer, uidSayer } from './said-names.ts';

export type { LogEvents } from './log-events.ts';

export interface Log {
  info<E extends keyof LogEvents>(event: E, fields: LogEvents[E]): void;
  warn<E extends keyof LogEvents>(event: E, fields: LogEvents[E]): void;
  error<E extends keyof LogEvents>(event: E, fields: LogEvents[E]): void;
}

type Level = 'info' | 'warn' | 'error';

/** Which names are said as they are, and the key of the digests of others. */
export interface SaidInLog {
  readonly caller: Say;
  readonly key: Uint8Array;
}

/** A log that writes JSON lines to stdout, and to files of the program's name in `directory`. */
export function openKeptLog(program: string, directory: string, said: SaidInLog): Log {
  const stdout = pino.destination({ sync: true });
  const file = new LogFile(directory, program);
  const destination = {
    write(line: string) {
      stdout.write(line);
      file.write(line);
    },
  };
  return openLog(program, destination, said);
}

/** A log that writes JSON lines to stdout, or to `destination`; it says no peer's name unless `said` knows it. */
export function openLog(
  program: string,
  destination: pino.DestinationStream = pino.destination({ sync: true }),
  said: SaidInLog = nobodyKnown(),
): Log {
  const options: pino.LoggerOptions = {
    base: { program },
    messageKey: 'event',
    timestamp: () => `,"at":"${new Date().toISOString()}"`,
    formatters: { level: (level) => ({ level }) },
    serializers: { error: describe, ...saying(said) },
  };
  const out = pino(options, destination);
  const write =
    (level: Level) =>
    <E extends keyof LogEvents>(event: E, fields: LogEvents[E]): void =>
      out[level](fields as object, event);
  return { info: write('info'), warn: write('warn'), error: write('error') };
}

function nobodyKnown(): SaidInLog {
  const key = randomBytes(32);
  return { caller: sayer([], key), key };
}

const saying = ({ caller, key }: SaidInLog): Record<string, Say> => ({
  ...Object.fromEntries(PEERS_WORDS.map((field) => [field, caller])),
  ...Object.fromEntries(PEERS_UIDS.map((field) => [field, uidSayer(key)])),
});

/** A log that drops everything, for tests of parts that log. */
export const silentLog: Log = { info: () => {}, warn: () => {}, error: () => {} };

/** Only what cannot name a patient: class, code, and where in the code. The message may quote input. */
function describe(error: unknown): object {
  if (!(error instanceof Error)) return { name: typeof error };
  const frames = error.stack?.split('\n').filter((line) => /^\s+at /.test(line)) ?? [];
  return {
    name: error.name,
    code: codeOf(error),
    stack: frames.slice(0, 8).map((line) => line.trim()),
    ...(error.cause === undefined ? {} : { cause: codeOf(error.cause) }),
  };
}
