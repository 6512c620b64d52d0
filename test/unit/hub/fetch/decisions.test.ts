/** Cancelling, naming a patient, and telling the edge until it knows. */
import t from 'tap';
import type { FetchOrders } from '../../../../hub/fetch/fetch-orders.ts';
import { seedStudy } from '../http/seed-study.ts';
import { AT_RJE, COORDINATOR, NOON, ORDER, openWorld, STUDY, settled } from './fetch-fixture.ts';

const PATIENT = { patientId: '77', issuer: 'RJE' };
const HELD = {
  state: 'held' as const,
  reason: { code: 'NO_SAFE_MATCH', detail: 'Name the patient.' },
};

/** Starts the hub's sending, lets it look once, and stops it. */
async function look(fetches: FetchOrders): Promise<void> {
  fetches.start();
  await settled();
  fetches.stop();
}

t.test('a fetch that nobody has begun is cancelled at once; twice is once', async (t) => {
  const { fetches, log, kinds } = openWorld(t);
  const { fetchId } = await fetches.request(ORDER, COORDINATOR);
  const view = await fetches.cancel(fetchId, AT_RJE);
  t.match(view, { state: 'cancelled', stateReason: { code: 'CANCELLED', detail: /Dr Ito/ } });
  t.match(view.steps.at(-1), { state: 'cancelled' });
  t.match(await fetches.cancel(fetchId, COORDINATOR), { state: 'cancelled' });
  await settled();
  t.equal(log.messages.length, 2);
  t.strictSame(kinds(), ['fetch', 'cancel']);
});

t.test('a fetch under way is cancelled when its edge says so', async (t) => {
  const { fetches, report } = openWorld(t);
  const { fetchId } = await fetches.request(ORDER, COORDINATOR);
  report(fetchId, { state: 'transferring' });
  t.match(await fetches.cancel(fetchId, COORDINATOR), {
    state: 'transferring',
    stateReason: { code: 'CANCELLING' },
  });
  report(fetchId, { state: 'cancelled' });
  t.match(fetches.find(fetchId), { state: 'cancelled' });
});

t.test('what is over, unknown, or of another trust is not cancelled', async (t) => {
  const { fetches, report } = openWorld(t);
  const { fetchId } = await fetches.request(ORDER, COORDINATOR);
  const other = { ...AT_RJE, trust: 'RXK' };
  await t.rejects(fetches.cancel(fetchId, other), { code: 'DESTINATION_FORBIDDEN' });
  await t.rejects(fetches.cancel('none', COORDINATOR), { code: 'FETCH_UNKNOWN' });
  report(fetchId, { state: 'available' });
  await t.rejects(fetches.cancel(fetchId, COORDINATOR), { code: 'FETCH_ENDED' });
});

t.test('a patient is named for a held fetch only, by its own trust', async (t) => {
  const { fetches, log, report } = openWorld(t);
  const { fetchId } = await fetches.request(ORDER, COORDINATOR);
  await t.rejects(fetches.namePatient(fetchId, PATIENT, AT_RJE), { code: 'FETCH_NOT_HELD' });
  report(fetchId, HELD);
  t.match(fetches.find(fetchId), { state: 'held', stateReason: HELD.reason });
  await t.rejects(fetches.namePatient(fetchId, PATIENT, { ...AT_RJE, trust: 'RXK' }), {
    code: 'DESTINATION_FORBIDDEN',
  });
  await fetches.namePatient(fetchId, PATIENT, AT_RJE);
  await settled();
  t.match(log.commands.at(-1), {
    ods: 'RJE',
    command: { kind: 'name-patient', id: `name-${fetchId}-1`, fetchId, localPatient: PATIENT },
  });
  await fetches.cancel(fetchId, AT_RJE);
  await t.rejects(fetches.namePatient(fetchId, PATIENT, AT_RJE), { code: 'FETCH_NOT_HELD' });
});

t.test('asking again with a patient names the patient of the held fetch', async (t) => {
  const { fetches, log, report } = openWorld(t);
  const { fetchId } = await fetches.request(ORDER, COORDINATOR);
  report(fetchId, HELD);
  const again = await fetches.request({ ...ORDER, localPatient: PATIENT }, AT_RJE);
  t.equal(again.fetchId, fetchId);
  await settled();
  t.match(log.commands.at(-1)?.command, { kind: 'name-patient', localPatient: PATIENT });
});

t.test('a decision that another one overtook is made again on what it left', async (t) => {
  const { fetches, log, report, anotherHub } = openWorld(t);
  const { fetchId } = await fetches.request(ORDER, COORDINATOR);
  report(fetchId, HELD);
  const other = anotherHub();
  log.beforeAppend = () => other.namePatient(fetchId, PATIENT, AT_RJE);
  const view = await fetches.cancel(fetchId, COORDINATOR);
  t.equal(view.fetchId, fetchId);
  const last = JSON.parse(log.messages.at(-1)?.body ?? '{}') as { order: object };
  t.match(last.order, { localPatient: PATIENT, namings: 1, cancelled: { by: 'MDT' } });
});

t.test('an own second try after a lost answer is told from another decision', async (t) => {
  const { fetches, log } = openWorld(t);
  const { fetchId } = await fetches.request(ORDER, COORDINATOR);
  await fetches.cancel(fetchId, COORDINATOR);
  const ids = log.messages.map(({ id }) => id);
  t.equal(new Set(ids).size, 2);
  t.notOk(ids.includes(undefined));
});

t.test('a hub that died between decision and command tells the edge when it is back', async (t) => {
  const { fetches, log, anotherHub, kinds } = openWorld(t);
  log.isAway = true;
  const { fetchId } = await fetches.request(ORDER, COORDINATOR);
  await settled();
  t.strictSame(kinds(), []);
  log.isAway = false;
  await look(anotherHub());
  t.match(log.commands, [{ ods: 'RJE', command: { id: `fetch-${fetchId}` } }]);
});

t.test(
  'the edge is told again until it reports, with the same id and a fresh ticket',
  async (t) => {
    const { fetches, log, clock, report } = openWorld(t);
    const { fetchId } = await fetches.request(ORDER, COORDINATOR);
    await settled();
    await look(fetches);
    t.equal(log.commands.length, 1, 'not at once');
    clock.ms += 31_000;
    await look(fetches);
    t.strictSame(
      log.commands.map(({ command }) => command.id),
      [`fetch-${fetchId}`, `fetch-${fetchId}`],
    );
    t.match(log.commands[1]?.command, { ticket: 'ticket-2' });
    clock.ms += 31_000;
    await look(fetches);
    t.equal(log.commands.length, 2, 'the second wait is longer');
    report(fetchId, {});
    clock.ms += 3_600_000;
    await look(fetches);
    t.equal(log.commands.length, 2, 'it knows');
  },
);

t.test('while events of a trust are still to be read its edge is not told again', async (t) => {
  const { fetches, log, clock, behind } = openWorld(t);
  await fetches.request(ORDER, COORDINATOR);
  await settled();
  clock.ms += 31_000;
  behind.add('RJE');
  await look(fetches);
  t.equal(log.commands.length, 1);
  behind.clear();
  await look(fetches);
  t.equal(log.commands.length, 2);
});

t.test('an order that was never reported is left alone after a week', async (t) => {
  const { fetches, log, clock } = openWorld(t);
  await fetches.request(ORDER, COORDINATOR);
  await settled();
  clock.ms = NOON + 8 * 86_400_000;
  await look(fetches);
  t.equal(log.commands.length, 1);
});

t.test('a fresh ticket is for the edge that carries the fetch out, while it is on', async (t) => {
  const { fetches, log, report } = openWorld(t);
  const { fetchId } = await fetches.request(ORDER, COORDINATOR);
  const ask = async (ods: string, request: unknown) => log.answers.get('ticket')?.(ods, request);
  t.match(await ask('RJE', { fetchId }), {
    ticket: /^ticket-/,
    source: { trust: 'RRK', url: 'http://rrk.example' },
  });
  await t.rejects(ask('RXK', { fetchId }), { code: 'FETCH_UNKNOWN' });
  await t.rejects(ask('RRK', { fetchId }), { code: 'FETCH_UNKNOWN' });
  for (const nonsense of [undefined, null, 7, {}, { fetchId: {} }])
    await t.rejects(ask('RJE', nonsense), { code: 'FETCH_UNKNOWN' });
  report(fetchId, { state: 'failed' });
  await t.rejects(ask('RJE', { fetchId }), { code: 'FETCH_ENDED' });
  const second = await fetches.request(ORDER, COORDINATOR);
  report(second.fetchId, { state: 'transferring' });
  await fetches.cancel(second.fetchId, COORDINATOR);
  await t.rejects(ask('RJE', { fetchId: second.fetchId }), { code: 'FETCH_ENDED' });
});

t.test('when the source has fallen silent a ticket is for who else holds the same', async (t) => {
  const { fetches, db, log, silent } = openWorld(t);
  const { fetchId } = await fetches.request(ORDER, COORDINATOR);
  const ask = async () => log.answers.get('ticket')?.('RJE', { fetchId });
  silent.add('RRK');
  t.match(await ask(), { source: { trust: 'RRK' } }, 'nobody else does');
  seedStudy(db, { trust: 'RXK', uid: STUDY, home: 'RRK', setHash: 'c'.repeat(64) });
  t.match(await ask(), { source: { trust: 'RRK' } }, 'another state of it');
  db.prepare(`UPDATE studies SET set_hash = ? WHERE trust = 'RXK'`).run('a'.repeat(64));
  t.match(await ask(), { source: { trust: 'RXK', url: 'http://rxk.example' } });
  t.match(fetches.find(fetchId), { source: 'RXK', home: 'RRK' });
  silent.delete('RRK');
  silent.add('RXK');
  t.match(await ask(), { source: { trust: 'RRK' } }, 'back to the home');
});
