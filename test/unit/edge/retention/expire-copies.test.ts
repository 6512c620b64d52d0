/** Copies of other trusts' studies go when nobody needs them, and not before. */
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import t, { type Test } from 'tap';
import { Copies } from '../../../../edge/retention/copies.ts';
import { CopyExpiry } from '../../../../edge/retention/expire-copies.ts';
import type { Spool } from '../../../../edge/spool/spool.ts';
import { silentLog } from '../../../../shared/log.ts';
import {
  openStorageFixture,
  type StorageFixture,
  temporaryDirectory,
} from '../../../support/storage-fixture.ts';
import { objectRecord } from '../index/object-record.ts';

const DAY = 86_400_000;
const START = Date.parse('2026-03-02T08:00:00Z');
const GB = 1_000_000_000;

interface World {
  readonly storage: StorageFixture;
  readonly copies: Copies;
  readonly clock: { ms: number; now(): number; monotonicMs(): number };
  /** What the disk has free before each copy that is removed frees 1 GB; the reserve is 20 GB. */
  readonly disk: { freeBytes: number };
  /** A study of another trust, or of the trust's own, with one object. @returns its file */
  hold(study: string, home: string): string;
  /** A fetch of it, as it ended; null: it is under way. */
  fetched(study: string, state: string | null): void;
  delivering(study: string): void;
  /** Of which it was told that they go, while they were there. */
  readonly removed: readonly string[];
  pass(): Promise<void>;
  held(): string[];
}

async function world(t: Test): Promise<World> {
  const clock = { ms: START, now: () => clock.ms, monotonicMs: () => clock.ms };
  const storage = await openStorageFixture({ dataDirectory: temporaryDirectory(t), clock });
  t.teardown(() => storage.close());
  const { db, index, spool } = storage;
  const copies = new Copies({ db, trust: 'RRK', clock });
  const disk = { freeBytes: 100 * GB };
  const status = () => ({ ...disk, reserveBytes: 20 * GB, reached: false });
  const tightSpool: Spool = Object.create(spool, { reserve: { value: { status } } });
  const removed: string[] = [];
  const expiry = new CopyExpiry({
    ...{ copies, index, clock, log: silentLog, metrics: storage.metrics },
    spool: Object.create(tightSpool, {
      remove: {
        value: (path: string) => {
          disk.freeBytes += GB;
          spool.remove(path);
        },
      },
    }),
    copyRetentionDays: 30,
    onRemoval: ({ studyInstanceUID, home }) => {
      if (index.studyState(studyInstanceUID, home) !== undefined) removed.push(studyInstanceUID);
    },
  });
  let number = 0;
  return {
    ...{ storage, copies, clock, disk, removed },
    hold(study, home) {
      number += 1;
      const path = `${home}/00/a/${number}.dcm`;
      mkdirSync(dirname(spool.absolute(path)), { recursive: true });
      writeFileSync(spool.absolute(path), 'x');
      index.recordInstance(
        objectRecord(number, { studyInstanceUID: study }, { home, path }),
        clock.ms,
      );
      return spool.absolute(path);
    },
    fetched(study, state) {
      number += 1;
      db.prepare(
        `INSERT INTO fetches (fetch_id, study_uid, home, source_trust, source_url, ticket, priority,
           state, due_at, deadline_at, instances_expected, received_at, ended_at)
         VALUES (?, ?, 'RJE', 'RJE', 'http://x', '', 1, ?, 0, 0, 1, ?, ?)`,
      ).run(`f${number}`, study, state ?? 'transferring', clock.ms, state === null ? null : 1);
    },
    delivering(study) {
      db.prepare(
        `INSERT INTO deliveries (delivery_id, peer, study_uid, home, priority, state, due_at,
           deadline_at, created_at) VALUES (?, 'pacs', ?, 'RJE', 1, 'waiting', 0, 0, 0)`,
      ).run(study, study);
    },
    pass: () => expiry.pass(),
    held: () =>
      db.prepare<[], string>('SELECT study_uid FROM studies ORDER BY study_uid').pluck().all(),
  };
}

t.test('a copy goes 30 days after it came; a study of one’s own never', async (t) => {
  const { hold, pass, held, clock, storage, removed } = await world(t);
  const file = hold('copy', 'RJE');
  const own = hold('own', 'RRK');
  clock.ms += 30 * DAY - 1;
  await pass();
  t.same(held(), ['copy', 'own']);
  clock.ms += 1;
  await pass();
  t.same(held(), ['own']);
  t.notOk(existsSync(file), 'its file is gone');
  t.same(removed, ['copy'], 'what was delivered of it can be remembered');
  t.ok(existsSync(own));
  const told = storage.outbox.next(0, 100).map(({ body }) => body);
  t.ok(
    told.some((body) => body.kind === 'study' && body.studyInstanceUID === 'copy' && body.deleted),
    'the hub is told',
  );
});

t.test('whoever uses a copy keeps it for another 30 days', async (t) => {
  const { hold, pass, held, clock, copies } = await world(t);
  hold('used', 'RJE');
  hold('unused', 'RJE');
  clock.ms += 20 * DAY;
  copies.markUsed({ studyInstanceUID: 'used', home: 'RJE' });
  clock.ms += 29 * DAY;
  await pass();
  t.same(held(), ['used']);
  clock.ms += DAY;
  await pass();
  t.same(held(), []);
});

t.test('what a fetch or a delivery is busy with stays', async (t) => {
  const { hold, fetched, delivering, pass, held, clock } = await world(t);
  for (const study of ['being fetched', 'being delivered', 'idle']) hold(study, 'RJE');
  fetched('being fetched', null);
  delivering('being delivered');
  clock.ms += 400 * DAY;
  await pass();
  t.same(held(), ['being delivered', 'being fetched']);
});

t.test(
  'near the reserve the oldest delivered copies make room, and no more than needed',
  async (t) => {
    const { hold, fetched, pass, held, clock, disk, copies } = await world(t);
    for (const study of ['a', 'b', 'c', 'd', 'undelivered']) {
      hold(study, 'RJE');
      fetched(study, study === 'undelivered' ? 'partial' : 'available');
      clock.ms += DAY;
    }
    hold('own', 'RRK');
    copies.markUsed({ studyInstanceUID: 'a', home: 'RJE' });
    clock.ms += DAY;
    disk.freeBytes = 23 * GB;
    await pass();
    t.same(held(), ['a', 'd', 'own', 'undelivered'], 'two of 1 GB reach 25 GB again');
    disk.freeBytes = 1 * GB;
    await pass();
    t.same(
      held(),
      ['own', 'undelivered'],
      'the only copy that did not reach its destination stays',
    );
  },
);

t.test('what was used a moment ago is not taken away for want of space', async (t) => {
  const { hold, fetched, pass, held, disk } = await world(t);
  hold('fresh', 'RJE');
  fetched('fresh', 'available');
  disk.freeBytes = 0;
  await pass();
  t.same(held(), ['fresh']);
});

t.test('counts tell how much there is and how old', async (t) => {
  const { hold, copies } = await world(t);
  t.same(copies.counts(), { studies: 0, bytes: 0, oldestUse: null });
  hold('copy', 'RJE');
  hold('own', 'RRK');
  t.same(copies.counts(), { studies: 1, bytes: 1_000, oldestUse: START });
});
