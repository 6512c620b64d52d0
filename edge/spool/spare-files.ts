/**
 * Empty files that wait in `incoming/` for the next objects. Making one costs up to a millisecond on a file system
 * that has just deleted many (ext4 without a journal looks for an inode that has been free for minutes); here a
 * thread does it while an object is made durable: then its sender waits for the disk anyway, and to ask the thread
 * costs no object's time.
 *
 * `stop` removes those that were not used; what a killed edge left is dropped at its next start.
 */
import { randomUUID } from 'node:crypto';
import fs from 'node:fs';
import { join } from 'node:path';
import { TEMPORARY_SUFFIX } from './layout.ts';

/** As many senders as are usually at work at once find one each. */
const SPARES = 4;
/** Never one that is there already; for the edge's user, and to be read by its group. */
const NEW = ['wx', 0o640] as const;

/** A file without an object and its open descriptor; whoever takes it closes it. */
export interface OpenFile {
  readonly path: string;
  readonly descriptor: number;
  /** What its blocks hold that are durable already. Absent: it is new, and empty. */
  readonly blockBytes?: number;
}

/** A new file of this path. @throws what the file system says */
export function newFile(path: string): OpenFile {
  return { path, descriptor: fs.openSync(path, ...NEW) };
}

export class SpareFiles {
  readonly #folder: string;
  readonly #ready: OpenFile[] = [];
  #isMaking = false;
  #isStopped = false;

  constructor(folder: string) {
    this.#folder = folder;
  }

  /** A spare, or a file made now. @throws what the file system says */
  take(): OpenFile {
    return this.#ready.pop() ?? newFile(this.#newPath());
  }

  /** Makes those that are missing, one at a time: the threads of the pool are for what senders wait for. */
  refill(): void {
    if (this.#isMaking || this.#isStopped || this.#ready.length >= SPARES) return;
    this.#isMaking = true;
    const path = this.#newPath();
    fs.open(path, ...NEW, (error, descriptor) => {
      this.#isMaking = false;
      // Whoever takes the next file meets the error, and can tell his sender.
      if (error !== null) return;
      this.#ready.push({ path, descriptor });
      if (this.#isStopped) this.stop();
      else this.refill();
    });
  }

  /** An edge that takes another configuration goes on in the same process: nothing stays open. */
  stop(): void {
    this.#isStopped = true;
    for (const { path, descriptor } of this.#ready.splice(0)) {
      fs.closeSync(descriptor);
      fs.rmSync(path, { force: true });
    }
  }

  #newPath(): string {
    return join(this.#folder, `${randomUUID()}${TEMPORARY_SUFFIX}`);
  }
}
