/** A search by NHS number over objects that do not hold it: the trust's PAS has told whose local number it is. */
import t from 'tap';
import { KEY, startFakeHub } from '../http/fake-hub.ts';
import { NHS, seedPatient } from '../http/patient-seed.ts';
import { seedStudy } from '../http/seed-study.ts';

interface Found {
  readonly total: number;
  readonly studies: readonly { readonly studyInstanceUID: string }[];
}

t.test('studies that name the local number alone are found by the NHS number', async (t) => {
  const hub = await startFakeHub();
  t.teardown(() => hub.stop());
  seedPatient(hub);
  const own = { patientId: '1001', nhsNumber: null };
  seedStudy(hub.db, { ...own, trust: 'RJE', uid: '2.25.1', date: '20260301' });
  seedStudy(hub.db, { ...own, trust: 'RRK', uid: '2.25.2', date: '20260302' });
  seedStudy(hub.db, { ...own, trust: 'RXK', uid: '2.25.3' });
  seedStudy(hub.db, { ...own, trust: 'RJE', issuer: 'RXK', uid: '2.25.4' });
  seedStudy(hub.db, { ...own, trust: 'RJE', uid: '2.25.5', nhsNumber: '4010232137' });
  const ask = async (query: string): Promise<string[]> => {
    const headers = { authorization: `Bearer ${KEY}` };
    const answer = await hub.get(`/api/studies?${query}`, headers);
    const { studies } = (await answer.json()) as Found;
    return studies.map(({ studyInstanceUID }) => studyInstanceUID);
  };
  const found = await ask(`nhsNumber=${NHS}`);
  t.same(
    found,
    ['2.25.2', '2.25.1', '2.25.9001'],
    'not those of whom nobody told, or told otherwise',
  );
  t.same(await ask(`nhsNumber=${NHS}&from=2026-03-02`), ['2.25.2']);
  t.same(await ask('nhsNumber=4010232137'), ['2.25.5'], 'what an object says itself goes first');
});
