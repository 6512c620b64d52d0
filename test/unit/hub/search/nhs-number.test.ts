/** A search by NHS number over objects that do not hold it: the trust's PAS has told whose local number it is. */
import t from 'tap';
import { applyEvent } from '../../../../hub/projection/apply-event.ts';
import { prepareProjection } from '../../../../hub/projection/statements.ts';
import type { OrderedEvent } from '../../../../shared/contract/events.ts';
import { type FakeHub, KEY, startFakeHub } from '../http/fake-hub.ts';
import { NHS, seedPatient } from '../http/patient-seed.ts';
import { seedStudy } from '../http/seed-study.ts';

interface Found {
  readonly total: number;
  readonly studies: readonly { readonly studyInstanceUID: string }[];
}

/** What the PAS of RJE says of one of its numbers. */
function tellPatient(
  hub: FakeHub,
  patientId: string,
  { nhsNumber = null, ...over }: { nhsNumber?: string | null; [key: string]: unknown },
): void {
  const at = '2026-03-01T10:00:00.000Z';
  const patient = {
    ...{ patientId, issuer: 'RJE', nhsNumber, name: 'SMITH^ANNA', birthDate: '19580113', sex: 'F' },
  };
  const event = {
    ...{ v: 1, at, trust: 'RJE', epoch: 1, seq: 1, kind: 'patient', patient },
    ...{ nhsNumberStatus: null, postcode: null, deceased: false, restricted: false },
    ...{ deleted: false, mergedInto: null, asOf: at, ...over },
  };
  applyEvent(prepareProjection(hub.db), event as unknown as OrderedEvent, at);
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
  tellPatient(hub, 'OLD', { mergedInto: { patientId: '1001', issuer: 'RJE' } });
  tellPatient(hub, 'GONE', { deleted: true, nhsNumber: NHS });
  for (const [patientId, uid] of [
    ['OLD', '2.25.6'],
    ['GONE', '2.25.7'],
  ] as const)
    seedStudy(hub.db, { ...own, trust: 'RJE', patientId, uid, date: '20260228' });
  const found = await ask(`nhsNumber=${NHS}`);
  t.same(
    found,
    ['2.25.2', '2.25.1', '2.25.6', '2.25.9001'],
    'not those of whom nobody told, or told otherwise',
  );
  t.same(await ask(`nhsNumber=${NHS}&from=2026-03-02`), ['2.25.2']);
  t.same(await ask('nhsNumber=4010232137'), ['2.25.5'], 'what an object says itself goes first');
});

t.test('who has seen a patient is told whatever number what was seen had', async (t) => {
  const hub = await startFakeHub();
  t.teardown(() => hub.stop());
  const headers = { authorization: `Bearer ${KEY}` };
  seedStudy(hub.db, { trust: 'RJE', uid: '2.25.1', patientId: '1001', nhsNumber: null });
  await hub.get('/api/studies/2.25.1', headers);
  seedPatient(hub);
  await hub.get('/api/studies/2.25.9001', headers);
  for (const number of [NHS, '1001^^^RJE', '1001^^^RRK']) {
    const answer = await hub.get(`/api/audit?patient=${encodeURIComponent(number)}`, headers);
    const { events } = (await answer.json()) as { events: { what: string; studies: string[] }[] };
    const looks = events.filter(({ what }) => what === 'GET /api/studies/:uid');
    t.same(
      looks.flatMap(({ studies }) => studies),
      ['2.25.9001', '2.25.1'],
      number,
    );
    const system = number === NHS ? '' : `urn:cdip:patient:${number.slice(-3)}|`;
    const token = encodeURIComponent(`${system}${number.split('^^^')[0]}`);
    const fhir = await hub.get(`/fhir/AuditEvent?patient=${token}`, headers);
    t.ok(((await fhir.json()) as { total: number }).total >= 2, `${number} in FHIR`);
  }
  const nobody = await hub.get('/api/audit?patient=4010232137', headers);
  t.match(await nobody.json(), { total: 0 });
});
