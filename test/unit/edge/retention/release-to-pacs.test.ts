/** What the PACS sent, and still holds, goes from the spool; the study stays listed. */
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import t, { type Test } from 'tap';
import { PacsStudies } from '../../../../edge/crawl/pacs-studies.ts';
import { ReleaseToPacs } from '../../../../edge/retention/release-to-pacs.ts';
import { silentLog } from '../../../../shared/log.ts';
import { EMPTY_SET_HASH } from '../../../../shared/set-hash.ts';
import { openStorageFixture, temporaryDirectory } from '../../../support/storage-fixture.ts';
import { objectRecord } from '../index/object-record.ts';

const START = Date.parse('2026-03-02T08:00:00Z');
const HOUR = 3_600_000;
const STUDY = '2.999.7.1';

async function world(t: Test) {
  const clock = { ms: START, now: () => clock.ms, monotonicMs: () => clock.ms };
  const storage = await openStorageFixture({ dataDirectory: temporaryDirectory(t), clock });
  t.teardown(() => storage.close());
  const { db, index, spool } = storage;
  const release = new ReleaseToPacs({
    ...{ db, index, spool, clock, log: silentLog },
    ...{ pacs: ['PACS_RRK'], retentionHours: 72 },
  });
  const hold = (number: number, callingAETitle: string): string => {
    const path = `RRK/00/a/${number}.dcm`;
    mkdirSync(dirname(spool.absolute(path)), { recursive: true });
    writeFileSync(spool.absolute(path), 'x');
    index.recordInstance(objectRecord(number, {}, { path, callingAETitle }), clock.ms);
    return spool.absolute(path);
  };
  const crawled = (instances: number): void => {
    const { attributes } = objectRecord(1);
    const study = { attributes, series: 1, instances, modalities: ['CT'] };
    new PacsStudies(db, index).take('main-pacs', [study], clock.ms);
  };
  return { clock, index, release, hold, crawled, state: () => index.studyState(STUDY, 'RRK') };
}

t.test('goes after its hours, and the study stays, as the PACS has it', async (t) => {
  const { clock, release, hold, crawled, state } = await world(t);
  const files = [hold(1, 'PACS_RRK'), hold(2, 'PACS_RRK')];
  crawled(2);
  clock.ms += 71 * HOUR;
  release.pass();
  t.ok(files.every(existsSync), 'not before');
  clock.ms += 2 * HOUR;
  release.pass();
  t.notOk(files.some(existsSync));
  t.match(state(), { instances: 0, bytes: 0, setHash: EMPTY_SET_HASH, series: [] });
  t.match(state(), { nearline: { series: 1, instances: 2 } });
});

t.test('what a modality sent stays', async (t) => {
  const { clock, release, hold, crawled, state } = await world(t);
  const own = hold(1, 'CT1');
  const brought = hold(2, 'PACS_RRK');
  const before = state()?.setHash;
  crawled(2);
  clock.ms += 100 * HOUR;
  release.pass();
  t.ok(existsSync(own));
  t.notOk(existsSync(brought));
  t.match(state(), { instances: 1, series: [{ instances: 1 }] });
  t.not(state()?.setHash, before);
});

t.test('nothing goes of which the PACS does not say that it holds it all', async (t) => {
  const { clock, release, hold, crawled } = await world(t);
  const files = [hold(1, 'PACS_RRK'), hold(2, 'PACS_RRK')];
  clock.ms += 100 * HOUR;
  release.pass();
  t.ok(files.every(existsSync), 'it was never asked');
  crawled(1);
  release.pass();
  t.ok(files.every(existsSync), 'it holds less');
});
