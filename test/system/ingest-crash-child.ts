/**
 * A process that stores objects and dies where it is told to.
 *
 *   node ingest-crash-child.ts <dataDirectory> <step> <nth> <senders> <first> <count>
 *
 * Writes the number of each acknowledged object to stdout before it sends the next one. At the nth
 * time it reaches <step> it kills itself; step `never` runs until somebody else does.
 */
import fs, { writeSync } from 'node:fs';
import fsPromises from 'node:fs/promises';
import { syncBuiltinESMExports } from 'node:module';
import { EdgeIndex } from '../../edge/index/edge-index.ts';
import { openStorageFixture, smallObject } from '../support/storage-fixture.ts';

const [dataDirectory = '', step = 'never', nth = '1', senders = '1', first = '0', count = '0'] =
  process.argv.slice(2);

let reached = 0;
function at(name: string): void {
  if (name === step && ++reached === Number(nth)) process.kill(process.pid, 'SIGKILL');
}

/** Puts the steps around the functions of Node by which the product reaches the disk. */
function instrumentFiles(): void {
  const { open } = fsPromises;
  fsPromises.open = async (...args: Parameters<typeof open>) => {
    const file = await open(...args);
    const { writev, write, sync, close } = file;
    at('opened');
    file.writev = (async (...a: Parameters<typeof writev>) => {
      const done = await writev.apply(file, a);
      at('written');
      return done;
    }) as typeof file.writev;
    file.write = (async (...a: Parameters<typeof write>) => {
      at('before-preamble');
      const done = await write.apply(file, a);
      at('after-preamble');
      return done;
    }) as typeof file.write;
    file.sync = async () => {
      at('before-fsync');
      await sync.call(file);
      at('after-fsync');
    };
    file.close = async () => {
      await close.call(file);
      at('closed');
    };
    return file;
  };
  const { renameSync } = fs;
  fs.renameSync = (from, to) => {
    at('before-rename');
    renameSync(from, to);
    at('after-rename');
  };
  syncBuiltinESMExports();
}

function instrumentIndex(): void {
  const { recordInstance } = EdgeIndex.prototype;
  EdgeIndex.prototype.recordInstance = function (...args) {
    at('before-commit');
    const outcome = recordInstance.apply(this, args);
    at('after-commit');
    return outcome;
  };
}

instrumentFiles();
instrumentIndex();
const storage = await openStorageFixture({ dataDirectory });
storage.outbox.start();
let next = Number(first);
const end = next + Number(count);
async function sender(): Promise<void> {
  while (next < end) {
    const number = next++;
    // Some in one batch, some in several: the preamble is written at another moment.
    const pixels = Buffer.alloc(number % 3 === 0 ? 1_200_000 : 20_000, number % 256);
    const { status } = await storage.send(smallObject(number, { pixels }), { chunkBytes: 65_536 });
    if (status !== 0) throw new Error(`object ${number}: ${status}`);
    writeSync(1, `${number}\n`);
    at('acknowledged');
  }
}
await Promise.all(Array.from({ length: Number(senders) }, sender));
writeSync(1, 'end\n');
process.exit(0);
