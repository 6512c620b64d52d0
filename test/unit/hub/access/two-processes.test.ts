/** The command line writes while the hub runs: two processes on one file. */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import t from 'tap';
import { Access, openAccessDatabase } from '../../../../hub/access/access.ts';
import { EdgeCredentials } from '../../../../hub/access/edge-credentials.ts';
import { systemClock } from '../../../../shared/clock.ts';

const ROOT = join(import.meta.dirname, '..', '..', '..', '..');
const KEYS = 100;
const WRITER = `
import { Access, openAccessDatabase } from '${ROOT}/hub/access/access.ts';
import { EdgeCredentials } from '${ROOT}/hub/access/edge-credentials.ts';
import { systemClock } from '${ROOT}/shared/clock.ts';
const access = new Access(openAccessDatabase(process.argv[1]), systemClock);
const made = [];
for (let i = 0; i < ${KEYS}; i += 1) made.push(access.machines.addKey({ name: 'k' + i, role: 'analyst', trust: null }));
console.log(JSON.stringify(made));
`;

t.test('what another process adds counts at once, and none of either is lost', async (t) => {
  const directory = t.testdir({});
  const db = openAccessDatabase(directory);
  t.teardown(() => db.close());
  const access = new Access(db, systemClock);
  const run = promisify(execFile)(process.execPath, [
    ...['--input-type=module-typescript', '-e', WRITER, directory],
  ]);
  const ours: string[] = [];
  let isRunning = true;
  const ended = run.finally(() => {
    isRunning = false;
  });
  while (isRunning) {
    ours.push(access.machines.addKey({ name: 'ours', role: 'admin', trust: null }));
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
  const theirs = JSON.parse((await ended).stdout) as string[];
  t.equal(theirs.length, KEYS);
  t.ok(ours.every((key) => access.authenticate({ bearer: key })?.role === 'admin'));
  t.ok(theirs.every((key) => access.authenticate({ bearer: key })?.role === 'analyst'));
});

t.test('of two that use the same token one gets in', async (t) => {
  const directory = t.testdir({});
  const [first, second] = [openAccessDatabase(directory), openAccessDatabase(directory)];
  t.teardown(() => {
    first.close();
    second.close();
  });
  const token = new Access(first, systemClock).addEnrolmentToken('RRK', 60_000);
  const link = new Access(first, systemClock).invite({ name: 'n', role: 'admin', trust: null });
  const outcomes = [first, second].map((db, i) => {
    const access = new Access(db, systemClock);
    const session = access.useSignInLink(link, { address: null, browser: null }) !== null;
    try {
      new EdgeCredentials(db, systemClock).enrol({
        token,
        trust: 'RRK',
        natsPublicKey: `U${(i === 0 ? 'A' : 'B').repeat(55)}`,
        httpUrl: 'http://127.0.0.1:1',
        version: '1',
      });
      return { session, enrolled: true };
    } catch {
      return { session, enrolled: false };
    }
  });
  t.same(outcomes, [
    { session: true, enrolled: true },
    { session: false, enrolled: false },
  ]);
});
