/**
 * A folder as a destination: a Part 10 file for each object, under its final name only when it is whole
 * and on the disk. PS3.10 §7.
 */
import { createWriteStream } from 'node:fs';
import { mkdir, open, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { encodePart10Head } from '../../shared/dicom/part10.ts';
import { codeOf } from '../../shared/errors.ts';
import type { Destinations, ObjectToStore, StoreAssociation } from '../deliver/destination.ts';
import { ServiceError } from './route-error.ts';

/** Of all that a UID has in a data set: a name that is no path. */
const SAFE_NAME = /^[A-Za-z0-9_-][A-Za-z0-9._-]*$/;
const NO_ROOM = new Set(['ENOSPC', 'EDQUOT', 'EFBIG']);
const STORED = 0x0000;
const CANNOT_UNDERSTAND = 0xc000;

export function folderDestination(folder: string): Destinations {
  return {
    async open(_peer, _contexts, signal) {
      await mkdir(folder, { recursive: true }).catch(refused(folder));
      return new FolderAssociation(folder, signal);
    },
    async holding() {
      const names = await readdir(folder).catch(refused(folder));
      const uids = names.filter((name) => name.endsWith('.dcm')).map((name) => name.slice(0, -4));
      return { kind: 'instances', sopInstanceUIDs: new Set(uids) };
    },
  };
}

class FolderAssociation implements StoreAssociation {
  readonly window = 1;
  readonly #folder: string;
  readonly #signal: AbortSignal;

  constructor(folder: string, signal: AbortSignal) {
    this.#folder = folder;
    this.#signal = signal;
  }

  accepts(): boolean {
    return true;
  }

  async store(object: ObjectToStore, dataSet: () => Readable): Promise<number> {
    const { sopInstanceUID } = object;
    if (!SAFE_NAME.test(sopInstanceUID)) return CANNOT_UNDERSTAND;
    const file = join(this.#folder, `${sopInstanceUID}.dcm`);
    const part = `${file}.part`;
    try {
      const into = createWriteStream(part);
      into.write(encodePart10Head(object));
      await pipeline(dataSet(), into, { signal: this.#signal });
      await syncFile(part);
      await rename(part, file);
    } catch (cause) {
      await rm(part, { force: true }).catch(() => {});
      return refused(this.#folder)(cause);
    }
    return STORED;
  }

  async release(): Promise<void> {}

  abort(): void {}
}

async function syncFile(path: string): Promise<void> {
  const file = await open(path, 'r+');
  try {
    await file.sync();
  } finally {
    await file.close();
  }
}

const refused =
  (folder: string) =>
  (cause: unknown): never => {
    const code = codeOf(cause);
    // A smaller one may find room.
    const isDown = !NO_ROOM.has(code);
    const what = `${folder} can't be written or read: ${code}`;
    throw new ServiceError('FOLDER_IO', what, { cause, isDown });
  };
