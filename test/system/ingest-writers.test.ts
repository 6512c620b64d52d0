/** 32 writers into one study while it is read and told to the hub: every object once, counts exact. */
import t from 'tap';
import { openStorageFixture, smallObject, temporaryDirectory } from '../support/storage-fixture.ts';

const OBJECTS = process.env['CDIP_LONG'] === undefined ? 1_000 : 5_000;
const WRITERS = 32;

t.test(`B13: ${WRITERS} writers, one study, ${OBJECTS} objects, some sent twice`, async (t) => {
  const storage = await openStorageFixture({ dataDirectory: temporaryDirectory(t) });
  t.teardown(() => storage.close());
  storage.outbox.start();
  let next = 0;
  let failed = 0;
  const writer = async (): Promise<void> => {
    while (next < OBJECTS) {
      const number = next++;
      const over = { SeriesInstanceUID: `2.999.7.1.${number % 7}` };
      const sends = number % 10 === 0 ? 2 : 1;
      const answers = await Promise.all(
        Array.from({ length: sends }, () => storage.send(smallObject(number, over))),
      );
      failed += answers.filter(({ status }) => status !== 0).length;
    }
  };
  let reads = 0;
  const reader = setInterval(() => {
    reads++;
    storage.index.instancesOf({ studyInstanceUID: '2.999.7.1', home: 'RRK' });
  }, 50);
  await Promise.all(Array.from({ length: WRITERS }, writer));
  clearInterval(reader);
  t.equal(failed, 0);
  t.ok(reads > 0);
  t.match(storage.index.counts(), { studies: 1, series: 7, instances: OBJECTS, conflicts: 0 });
  const state = storage.index.studyState('2.999.7.1', 'RRK');
  t.equal(
    state?.series.reduce((sum, series) => sum + series.instances, 0),
    OBJECTS,
  );
});
