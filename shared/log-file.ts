/**
 * The log, in files too: what a support bundle takes along where nobody keeps what was said on stdout.
 *
 *   line ─► stdout ─► edge.log ─► full: edge.log.1 … edge.log.4, the oldest goes
 */
import { closeSync, fstatSync, mkdirSync, openSync, renameSync, writeSync } from 'node:fs';
import { join } from 'node:path';

const MAX_BYTES = 10_000_000;
const KEPT = 4;

export const logDirectory = (dataDirectory: string): string => join(dataDirectory, 'log');

/** Of one program; the newest first, those that are not there among them. */
export const logFiles = (directory: string, program: string): string[] => [
  join(directory, `${program}.log`),
  ...Array.from({ length: KEPT }, (_, at) => join(directory, `${program}.log.${at + 1}`)),
];

export class LogFile {
  readonly #directory: string;
  readonly #program: string;
  readonly #maxBytes: number;
  #fd: number | undefined;
  #bytes = 0;

  constructor(directory: string, program: string, maxBytes: number = MAX_BYTES) {
    this.#directory = directory;
    this.#program = program;
    this.#maxBytes = maxBytes;
  }

  /** What a full disk does not take is on stdout all the same. */
  write(line: string): void {
    try {
      if (this.#fd !== undefined && this.#bytes > this.#maxBytes) this.#rotate();
      this.#fd ??= this.#open();
      this.#bytes += writeSync(this.#fd, line);
    } catch {
      this.close();
    }
  }

  close(): void {
    if (this.#fd !== undefined) closeSync(this.#fd);
    this.#fd = undefined;
  }

  #open(): number {
    mkdirSync(this.#directory, { recursive: true, mode: 0o750 });
    const fd = openSync(join(this.#directory, `${this.#program}.log`), 'a', 0o640);
    this.#bytes = fstatSync(fd).size;
    return fd;
  }

  #rotate(): void {
    this.close();
    const files = logFiles(this.#directory, this.#program);
    for (let at = files.length - 1; at > 0; at -= 1)
      try {
        renameSync(files[at - 1] ?? '', files[at] ?? '');
      } catch {
        // There were not so many yet.
      }
  }
}
