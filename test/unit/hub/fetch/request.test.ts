/** Asking for a fetch: what is decided, what is refused, what is one and the same. */
import t from 'tap';
import { seedStudy } from '../http/seed-study.ts';
import { AT_RJE, COORDINATOR, ORDER, openWorld, STUDY, settled } from './fetch-fixture.ts';

const refused = (code: string, message = /./) => ({ name: 'FetchError', code, message });

t.test('the decision is in the log before the edge is told, with all that it needs', async (t) => {
  const { fetches, log, signed } = openWorld(t);
  const order = await fetches.request(
    {
      ...ORDER,
      to: { trust: 'RJE', peer: 'pacs' },
      localPatient: { patientId: '77', issuer: 'RJE' },
    },
    COORDINATOR,
  );
  await settled();
  t.equal(log.messages[0]?.subject, `cdip.hub.fetch.${order.fetchId}`);
  t.match(order, {
    ...{ state: 'authorised', home: 'RRK', source: 'RRK', requestedBy: 'MDT', stateReason: null },
    instances: { done: 0, expected: 300 },
    bytes: { done: 0, expected: 300 * 526_000 },
  });
  t.strictSame(
    order.steps.map(({ state }) => state),
    ['requested', 'authorised'],
  );
  t.match(log.commands, [
    {
      ods: 'RJE',
      command: {
        ...{ kind: 'fetch', id: `fetch-${order.fetchId}`, studyInstanceUID: STUDY, home: 'RRK' },
        ...{ priority: 'urgent', peer: 'pacs', ticket: 'ticket-1' },
        source: { trust: 'RRK', url: 'http://rrk.example' },
        localPatient: { patientId: '77', issuer: 'RJE' },
        expected: { instances: 300, bytes: 300 * 526_000 },
      },
    },
  ]);
  t.strictSame(signed, [
    {
      ...{ aud: 'RRK', sub: 'RJE', study: STUDY, home: 'RRK', fetch: order.fetchId },
      cnf: { nkey: 'key of RJE' },
      priority: 'urgent',
    },
  ]);
});

t.test('a part of the study: its series, its counts, a ticket for no more', async (t) => {
  const { fetches, log, signed } = openWorld(t);
  const seriesInstanceUIDs = ['1.2.826.1.1'];
  const order = await fetches.request({ ...ORDER, seriesInstanceUIDs }, COORDINATOR);
  await settled();
  t.match(order, { seriesInstanceUIDs, instances: { expected: 2 } });
  t.match(log.commands[0]?.command, { seriesInstanceUIDs });
  t.match(signed[0], { series: seriesInstanceUIDs });
});

t.test('what can not be brought is refused with a code, and nothing is written', async (t) => {
  const { fetches, log, db, unenrolled } = openWorld(t);
  seedStudy(db, { trust: 'RRK', uid: '1.9' });
  seedStudy(db, { trust: 'RXK', uid: '1.9' });
  seedStudy(db, { trust: 'RJE', uid: '1.8', home: 'RRK' });
  const ask = (more: object, by = COORDINATOR) => fetches.request({ ...ORDER, ...more }, by);
  const toRXK = { to: { trust: 'RXK' } };
  await t.rejects(ask({ studyInstanceUID: '1.404' }), refused('STUDY_UNKNOWN'));
  await t.rejects(ask({ home: 'RXK' }), refused('STUDY_UNKNOWN', /whose home is RXK/));
  await t.rejects(ask({ seriesInstanceUIDs: ['9.9'] }), refused('SERIES_UNKNOWN', /9\.9/));
  await t.rejects(ask({ to: { trust: 'ZZZ' } }), refused('TRUST_UNKNOWN'));
  await t.rejects(ask({ to: { trust: 'RRK' } }), refused('DESTINATION_IS_HOME'));
  await t.rejects(ask(toRXK, AT_RJE), refused('DESTINATION_FORBIDDEN', /RJE/));
  await t.rejects(ask({ studyInstanceUID: '1.9' }), refused('HOME_AMBIGUOUS', /RRK, RXK/));
  await t.rejects(ask({ studyInstanceUID: '1.8' }), refused('NO_SOURCE', /only copy is at RJE/));
  unenrolled.add('RJE');
  await t.rejects(ask({}), refused('EDGE_NOT_ENROLLED', /RJE/));
  t.strictSame([log.messages, log.commands], [[], []]);
});

t.test('of several homes the one that is named is fetched', async (t) => {
  const { fetches, db } = openWorld(t);
  seedStudy(db, { trust: 'RRK', uid: '1.9', series: [] });
  seedStudy(db, { trust: 'RXK', uid: '1.9', series: [] });
  const order = await fetches.request(
    { ...ORDER, studyInstanceUID: '1.9', home: 'RXK' },
    COORDINATOR,
  );
  t.match(order, { home: 'RXK', source: 'RXK' });
});

t.test('a copy stands in for a silent home, if it holds exactly the same', async (t) => {
  const { fetches, db, silent } = openWorld(t);
  seedStudy(db, { trust: 'RXK', uid: STUDY, home: 'RRK', setHash: 'c'.repeat(64) });
  silent.add('RRK');
  const first = await fetches.request(ORDER, COORDINATOR);
  t.match(first, {
    source: 'RRK',
    stateReason: { code: 'SOURCE_SILENT', detail: /RRK is silent/ },
  });
  await fetches.cancel(first.fetchId, COORDINATOR);
  db.prepare(`UPDATE studies SET set_hash = ? WHERE trust = 'RXK'`).run('a'.repeat(64));
  t.match(await fetches.request(ORDER, COORDINATOR), { home: 'RRK', source: 'RXK' });
});

t.test('the same request while one is open is that one, also when both come at once', async (t) => {
  const { fetches, log, report } = openWorld(t);
  const both = await Promise.all([
    fetches.request(ORDER, COORDINATOR),
    fetches.request(ORDER, AT_RJE),
  ]);
  const [first] = both;
  t.equal(both[1].fetchId, first.fetchId);
  t.equal((await fetches.request(ORDER, COORDINATOR)).fetchId, first.fetchId);
  t.equal(log.messages.length, 1);
  const others = [
    { to: { trust: 'RJE', peer: 'archive' } },
    { to: { trust: 'RXK' } },
    { seriesInstanceUIDs: ['1.2.826.1.1'] },
    { localPatient: { patientId: '77' } },
    { localPatient: { patientId: '77', birthDate: '19580131' } },
  ];
  for (const other of others)
    t.not((await fetches.request({ ...ORDER, ...other }, COORDINATOR)).fetchId, first.fetchId);
  report(first.fetchId, { state: 'available' });
  const again = await fetches.request(ORDER, COORDINATOR);
  t.not(again.fetchId, first.fetchId, 'that one is over');
});

t.test('a refused request does not stand in the way of the next one', async (t) => {
  const { fetches } = openWorld(t);
  const wrong = fetches.request({ ...ORDER, seriesInstanceUIDs: ['9.9'] }, COORDINATOR);
  const right = fetches.request(ORDER, COORDINATOR);
  await t.rejects(wrong, refused('SERIES_UNKNOWN'));
  t.match(await right, { state: 'authorised' });
});

t.test('an answer does not wait for rows that are behind', async (t) => {
  const { fetches, log } = openWorld(t, { lags: true });
  const order = await fetches.request(ORDER, COORDINATOR);
  t.match(order, { state: 'authorised', instances: { expected: 300 } });
  await settled();
  t.equal(log.commands.length, 1, 'and the edge is told');
});
