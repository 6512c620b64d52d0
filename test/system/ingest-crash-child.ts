/**
 * A process that stores objects and dies where it is told to.
 *
 *   node ingest-crash-child.ts <dataDirectory> <step> <nth> <senders> <first> <count>
 *
 * Writes the number of each acknowledged object to stdout before it sends the next one. At the nth
 * time it reaches <step> it kills itself; step `never` runs until somebody else does. It is quiet
 * between the second object and the third, until files are prepared: some of the others come into these, some into new ones.
 */
import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { setTimeout } from 'node:timers/promises';
import { promisify } from 'node:util';

// To the parent: no step of the product.
const { writeSync: tell } = fs;

const [dataDirectory = '', step = 'never', nth = '1', senders = '1', first = '0', count = '0'] =
  process.argv.slice(2);

let reached = 0;
function at(name: string): void {
  if (name === step && ++reached === Number(nth)) process.kill(process.pid, 'SIGKILL');
}

/** Puts the steps around the functions of Node by which the product reaches the disk; before it is loaded. */
function instrumentFiles(): void {
  type Call = (...args: never[]) => Promise<unknown>;
  const around = (name: 'writev' | 'fsync' | 'fdatasync', before: string, after: string): void => {
    const original = fs[name] as (...args: never[]) => void;
    const promised = promisify(original) as Call;
    const stepped = async (...args: never[]): Promise<unknown> => {
      at(before);
      const done = await promised(...args);
      at(after);
      return done;
    };
    // The product calls it by its promise; Node's own streams by its callback.
    const called = (...args: never[]): void => original(...args);
    fs[name] = Object.assign(called, { [promisify.custom]: stepped }) as never;
  };
  around('writev', 'before-write', 'written');
  around('fsync', 'before-fsync', 'after-fsync');
  around('fdatasync', 'before-fdatasync', 'after-fdatasync');
  const { closeSync, ftruncateSync, renameSync, writevSync } = fs;
  fs.ftruncateSync = (file, bytes) => {
    at('before-trim');
    ftruncateSync(file, bytes);
    at('trimmed');
  };
  fs.closeSync = (file) => {
    closeSync(file);
    at('closed');
  };
  fs.writevSync = ((...args: Parameters<typeof writevSync>) => {
    const name = args[2] === 0 && args[1].length === 1 ? 'preamble' : 'rest';
    at(`before-${name}`);
    const bytes = writevSync(...args);
    at(`after-${name}`);
    return bytes;
  }) as typeof writevSync;
  fs.renameSync = (from, to) => {
    at('before-rename');
    renameSync(from, to);
    at('after-rename');
  };
  syncBuiltinESMExports();
}

async function instrumentIndex(): Promise<void> {
  const { EdgeIndex } = await import('../../edge/index/edge-index.ts');
  const { recordInstance } = EdgeIndex.prototype;
  EdgeIndex.prototype.recordInstance = function (...args) {
    at('before-commit');
    const outcome = recordInstance.apply(this, args);
    at('after-commit');
    return outcome;
  };
}

instrumentFiles();
await instrumentIndex();
const { openStorageFixture, smallObject } = await import('../support/storage-fixture.ts');
const storage = await openStorageFixture({ dataDirectory });
storage.outbox.start();

let quiet: Promise<void> | undefined;
function untilPrepared(): Promise<void> {
  const wait = async (): Promise<void> => {
    while (fs.readdirSync(storage.spool.layout.prepared).length < 3) await setTimeout(20);
  };
  quiet ??= wait();
  return quiet;
}

let next = Number(first);
const end = next + Number(count);
async function sender(): Promise<void> {
  while (next < end) {
    const number = next++;
    if (step !== 'never' && number >= Number(first) + 2) await untilPrepared();
    // Some in one batch, some in several: the preamble is then written by itself.
    const pixels = Buffer.alloc(number % 3 === 0 ? 700_000 : 20_000, number % 256);
    const { status } = await storage.send(smallObject(number, { pixels }), { chunkBytes: 65_536 });
    if (status !== 0) throw new Error(`object ${number}: ${status}`);
    tell(1, `${number}\n`);
    at('acknowledged');
  }
}
await Promise.all(Array.from({ length: Number(senders) }, sender));
tell(1, 'end\n');
process.exit(0);
