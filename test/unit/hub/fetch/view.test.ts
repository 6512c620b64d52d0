/** How a fetch is shown: the decision and the newest receipt in one, and why it stands still. */
import t from 'tap';
import { COORDINATOR, ORDER, openWorld } from './fetch-fixture.ts';

t.test('receipts carry the view on: state, progress, steps, patient, failures', async (t) => {
  const { fetches, report } = openWorld(t);
  const { fetchId, requestedAt } = await fetches.request(ORDER, COORDINATOR);
  const failures = [{ sopInstanceUID: '1.2.9', code: 'DIGEST', detail: 'differs' }];
  const later = '2026-03-02T12:00:05.000Z';
  report(fetchId, {
    ...{ state: 'transferring', failures, etaSeconds: 4 },
    instances: { done: 12, expected: 300 },
    bytes: { done: 6_312_000, expected: 157_800_000 },
    localPatient: { patientId: '77', issuer: 'RJE', by: 'nhsNumber' },
    steps: [
      { state: 'retrieving', at: requestedAt },
      { state: 'transferring', at: later },
    ],
  });
  const view = fetches.find(fetchId);
  t.match(view, {
    ...{ state: 'transferring', etaSeconds: 4, failures, stateReason: null },
    instances: { done: 12, expected: 300 },
    localPatient: { patientId: '77', by: 'nhsNumber' },
  });
  t.strictSame(
    view?.steps.map(({ state }) => state),
    ['requested', 'authorised', 'retrieving', 'transferring'],
  );
});

t.test('what stands still says for whom it waits', async (t) => {
  const { fetches, report, silent } = openWorld(t);
  const { fetchId } = await fetches.request(ORDER, COORDINATOR);
  const reason = () => fetches.find(fetchId)?.stateReason;
  t.equal(reason(), null, 'nothing is wrong');
  silent.add('RRK');
  t.match(reason(), {
    code: 'SOURCE_SILENT',
    detail: /edge of RRK is silent since 2026-03-02T11:40/,
  });
  silent.add('RJE');
  t.match(reason(), { code: 'EDGE_SILENT', detail: /edge of RJE .* goes on when it is back/ });
  report(fetchId, { state: 'transferring', etaSeconds: 9 });
  t.match(reason(), { code: 'EDGE_SILENT' });
  t.equal(fetches.find(fetchId)?.etaSeconds, null, 'nobody knows when');
  silent.delete('RJE');
  const said = { code: 'SOURCE_UNREACHABLE', detail: 'RRK does not answer.' };
  report(fetchId, { state: 'transferring', reason: said });
  t.strictSame(reason(), said, 'what the edge itself says');
  report(fetchId, { state: 'delivering' });
  t.equal(reason(), null, 'the source has given all');
  silent.add('RJE');
  const held = { code: 'NO_SAFE_MATCH', detail: 'Name the patient.' };
  report(fetchId, { state: 'held', reason: held });
  t.strictSame(reason(), held, 'what a person has to do comes first');
  const failed = { code: 'DELIVERY_REFUSED', detail: 'The PACS refused.' };
  report(fetchId, { state: 'failed', reason: failed });
  t.strictSame(reason(), failed, 'it is over: who is silent now does not matter');
});

t.test('lists are filtered by state and by either trust, newest first, in pages', async (t) => {
  const { fetches, report, clock } = openWorld(t);
  const toRJE = await fetches.request(ORDER, COORDINATOR);
  clock.ms += 1000;
  const toRXK = await fetches.request({ ...ORDER, to: { trust: 'RXK' } }, COORDINATOR);
  report(toRXK.fetchId, { state: 'available' });
  const ids = (filter: object) => {
    const { fetches: found, total } = fetches.list({ limit: 10, offset: 0, ...filter });
    return [total, found.map(({ fetchId }) => fetchId)];
  };
  t.strictSame(ids({}), [2, [toRXK.fetchId, toRJE.fetchId]]);
  t.strictSame(ids({ limit: 1, offset: 1 }), [2, [toRJE.fetchId]]);
  t.strictSame(ids({ state: 'authorised' }), [1, [toRJE.fetchId]]);
  t.strictSame(ids({ state: 'available' }), [1, [toRXK.fetchId]]);
  t.strictSame(ids({ trust: 'RXK' }), [1, [toRXK.fetchId]]);
  t.strictSame(ids({ trust: 'RRK' }), [2, [toRXK.fetchId, toRJE.fetchId]], 'as the source');
  t.strictSame(ids({ studyInstanceUID: '1.404' }), [0, []]);
});
