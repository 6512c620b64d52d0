/**
 * JSON lines to stdout: a dotted event name and flat fields. The names and fields are typed in
 * log-events.ts. An error is written as its name, code and stack, never its fields.
 */
import pino from 'pino';
import { codeOf } from './errors.ts';
import type { LogEvents } from './log-events.ts';
import { LogFile } from './log-file.ts';

export type { LogEvents } from './log-events.ts';

export interface Log {
  info<E extends keyof LogEvents>(event: E, fields: LogEvents[E]): void;
  warn<E extends keyof LogEvents>(event: E, fields: LogEvents[E]): void;
  error<E extends keyof LogEvents>(event: E, fields: LogEvents[E]): void;
}

type Level = 'info' | 'warn' | 'error';

/** A log that writes JSON lines to stdout, and to files of the program's name in `directory`. */
export function openKeptLog(program: string, directory: string): Log {
  const stdout = pino.destination({ sync: true });
  const file = new LogFile(directory, program);
  return openLog(program, {
    write(line) {
      stdout.write(line);
      file.write(line);
    },
  });
}

/** A log that writes JSON lines to stdout, or to `destination`. */
export function openLog(program: string, destination?: pino.DestinationStream): Log {
  const options: pino.LoggerOptions = {
    base: { program },
    messageKey: 'event',
    timestamp: () => `,"at":"${new Date().toISOString()}"`,
    formatters: { level: (level) => ({ level }) },
    serializers: { error: describe },
  };
  const out = destination
    ? pino(options, destination)
    : pino(options, pino.destination({ sync: true }));
  const write =
    (level: Level) =>
    <E extends keyof LogEvents>(event: E, fields: LogEvents[E]): void =>
      out[level](fields as object, event);
  return { info: write('info'), warn: write('warn'), error: write('error') };
}

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
