/**
 * The network's directory as the hub last told it: who the trusts are, where their edges are, and the
 * keys that tickets are signed with. Kept in a file, so that transfers go on while the hub is down.
 */
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Directory, DirectorySchema } from '../../shared/contract/rpc.ts';

export const directoryFile = (dataDirectory: string): string =>
  join(dataDirectory, 'directory.json');

export class DirectoryCache {
  readonly #file: string;
  #directory: Directory | undefined;

  constructor(dataDirectory: string) {
    this.#file = directoryFile(dataDirectory);
    this.#directory = read(this.#file);
  }

  /** Undefined: this edge was never told one. */
  current(): Directory | undefined {
    return this.#directory;
  }

  /** Takes a newer one; the file is written only when something differs. */
  store(directory: Directory): void {
    const text = JSON.stringify(directory);
    if (text === JSON.stringify(this.#directory)) return;
    this.#directory = directory;
    const temporary = `${this.#file}.new`;
    writeFileSync(temporary, text, { mode: 0o640 });
    renameSync(temporary, this.#file);
  }
}

/** A file that is not there, or that a power cut spoilt, is no directory: the hub tells it again. */
function read(file: string): Directory | undefined {
  try {
    return DirectorySchema.safeParse(JSON.parse(readFileSync(file, 'utf8'))).data;
  } catch {
    return undefined;
  }
}
