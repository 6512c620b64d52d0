/** What the collection has of a study is what its home has now, whoever marked it, and however often. */
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { parseEdgeConfig } from '../../../../edge/config.ts';
import type { Project } from '../../../../edge/config-routes.ts';
import { removeStudy } from '../../../../edge/index/remove-study.ts';
import { dicomReading } from '../../../../edge/scp/dicom-reading.ts';
import { CaseStore } from '../../../../edge/teaching/case-store.ts';
import { Collection } from '../../../../edge/teaching/collection.ts';
import { TeachingDesk } from '../../../../edge/teaching/desk.ts';
import { type Clock, systemClock } from '../../../../shared/clock.ts';
import type { EventBody, TeachingEvent } from '../../../../shared/contract/events.ts';
import { silentLog } from '../../../../shared/log.ts';
import {
  openStorageFixture,
  smallObject,
  temporaryDirectory,
} from '../../../support/storage-fixture.ts';

const NOTE = { title: 'A', question: 'B', answer: 'C', keywords: [], category: null };
const STUDY = '2.999.7.1';
const OTHER_STUDY = '2.999.7.2';

async function world(t: Test) {
  const dataDirectory = temporaryDirectory(t);
  let now = Date.parse('2026-11-27T12:00:00Z');
  const clock: Clock = { ...systemClock, now: () => now };
  const storage = await openStorageFixture({ dataDirectory, clock });
  const { db, index, spool } = storage;
  const project = {
    ...{ name: 'teaching', purpose: 'teaching', approval: 'Caldicott 7', expires: '2099-12-31' },
    ...{
      profile: 'basic',
      destination: 'teaching-collection',
      keyFile: join(dataDirectory, 'key'),
    },
  };
  const { projects } = parseEdgeConfig({ trust: 'RRK', dataDirectory, projects: [project] });
  const collection = await Collection.open({
    ...{ dataDirectory, reserveBytes: 0, reading: dicomReading, clock, log: silentLog },
    decoder: { decode: () => Promise.reject(new Error('nothing is decoded here')) },
  });
  const told = new Map<string, EventBody<TeachingEvent>>();
  const store = new CaseStore({
    ...{ db, now: clock.now, studyOf: (uid) => collection.study(uid) },
    tell: (body) => void told.set(body.caseId, body),
  });
  t.teardown(() => {
    collection.stop();
    storage.close();
  });
  const desk = (of: readonly Project[] = projects) =>
    new TeachingDesk({
      ...{ trust: 'RRK', projects: of, db, index, spool, store, collection, now: clock.now },
      ...{ gate: { whyNot: () => undefined }, quietMs: 0, log: silentLog },
      transcoder: { transcode: () => Promise.reject(new Error('nothing is transcoded here')) },
      pacs: { isWanted: () => false, bring: async () => ({ reason: null }) },
    });
  return {
    ...{ storage, store, projects, told, desk },
    /** Everything that can be done is done. */
    async look(by = desk()) {
      for (let times = 0; times < 3; times += 1) {
        now += 60_000;
        await by.look();
      }
    },
    mark: (caseId: string, studyInstanceUID = STUDY) =>
      store.insert({ caseId, studyInstanceUID, note: NOTE }),
    remove: (studyInstanceUID: string) =>
      removeStudy({ spool, index }, { studyInstanceUID, home: 'RRK' }),
    /** The files of the collection. */
    files: () =>
      globSync(`${dataDirectory}/teaching/spool/**/*.dcm`).map((file) =>
        readFileSync(file, 'latin1'),
      ),
  };
}

const SECOND = { SOPInstanceUID: '2.999.1.2' };

t.test('of two objects with one UID it has the first, and says so', async (t) => {
  const { storage, mark, look, told, files } = await world(t);
  await storage.send(smallObject(1, { pixels: Buffer.from('the first') }));
  await storage.send(smallObject(1, { pixels: Buffer.from('the other') }));
  mark('a');
  await look();
  const { state, withheld, study } = told.get('a') ?? {};
  t.equal(state, 'published');
  t.equal(study?.instances, 1);
  t.match(withheld, [{ code: 'UID_CONFLICT', objects: 1 }]);
  t.equal(files().length, 1);
  t.match(files()[0], /the first/);
});

t.test('marked again after its content changed, both files show what there is now', async (t) => {
  const { storage, mark, look, remove, told, files } = await world(t);
  await storage.send(smallObject(1, { pixels: Buffer.from('of before') }));
  await storage.send(smallObject(2, SECOND));
  mark('a');
  await look();
  t.equal(told.get('a')?.study?.instances, 2);
  remove(STUDY);
  await storage.send(smallObject(1, { pixels: Buffer.from('of today.') }));
  mark('b');
  await look();
  t.equal(told.get('b')?.state, 'published');
  t.equal(files().length, 1);
  t.match(files()[0], /of today/);
  t.equal(told.get('a')?.study?.instances, 1, 'the hub is told of the other file, too');
});

t.test('rules that became stricter hold for what is marked from then on', async (t) => {
  const { storage, mark, look, desk, projects, files } = await world(t);
  await storage.send(smallObject(1));
  const lax = projects.map((one) => ({ ...one, options: ['retain-full-dates'] }));
  mark('a');
  await look(desk(lax));
  t.match(files()[0], /20260301/);
  mark('b');
  await look();
  t.equal(files().length, 1);
  t.notMatch(files()[0], /20260301/);
});

t.test('an object that went to another study is shown where it is now', async (t) => {
  const { storage, store, mark, look, remove, told, files } = await world(t);
  await storage.send(smallObject(1));
  mark('a');
  await look();
  remove(STUDY);
  await storage.send(
    smallObject(1, { StudyInstanceUID: OTHER_STUDY, SeriesInstanceUID: '2.999.7.2.1' }),
  );
  await storage.send(
    smallObject(2, { ...SECOND, StudyInstanceUID: OTHER_STUDY, SeriesInstanceUID: '2.999.7.2.1' }),
  );
  mark('b', OTHER_STUDY);
  await look();
  t.equal(told.get('a')?.state, 'withdrawn');
  t.equal(told.get('b')?.state, 'published');
  t.equal(store.find('b')?.instances, 2);
  t.equal(files().length, 2);
});
