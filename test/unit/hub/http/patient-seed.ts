/** A patient about whom two trusts differ, with a report that was corrected, for pages. */
import { reviewIdentity } from '../../../../hub/identity/reviews.ts';
import { applyEvent } from '../../../../hub/projection/apply-event.ts';
import { prepareProjection } from '../../../../hub/projection/statements.ts';
import type { OrderedEvent } from '../../../../shared/contract/events.ts';
import type { FakeHub } from './fake-hub.ts';
import { putOnList, seedStudy } from './seed-study.ts';

const AT = '2026-03-01T10:00:00.000Z';
export const NHS = '9434765919';

const anna = {
  ...{ patientId: '1001', issuer: 'RRK', nhsNumber: NHS, name: 'SMITH^ANNA' },
  ...{ birthDate: '19580131', sex: 'F' },
};

/** Two trusts that differ in Anna's date of birth, and a report of RRK that was corrected. */
export function seedPatient(hub: FakeHub): void {
  const statements = prepareProjection(hub.db);
  let seq = 0;
  const tell = (trust: string, event: object): void => {
    seq += 1;
    applyEvent(statements, { v: 1, at: AT, trust, epoch: 1, seq, ...event } as OrderedEvent, AT);
  };
  for (const [trust, birthDate] of [
    ['RRK', '19580131'],
    ['RJE', '19580113'],
  ] as const)
    tell(trust, {
      ...{ kind: 'patient', patient: { ...anna, issuer: trust, birthDate }, nhsNumberStatus: '01' },
      ...{ postcode: 'B15 2GW', deceased: false, restricted: false, deleted: false },
      ...{ mergedInto: null, asOf: AT },
    });
  putOnList(hub.db, 'RRK', { trust: 'RJE', patientId: '1001', issuer: 'RJE' });
  const report = {
    ...{ kind: 'report', reportId: 'R1', patient: anna, accessionNumbers: ['A9001'] },
    ...{ studyInstanceUIDs: [], title: 'CT <chest>', author: null, isCut: false, document: null },
  };
  tell('RRK', { ...report, version: 1, status: 'final', issuedAt: AT, text: 'Normal.' });
  const corrected = { version: 2, status: 'corrected', issuedAt: '2026-03-02T10:00:00.000Z' };
  tell('RRK', { ...report, ...corrected, text: 'A nodule.\nSee CT.' });
  seedStudy(hub.db, { trust: 'RRK', uid: '2.25.9001', patientId: '1001' });
  reviewIdentity(hub.db, { trust: 'RRK', patientId: '1001', issuer: 'RRK' }, AT);
}

/** A study of RJE on its way to RRK, where it waits for its patient. */
export async function holdFetch(hub: FakeHub): Promise<string> {
  const study = { trust: 'RJE', uid: '2.25.9003', patientId: '1001', birthDate: '19580113' };
  seedStudy(hub.db, study);
  const order = await hub.fetches.request(
    {
      ...{ studyInstanceUID: '2.25.9003', home: 'RJE', to: { trust: 'RRK' } },
      ...{ priority: 'urgent', purpose: 'direct care' },
    },
    { name: 'Dr Okafor', role: 'radiologist', trust: null },
  );
  const stateReason = { code: 'PATIENT_NOT_FOUND', detail: 'no local patient has this birth date' };
  hub.fetches.move(order.fetchId, 'held', { stateReason });
  return order.fetchId;
}
