/** kill -9 at any moment of a fetch: it goes on, nothing is lost, filed twice or left behind. */
import { spawn } from 'node:child_process';
import { mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import t from 'tap';
import { smallObject, temporaryDirectory } from '../../../support/storage-fixture.ts';
import { STUDY, startSource } from '../transfer/transfer-fixture.ts';
import { fetchCommand, Receiver } from './fetch-fixture.ts';

const CHILD = join(import.meta.dirname, 'fetch-crash-child.ts');
const OBJECTS = 40;
const MAX_KILLS = 14;

/** @returns the lines that it said before it was killed after so many, or ended by itself */
async function runChild(args: readonly string[], killAfter: number): Promise<string[]> {
  const child = spawn(process.execPath, [CHILD, ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
  const lines: string[] = [];
  for await (const line of createInterface({ input: child.stdout })) {
    lines.push(line);
    if (lines.length === killAfter) child.kill('SIGKILL');
  }
  return lines;
}

t.test('a fetch goes on wherever kill -9 left it', { timeout: 120_000 }, async (t) => {
  const source = await startSource(t);
  for (let number = 1; number <= OBJECTS; number += 1)
    await source.send(smallObject(number, { pixels: Buffer.alloc(30_000, number) }));
  const dataDirectory = temporaryDirectory(t);
  const pacs = join(temporaryDirectory(t), 'pacs');
  mkdirSync(pacs);
  const args = [dataDirectory, JSON.stringify(await fetchCommand(source.url)), pacs];
  const killedIn = new Set<string>();
  let lines: string[] = [];
  for (let kills = 0; kills < MAX_KILLS; kills += 1) {
    // Sooner or later in its course, and at last not at all.
    lines = await runChild(args, 1 + Math.floor(Math.random() * 30));
    const last = lines.findLast((line) => line !== 'taken')?.split(' ')[0] ?? 'taken';
    killedIn.add(last);
    if (lines.includes('ended')) break;
  }
  if (!lines.includes('ended')) lines = await runChild(args, Number.POSITIVE_INFINITY);
  t.comment(`killed after: ${[...killedIn].join(', ')}`);
  t.ok(lines.includes('ended'));

  const receiver = await Receiver.open({ dataDirectory });
  t.teardown(() => receiver.stop());
  const { index, recovered, spool } = receiver.storage;
  t.match(receiver.store.find('f1'), { state: 'available', reason: null, instancesDone: OBJECTS });
  t.match(index.counts(), { instances: OBJECTS, studies: 1, conflicts: 0, missing: 0 });
  t.equal(
    index.studyState(STUDY, 'RRK')?.setHash,
    source.index.studyState(STUDY, 'RRK')?.setHash,
    'exactly the objects of the home',
  );
  t.match(index.studyState(STUDY, 'RRK')?.patient, { patientId: 'RJE-4711' });
  t.equal(readdirSync(pacs).length, OBJECTS);
  t.strictSame(readdirSync(spool.layout.staging), []);
  t.strictSame(readdirSync(spool.layout.incoming), []);
  t.equal(recovered.quarantined, 0);
  const told = receiver.storage.outbox.next(0, 10_000).map(({ body }) => body);
  const receipts = told.filter((body) => body.kind === 'receipt');
  t.match(receipts.at(-1), { state: 'available', instances: { done: OBJECTS } });
});
