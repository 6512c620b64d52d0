/** What leads from pseudonyms back to a patient: to whoever has the project's key, and to nobody else. */
import t from 'tap';
import { openEdgeDatabase } from '../../../../edge/database.ts';
import type { PseudonymMap } from '../../../../edge/deidentify/pseudonym-map.ts';
import { type JobPseudonyms, PseudonymStore } from '../../../../edge/route/pseudonym-store.ts';
import { furtherParts } from '../../../../edge/schema-parts.ts';
import { temporaryDirectory } from '../../../support/storage-fixture.ts';

const DAY_MS = 86_400_000;
const NOW = Date.parse('2026-11-27T08:00:00Z');
const KEY = Buffer.alloc(32, 1);
const NEW_STUDY = '2.25.111';

const map: PseudonymMap = {
  ...{ patient: 'PSEUDONYM0000001', charset: 'ISO_IR 100' },
  identity: [
    { tag: 0x0010_0010, vr: 'PN', value: Buffer.from('Okonkwo^Ngozi').toString('base64') },
  ],
  uids: new Map([[NEW_STUDY, '2.999.7.1']]),
  ...{ dates: new Map([['20250101', '20260202']]), texts: new Map([['ACCESSION0000001', 'A1']]) },
};
const sending: JobPseudonyms = {
  ...{ jobKey: 7, studyInstanceUID: '2.999.7.1', sent: ['2.25.222'], map },
  patient: { patientId: 'MRN7654321', issuer: 'RRK', birthDate: '1950-01-02' },
};

function opened(t: { teardown(done: () => void): void }) {
  const db = openEdgeDatabase(temporaryDirectory(t), furtherParts);
  t.teardown(() => void db.close());
  const store = new PseudonymStore(db);
  store.keep(KEY, NEW_STUDY, sending, NOW);
  return { db, store };
}

t.test('is found by the key and the study as it was sent, and by nothing else', async (t) => {
  const { store } = opened(t);
  t.strictSame(store.ofStudy(KEY, NEW_STUDY), [sending]);
  t.strictSame(store.ofJob(KEY, 7), sending);
  t.strictSame(store.ofStudy(Buffer.alloc(32, 2), NEW_STUDY), [], 'not by another project');
  t.strictSame(store.ofStudy(KEY, '2.999.7.1'), [], 'not by the study itself');
});

t.test('nothing of it stands in the database as text', async (t) => {
  const { db } = opened(t);
  const bytes = db.serialize();
  for (const secret of ['MRN7654321', 'Okonkwo', '2.999.7.1', '2.25.111', '2.25.222', 'PSEUDONYM'])
    t.notOk(bytes.includes(secret), secret);
});

t.test('one that was changed, or is another’s, is refused', async (t) => {
  const { db, store } = opened(t);
  store.keep(KEY, '2.25.333', { ...sending, jobKey: 8 }, NOW);
  const rows = db
    .prepare<[], { token: Buffer; sealed: Buffer }>(
      'SELECT job_token AS token, sealed FROM route_pseudonyms ORDER BY study_token',
    )
    .all();
  const swap = db.prepare('UPDATE route_pseudonyms SET sealed = ? WHERE job_token = ?');
  const [one, other] = rows;
  swap.run(other?.sealed, one?.token);
  swap.run(one?.sealed, other?.token);
  for (const study of [NEW_STUDY, '2.25.333'])
    t.throws(() => store.ofStudy(KEY, study), { code: 'PSEUDONYMS_UNREADABLE', retry: 'never' });
});

t.test('it is forgotten when its job is', async (t) => {
  const { store } = opened(t);
  store.forgetOld(NOW + 67 * DAY_MS);
  t.equal(store.ofStudy(KEY, NEW_STUDY).length, 1, 'a result may still come');
  store.forgetOld(NOW + 69 * DAY_MS);
  t.equal(store.ofStudy(KEY, NEW_STUDY).length, 0);
});
