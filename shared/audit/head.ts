/**
 * `audit.head`: how far the trail goes, beside it. Without it nobody would miss the newest rows. Written
 * after each row: after a power cut it may be behind the trail, never ahead of it.
 */
import { closeSync, openSync, readFileSync, writeSync } from 'node:fs';

export interface Head {
  readonly seq: number;
  readonly digest: string;
}

const SEQ_DIGITS = 16;
const LINE = /^(\d{16}) ([0-9a-f]{64})\n$/;

/** Undefined: there is none yet, or nothing in it: no row was written. Null: it is not what was written. */
export function readHead(file: string): Head | null | undefined {
  let text: string;
  try {
    text = readFileSync(file, 'latin1');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
  if (text === '') return undefined;
  const [, seq, digest] = LINE.exec(text) ?? [];
  return seq === undefined || digest === undefined ? null : { seq: Number(seq), digest };
}

/** In place, one write: kill -9 leaves the line before or this one. */
export class HeadFile {
  readonly #file: number;

  constructor(path: string) {
    this.#file = openHead(path);
  }

  write({ seq, digest }: Head): void {
    const line = `${String(seq).padStart(SEQ_DIGITS, '0')} ${digest}\n`;
    writeSync(this.#file, line, 0, 'latin1');
  }

  close(): void {
    closeSync(this.#file);
  }
}

function openHead(path: string): number {
  try {
    return openSync(path, 'r+');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    return openSync(path, 'w+', 0o600);
  }
}
