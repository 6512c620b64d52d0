import t from 'tap';
import { openEdgeDatabase } from '../../../../edge/database.ts';
import { EdgeIndex, type ObjectRecord } from '../../../../edge/index/edge-index.ts';
import { EMPTY_SET_HASH, instanceHash, toggleMember } from '../../../../shared/set-hash.ts';
import { temporaryDirectory } from '../../../support/storage-fixture.ts';
import { objectRecord } from './object-record.ts';

function open(t: { teardown(done: () => void): void }): EdgeIndex {
  const db = openEdgeDatabase(temporaryDirectory(t));
  t.teardown(() => db.close());
  return new EdgeIndex({ db, trust: 'RRK', namespace: 'RRK' });
}

/** The set hash computed anew from what the index says it holds. */
function hashOf(records: readonly ObjectRecord[]): string {
  return records.reduce(
    (hash, { attributes, homeDigest }) =>
      toggleMember(hash, instanceHash(attributes.sopInstanceUID, homeDigest)),
    EMPTY_SET_HASH,
  );
}

t.test('counts and set hashes of study and series follow every object', async (t) => {
  const index = open(t);
  const records = Array.from({ length: 20 }, (_, number) =>
    objectRecord(number, { seriesInstanceUID: `2.999.7.1.${number % 3}` }),
  );
  for (const record of records) index.recordInstance(record, 1_000);
  const state = index.studyState('2.999.7.1', 'RRK');
  t.match(state, { rev: 20, instances: 20, bytes: 20_000, setHash: hashOf(records) });
  t.equal(state?.series.length, 3);
  const second = records.filter((_, number) => number % 3 === 1);
  t.match(state?.series[1], { instances: second.length, setHash: hashOf(second) });
});

t.test('the set hash does not depend on the order of arrival', async (t) => {
  const [one, other] = [open(t), open(t)];
  const records = Array.from({ length: 9 }, (_, number) => objectRecord(number));
  for (const record of records) one.recordInstance(record, 1);
  for (const record of records.toReversed()) other.recordInstance(record, 1);
  t.equal(
    one.studyState('2.999.7.1', 'RRK')?.setHash,
    other.studyState('2.999.7.1', 'RRK')?.setHash,
  );
});

t.test('an object whose file is missing counts nowhere until it is sent again', async (t) => {
  const index = open(t);
  const [first, second] = [objectRecord(1), objectRecord(2)];
  index.recordInstance(first, 1);
  index.recordInstance(second, 1);
  index.markMissing({ sopInstanceUID: '2.999.1.2', home: 'RRK' }, 2);
  t.match(index.studyState('2.999.7.1', 'RRK'), { instances: 1, setHash: hashOf([first]) });
  t.match(index.missing(), [{ sopInstanceUID: '2.999.1.2' }]);
  t.equal(index.findInstance('2.999.1.2', 'RRK'), undefined);
  t.equal(index.instancesOf({ studyInstanceUID: '2.999.7.1', home: 'RRK' }).length, 1);
  t.same(index.recordInstance(second, 3), { kind: 'stored' });
  t.match(index.studyState('2.999.7.1', 'RRK'), { instances: 2, setHash: hashOf([first, second]) });
  t.match(index.counts(), { missing: 0, instances: 2 });
});

t.test('an own study and a copy with the same UID never mix', async (t) => {
  const index = open(t);
  index.recordInstance(objectRecord(1), 1);
  index.recordInstance(objectRecord(1, { patientId: 'OTHER' }, { home: 'RJE' }), 1);
  t.match(index.studyState('2.999.7.1', 'RRK'), { instances: 1, patient: { patientId: 'MRN1' } });
  t.match(index.studyState('2.999.7.1', 'RJE'), { instances: 1, patient: { patientId: 'OTHER' } });
  t.same(index.conflicts(), []);
});

t.test(
  'a local patient is found in own studies only, by identifier and by NHS number',
  async (t) => {
    const index = open(t);
    const nhs = { nhsNumber: '9434765919', birthDate: '19500102' };
    index.recordInstance(objectRecord(1, { ...nhs, patientId: 'MRN1' }), 1);
    const copy = { ...nhs, patientId: 'X9', studyInstanceUID: '2.999.8' };
    index.recordInstance(objectRecord(2, copy, { home: 'RJE' }), 1);
    t.match(index.localPatientsByNhsNumber('9434765919', '19500102'), [{ patientId: 'MRN1' }]);
    t.same(index.localPatientsByNhsNumber('9434765919', '19500103'), []);
    t.match(index.localPatient('MRN1', 'RRK'), { patientName: 'Phantom^One', issuer: 'RRK' });
    t.equal(index.localPatient('X9', 'RRK'), undefined);
  },
);

t.test('the same local number of two issuers is two patients', async (t) => {
  const index = open(t);
  index.recordInstance(objectRecord(1, { patientId: '12345' }), 1);
  const other = { patientId: '12345', issuer: 'RJE', studyInstanceUID: '2.999.8' };
  index.recordInstance(objectRecord(2, { ...other, patientName: 'Phantom^Two' }), 1);
  t.match(index.localPatient('12345', 'RRK'), { patientName: 'Phantom^One' });
  t.match(index.localPatient('12345', 'RJE'), { patientName: 'Phantom^Two' });
  t.match(index.counts(), { patients: 2 });
});

t.test(
  'what the first object left empty is taken from a later one, nothing is replaced',
  async (t) => {
    const index = open(t);
    index.recordInstance(objectRecord(1, { studyDate: null, studyDescription: 'Head' }), 1);
    index.recordInstance(objectRecord(2, { studyDate: '20260301', studyDescription: 'Neck' }), 1);
    t.match(index.studyState('2.999.7.1', 'RRK'), { studyDate: '20260301', description: 'Head' });
  },
);

t.test('a date that is none is not told as one', async (t) => {
  const index = open(t);
  index.recordInstance(objectRecord(1, { studyDate: '20260231', birthDate: 'unknown' }), 1);
  t.match(index.studyState('2.999.7.1', 'RRK'), { studyDate: null, patient: { birthDate: null } });
});

t.test('a deleted study gives the paths of all its files, differing versions too', async (t) => {
  const index = open(t);
  const other = objectRecord(1, {}, { contentDigest: 'f'.repeat(64), path: 'RRK/00/a/other.dcm' });
  for (const record of [objectRecord(1), objectRecord(2), other]) index.recordInstance(record, 1);
  const paths = index.deleteStudy({ studyInstanceUID: '2.999.7.1', home: 'RRK' });
  t.same(paths.sort(), ['RRK/00/a/1.dcm', 'RRK/00/a/2.dcm', 'RRK/00/a/other.dcm']);
  t.match(index.counts(), { studies: 0, series: 0, instances: 0, conflicts: 0, patients: 0 });
});

t.test('each caller and its last object are known', async (t) => {
  const index = open(t);
  index.recordInstance(objectRecord(1), 5);
  index.recordInstance(objectRecord(1), 9);
  t.same(index.lastObjectPerCaller(), [
    { callingAETitle: 'CT1', lastAt: 9, instances: 2, modality: 'CT' },
  ]);
});

t.test('a failing outbox mark takes the whole object back', async (t) => {
  const index = open(t);
  index.onStudyChange(() => {
    throw new Error('no room');
  });
  t.throws(() => index.recordInstance(objectRecord(1), 1), /no room/);
  t.match(index.counts(), { studies: 0, instances: 0, patients: 0 });
});

t.test('an object costs about the same behind many thousands as behind a few', async (t) => {
  const index = open(t);
  const record = (number: number): ObjectRecord => {
    const study = `2.999.7.${number % 300}`;
    return objectRecord(number, {
      studyInstanceUID: study,
      seriesInstanceUID: `${study}.${number % 4}`,
    });
  };
  let next = 0;
  const add = (count: number): number => {
    const began = performance.now();
    for (const end = next + count; next < end; next += 1) index.recordInstance(record(next), 1);
    return performance.now() - began;
  };
  add(1_000);
  const few = add(1_000);
  index.db.transaction(() => add(process.env['CDIP_LONG'] === undefined ? 20_000 : 100_000))();
  const many = add(1_000);
  t.comment(`${Math.round(few)} ms, then ${Math.round(many)} ms a thousand`);
  // Reading through a table instead of an index would cost far more than a noisy machine does.
  t.ok(many < few * 10);
});
