/** Rule 1 against kill -9: what was acknowledged is there, unchanged, whatever step the process died at. */
import { type ChildProcess, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import t from 'tap';
import { digestDataSet } from '../../edge/spool/read-instance.ts';
import { EMPTY_SET_HASH, instanceHash, toggleMember } from '../../shared/set-hash.ts';
import { filesUnder } from '../support/files-under.ts';
import {
  dataSetOf,
  openStorageFixture,
  type SmallObject,
  type StorageFixture,
  smallObject,
  temporaryDirectory,
} from '../support/storage-fixture.ts';

const CHILD = join(import.meta.dirname, 'ingest-crash-child.ts');
const STEPS = [
  'before-write',
  'written',
  'before-rest',
  'after-rest',
  'before-preamble',
  'after-preamble',
  'before-fsync',
  'after-fsync',
  'before-fdatasync',
  'after-fdatasync',
  'before-trim',
  'trimmed',
  'closed',
  'before-rename',
  'after-rename',
  'before-commit',
  'after-commit',
  'acknowledged',
];
const RANDOM_KILLS = process.env['CDIP_LONG'] === undefined ? 15 : 1_000;

interface Run {
  readonly dataDirectory: string;
  readonly step: string;
  readonly nth: number;
  readonly senders: number;
  readonly first: number;
  readonly count: number;
}

/** Runs the child to its death or end. @returns the numbers it acknowledged */
function run(run: Run, whileRunning?: (child: ChildProcess) => void): Promise<number[]> {
  const { dataDirectory, step, nth, senders, first, count } = run;
  const args = [CHILD, dataDirectory, step, nth, senders, first, count].map(String);
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  whileRunning?.(child);
  let output = '';
  child.stdout?.on('data', (chunk: Buffer) => {
    output += chunk.toString();
  });
  return new Promise((resolve, reject) => {
    child.on('close', (code, signal) => {
      const isKilled = signal === 'SIGKILL';
      if (
        isKilled === (step === 'never' && whileRunning === undefined) ||
        (!isKilled && code !== 0)
      )
        return reject(new Error(`child ended with ${code ?? signal} at step ${step}`));
      resolve(
        output
          .split('\n')
          .filter((line) => /^\d+$/.test(line))
          .map(Number),
      );
    });
  });
}

/** As the child makes it. */
const objectOf = (number: number): SmallObject =>
  smallObject(number, {
    pixels: Buffer.alloc(number % 3 === 0 ? 700_000 : 20_000, number % 256),
  });

const expectedDigest = (number: number): string =>
  createHash('sha256')
    .update(dataSetOf(objectOf(number)))
    .digest('hex');

/** Everything acknowledged is there with its bytes; index, set hash and disk agree; nothing is left over. */
async function check(storage: StorageFixture, acknowledged: Iterable<number>): Promise<string[]> {
  const faults: string[] = [];
  for (const number of acknowledged) {
    const stored = storage.index.findInstance(`2.999.1.${number}`, 'RRK');
    if (stored === undefined) faults.push(`${number} is not in the index`);
    else if (
      (await digestDataSet(storage.spool.absolute(stored.path), stored)) !== expectedDigest(number)
    )
      faults.push(`${number} was changed`);
  }
  const instances = storage.index.instancesOf({ studyInstanceUID: '2.999.7.1', home: 'RRK' });
  const hash = instances.reduce(
    (set, each) => toggleMember(set, instanceHash(each.sopInstanceUID, each.homeDigest)),
    EMPTY_SET_HASH,
  );
  const state = storage.index.studyState('2.999.7.1', 'RRK');
  if ((state?.setHash ?? EMPTY_SET_HASH) !== hash) faults.push('set hash is not that of the rows');
  if ((state?.instances ?? 0) !== instances.length) faults.push('count is not that of the rows');
  const files = filesUnder(join(storage.spool.layout.root, 'RRK')).length;
  if (files !== instances.length) faults.push(`${files} files, ${instances.length} rows`);
  const { incoming, prepared } = storage.spool.layout;
  if ([incoming, prepared].flatMap(filesUnder).length > 0) faults.push('temporary files are left');
  if (storage.recovered.missing > 0) faults.push('files of rows are missing');
  return faults;
}

for (const step of STEPS) {
  t.test(
    `B09: killed at "${step}", nothing acknowledged is lost and the rest is stored again`,
    async (t) => {
      const dataDirectory = temporaryDirectory(t);
      const acknowledged = new Set<number>();
      for (const nth of [1, 3]) {
        const options = { dataDirectory, step, nth, senders: 2, first: 0, count: 12 };
        for (const number of await run(options)) acknowledged.add(number);
      }
      const storage = await openStorageFixture({ dataDirectory });
      t.teardown(() => storage.close());
      t.same(await check(storage, acknowledged), []);
      const all = Array.from({ length: 12 }, (_, number) => number);
      for (const number of all) t.equal((await storage.send(objectOf(number))).status, 0);
      storage.close();
      const again = await openStorageFixture({ dataDirectory });
      t.teardown(() => again.close());
      t.same(await check(again, all), []);
      t.match(again.index.counts(), { instances: 12, conflicts: 0 });
    },
  );
}

t.test(
  `B09: ${RANDOM_KILLS} kills at random moments lose nothing acknowledged`,
  { timeout: 3_600_000 },
  async (t) => {
    const dataDirectory = temporaryDirectory(t);
    const acknowledged = new Set<number>();
    let seed = 12_345;
    const random = (): number => {
      seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648;
      return seed / 2_147_483_648;
    };
    for (let kill = 0; kill < RANDOM_KILLS; kill++) {
      const first = (kill * 40) % 2_000;
      const options = { dataDirectory, step: 'never', nth: 1, senders: 8, first, count: 2_000 };
      const told = await run(options, (child) => {
        child.stdout?.once('data', () => setTimeout(() => child.kill('SIGKILL'), random() * 250));
      });
      for (const number of told) acknowledged.add(number);
    }
    t.comment(`${acknowledged.size} objects acknowledged`);
    const storage = await openStorageFixture({ dataDirectory });
    t.teardown(() => storage.close());
    t.same(await check(storage, acknowledged), []);
    t.match(storage.index.counts(), { conflicts: 0 });
  },
);
