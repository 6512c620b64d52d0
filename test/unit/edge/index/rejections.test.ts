/** Objects that a rejection note takes back. IHE IOCM; edge/index/rejections.ts. */
import t from 'tap';
import { openEdgeDatabase } from '../../../../edge/database.ts';
import { EdgeIndex } from '../../../../edge/index/edge-index.ts';
import { EMPTY_SET_HASH, instanceHash, toggleMember } from '../../../../shared/set-hash.ts';
import { temporaryDirectory } from '../../../support/storage-fixture.ts';
import { objectRecord } from './object-record.ts';

const KEY_OBJECTS = '1.2.840.10008.5.1.4.1.1.88.59';
const STUDY = { studyInstanceUID: '2.999.7.1', home: 'RRK' };

function open(t: { teardown(done: () => void): void }): EdgeIndex {
  const db = openEdgeDatabase(temporaryDirectory(t));
  t.teardown(() => db.close());
  return new EdgeIndex({ db, trust: 'RRK', namespace: 'RRK' });
}

const uid = (number: number): string => `2.999.1.${number}`;
const note = (code: string, numbers: readonly number[], over: object = {}) =>
  objectRecord(90, {
    ...{ sopClassUID: KEY_OBJECTS, seriesInstanceUID: '2.999.7.1.9', modality: 'KO' },
    rejects: { code, sopInstanceUIDs: numbers.map(uid) },
    ...over,
  });
const heldBy = (index: EdgeIndex): string[] =>
  index.instancesOf(STUDY).map(({ sopInstanceUID }) => sopInstanceUID);

t.test('what a note rejects is in no answer, no count and no set hash, and stays so', async (t) => {
  const index = open(t);
  const changes: string[] = [];
  index.onStudyChange(({ studyInstanceUID }) => changes.push(studyInstanceUID));
  const [first, second] = [objectRecord(1), objectRecord(2, { seriesInstanceUID: '2.999.7.1.2' })];
  for (const record of [first, second]) index.recordInstance(record, 1);
  const rejection = note('113037', [2, 3]);
  index.recordInstance(rejection, 2);
  t.strictSame(heldBy(index), [uid(1), uid(90)]);
  t.equal(index.findInstance(uid(2), 'RRK'), undefined);
  const setHash = [first, rejection].reduce(
    (hash, { attributes, homeDigest }) =>
      toggleMember(hash, instanceHash(attributes.sopInstanceUID, homeDigest)),
    EMPTY_SET_HASH,
  );
  const state = index.studyState(STUDY.studyInstanceUID, 'RRK');
  t.match(state, { instances: 2, setHash, rejected: [{ code: '113037', instances: 2 }] });
  t.equal(state?.series.length, 2, 'a series of which nothing is left is gone');
  t.equal(index.counts().instances, 2);
  t.ok(index.conflictPaths().includes(second.path), 'its bytes stay, and start-up knows them');
  // Again, and one that the note named before it came.
  t.same(index.recordInstance(second, 3), { kind: 'stored' });
  t.same(index.recordInstance(objectRecord(3), 3), { kind: 'stored' });
  t.strictSame(heldBy(index), [uid(1), uid(90)]);
  t.ok(changes.length >= 3, 'the hub is told');
  const paths = index.deleteStudy(STUDY);
  t.equal(paths.length, 4, 'with the study all files go');
});

t.test('a note speaks of its own study and home alone', async (t) => {
  const index = open(t);
  index.recordInstance(objectRecord(1), 1);
  index.recordInstance(objectRecord(1, {}, { home: 'RJE', path: 'RJE/00/a/1.dcm' }), 1);
  index.recordInstance(note('113001', [1], { studyInstanceUID: '2.999.7.2' }), 2);
  t.strictSame(heldBy(index), [uid(1)]);
  index.recordInstance({ ...note('113001', [1]), path: 'RRK/00/a/91.dcm' }, 3);
  index.recordInstance(
    objectRecord(91, { ...note('113001', [1]).attributes, sopInstanceUID: uid(91) }),
    3,
  );
  t.strictSame(heldBy(index), [uid(91)]);
  t.not(index.findInstance(uid(1), 'RJE'), undefined, "another home's object is its own");
});

t.test('what was only kept too long may come again', async (t) => {
  const index = open(t);
  const object = objectRecord(1);
  index.recordInstance(object, 1);
  index.recordInstance(note('113039', [1]), 2);
  t.strictSame(heldBy(index), [uid(90)]);
  index.recordInstance(object, 3);
  t.strictSame(heldBy(index).sort(), [uid(1), uid(90)].sort());
  t.match(index.studyState(STUDY.studyInstanceUID, 'RRK'), { rejected: [] });
});
