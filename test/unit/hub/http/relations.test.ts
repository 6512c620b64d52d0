/** Emergency accesses, restrictions and lists of meetings by the API: who may, what they open, who reviews it. */
import t from 'tap';
import type { Principal } from '../../../../hub/access/rules.ts';
import { type FakeHub, startFakeHub } from './fake-hub.ts';
import { seedStudy } from './seed-study.ts';

const NHS = '9434765919';
const STUDY = '1.2.7';
const signedIn = (name: string, role: string, trust: string | null): Principal => ({
  ...{ name, role, trust, method: 'link', assurance: 1, authenticatedAt: Date.now() },
});
const principals = new Map<string, Principal>([
  ['ito', signedIn('Dr Ito', 'clinician', 'RRK')],
  ['osei', signedIn('Dr Osei', 'clinician', 'RRK')],
  ['sam', signedIn('Sam', 'coordinator', 'RRK')],
  ['officer', signedIn('Officer at RRK', 'privacy', 'RRK')],
  ['officer-rje', signedIn('Officer at RJE', 'privacy', 'RJE')],
  ['officer-rxk', signedIn('Officer at RXK', 'privacy', 'RXK')],
  ['machine', { name: 'reporting', role: 'clinician', trust: 'RRK' }],
]);

interface Answer {
  readonly status: number;
  readonly body: Record<string, unknown> & { code?: string };
}

async function call(
  hub: FakeHub,
  [method = 'GET', path = '']: readonly [string, string],
  { as, body }: { as: string; body?: object },
): Promise<Answer> {
  const answer = await fetch(hub.url + path, {
    method,
    headers: {
      ...(as === 'machine'
        ? { authorization: 'Bearer machine' }
        : { cookie: `cdip-session=${as}` }),
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  return { status: answer.status, body: (await answer.json()) as Answer['body'] };
}

const WHY = { reason: 'emergency', words: 'Collapsed in the waiting room' };

async function world(
  t: { teardown(done: () => Promise<void>): void },
  isSensitive = false,
): Promise<FakeHub> {
  const hub = await startFakeHub({ principals });
  t.teardown(() => hub.stop());
  seedStudy(hub.db, { trust: 'RJE', uid: STUDY, patientId: 'J7', isUnrelated: true });
  if (isSensitive)
    hub.db
      .prepare(
        `INSERT INTO patients VALUES ('RJE', 'J7', 'RJE', ?, '01', 'SMITH^ANNA', '19580131', 'F', NULL, 0, 1, 0, NULL, NULL, '')`,
      )
      .run(NHS);
  return hub;
}

t.test('a record is opened by emergency, to the one who asked, and reviewed', async (t) => {
  const hub = await world(t);
  const look = (as: string) => call(hub, ['GET', `/api/studies/${STUDY}`], { as });
  const search = (as: string) => call(hub, ['GET', `/api/studies?nhsNumber=${NHS}`], { as });
  t.match(await look('ito'), { status: 403, body: { code: 'RELATIONSHIP_NEEDED' } });
  t.match((await search('ito')).body, {
    ...{ studies: [], total: 0, withheld: [{ reason: 'NO_RELATIONSHIP', studies: 1 }] },
  });
  const opened = await call(hub, ['POST', '/api/break-glass'], {
    ...{ as: 'ito', body: { nhsNumber: NHS, ...WHY } },
  });
  t.equal(opened.status, 201);
  const { id, openedAt, until } = opened.body as Record<string, string>;
  t.equal(Date.parse(until ?? '') - Date.parse(openedAt ?? ''), 4 * 3_600_000);
  t.equal((await look('ito')).status, 200);
  t.match((await search('ito')).body, { total: 1, withheld: [] });
  t.match(await look('osei'), { status: 403 }, 'a colleague of the same trust');
  const trail = hub.audit.find({ study: STUDY }, { limit: 50, offset: 0 }).events;
  t.match(
    trail.map(({ user, outcome, code, basis }) => ({ user, outcome, code, basis })),
    [
      { user: 'Dr Osei', outcome: 8, code: 'RELATIONSHIP_NEEDED' },
      { user: 'Dr Ito', outcome: 0, basis: [`break-glass ${id}`] },
      { user: 'Dr Ito', outcome: 0, basis: [`break-glass ${id}`] },
      { user: 'Dr Ito', outcome: 8, code: 'RELATIONSHIP_NEEDED' },
    ],
  );

  const list = async (as: string) => (await call(hub, ['GET', '/api/break-glass'], { as })).body;
  const inRrk = await list('officer');
  t.match(inRrk, {
    accesses: [{ id, by: { name: 'Dr Ito', trust: 'RRK' }, words: WHY.words, overdue: false }],
  });
  t.match(await list('officer-rje'), {
    accesses: [{ id, patients: [NHS], owedBy: ['RRK', 'RJE'] }],
  });
  t.match(await list('officer-rxk'), { accesses: [], total: 0 });
  const review = (as: string) =>
    call(hub, ['POST', `/api/break-glass/${id}/review`], {
      ...{ as, body: { outcome: 'appropriate', words: 'He was there' } },
    });
  t.match(await review('officer-rxk'), { status: 404 });
  t.match(await review('officer'), { status: 200, body: { owedBy: [] } }, 'of RJE it is not told');
  t.match(await review('officer'), { status: 409, body: { code: 'REVIEW_ENDED' } });
  t.match(await list('officer'), { total: 0 });
  t.match(await review('officer-rje'), { status: 200, body: { owedBy: [] } });
  t.equal((await look('ito')).status, 200, 'what was right goes on until it ends');
});

t.test('a review that finds it wrong ends it', async (t) => {
  const hub = await world(t);
  const { body } = await call(hub, ['POST', '/api/break-glass'], {
    ...{ as: 'ito', body: { studyInstanceUID: STUDY, ...WHY } },
  });
  const review = { outcome: 'not-appropriate', words: 'A neighbour' };
  await call(hub, ['POST', `/api/break-glass/${body['id']}/review`], {
    ...{ as: 'officer-rje', body: review },
  });
  t.equal((await call(hub, ['GET', `/api/studies/${STUDY}`], { as: 'ito' })).status, 403);
});

t.test('it is for people, with a reason, where it is needed and somebody is meant', async (t) => {
  const hub = await world(t);
  const open = async (as: string, body: object): Promise<unknown> => {
    const answer = await call(hub, ['POST', '/api/break-glass'], { as, body });
    return [answer.status, answer.body.code];
  };
  const whom = { nhsNumber: NHS };
  t.strictSame(await open('machine', { ...whom, ...WHY }), [403, 'FORBIDDEN']);
  t.strictSame(await open('officer', { ...whom, ...WHY }), [403, 'FORBIDDEN']);
  t.strictSame(await open('ito', { ...whom, reason: 'emergency' }), [400, 'VALIDATION_FAILED']);
  t.strictSame(await open('ito', { ...whom, ...WHY, words: 'because' }), [
    400,
    'VALIDATION_FAILED',
  ]);
  t.strictSame(await open('ito', { ...whom, ...WHY, reason: 'curious' }), [
    400,
    'VALIDATION_FAILED',
  ]);
  t.strictSame(await open('ito', WHY), [400, 'VALIDATION_FAILED']);
  t.strictSame(await open('ito', { nhsNumber: '4010232137', ...WHY }), [404, 'PATIENT_UNKNOWN']);
  seedStudy(hub.db, { ...{ trust: 'RRK', uid: '1.2.9', patientId: '9' }, nhsNumber: '9990000018' });
  t.strictSame(await open('ito', { nhsNumber: '9990000018', ...WHY }), [422, 'GLASS_NOT_NEEDED']);
  t.equal(hub.db.prepare('SELECT count(*) FROM glass').pluck().get(), 0);
});

t.test(
  'a meeting concerns the people of the trusts that meet, until the patient is off',
  async (t) => {
    const hub = await world(t);
    const meeting = { trust: 'RRK', name: 'Lung MDT', meetsOn: '2099-01-01' };
    const planned = await call(hub, ['POST', '/api/mdt-lists'], { as: 'sam', body: meeting });
    t.equal(planned.status, 201);
    const { listId } = planned.body;
    const put = (as: string) =>
      call(hub, ['POST', `/api/mdt-lists/${listId}/patients`], {
        ...{ as, body: { nhsNumber: NHS, question: 'Resect?' } },
      });
    t.match(await put('ito'), { status: 403 });
    t.match(await put('sam'), { status: 200, body: { patients: [{ name: 'SMITH^ANNA' }] } });
    const look = async () =>
      (await call(hub, ['GET', `/api/studies/${STUDY}`], { as: 'ito' })).status;
    t.equal(await look(), 200);
    const taken = ['DELETE', `/api/mdt-lists/${listId}/patients/0`] as const;
    t.match(await call(hub, taken, { as: 'sam' }), { status: 200, body: { patients: [] } });
    t.equal(await look(), 403);
    const other = { ...meeting, trust: 'RJE' };
    t.match(await call(hub, ['POST', '/api/mdt-lists'], { as: 'sam', body: other }), {
      ...{ status: 403, body: { code: 'MDT_LIST_FORBIDDEN' } },
    });
  },
);

t.test('a trust restricts its own records', async (t) => {
  const hub = await world(t);
  const restriction = {
    ...{ trust: 'RJE', patient: { patientId: 'J7' }, level: 'V', kind: 'sexual-health' },
    reason: 'By law',
  };
  const put = (as: string) => call(hub, ['PUT', '/api/restrictions'], { as, body: restriction });
  t.match(await put('officer'), { status: 403, body: { code: 'RESTRICTION_FORBIDDEN' } });
  t.match(await put('officer-rje'), { status: 200, body: { level: 'V', by: 'Officer at RJE' } });
  t.match(await call(hub, ['GET', `/api/studies/${STUDY}`], { as: 'ito' }), {
    ...{ status: 404, body: { code: 'STUDY_UNKNOWN' } },
  });
  t.match((await call(hub, ['GET', `/api/studies?nhsNumber=${NHS}`], { as: 'ito' })).body, {
    ...{ total: 0, withheld: [] },
  });
  const list = await call(hub, ['GET', '/api/restrictions'], { as: 'officer-rje' });
  t.match(list.body, { restrictions: [{ patient: { patientId: 'J7', issuer: 'RJE' } }], total: 1 });
});

t.test(
  'of a patient with the S-flag only an emergency shows more than region and month',
  async (t) => {
    const hub = await world(t, true);
    const meeting = { trust: 'RRK', name: 'Lung MDT', meetsOn: '2099-01-01' };
    const { body } = await call(hub, ['POST', '/api/mdt-lists'], { as: 'sam', body: meeting });
    await call(hub, ['POST', `/api/mdt-lists/${body['listId']}/patients`], {
      ...{ as: 'sam', body: { nhsNumber: NHS, question: 'Resect?' } },
    });
    const found = await call(hub, ['GET', `/api/studies?nhsNumber=${NHS}`], { as: 'ito' });
    t.match(found.body, {
      studies: [],
      withheld: [{ reason: 'RESTRICTED', region: 'West Midlands', months: ['2026-01'] }],
    });
    t.notMatch(JSON.stringify(found.body['withheld']), /RJE|Stoke/);
    t.match(await call(hub, ['GET', `/api/studies/${STUDY}`], { as: 'ito' }), {
      ...{ status: 403, body: { code: 'RESTRICTED' } },
    });
    await call(hub, ['POST', '/api/break-glass'], { as: 'ito', body: { nhsNumber: NHS, ...WHY } });
    t.equal((await call(hub, ['GET', `/api/studies/${STUDY}`], { as: 'ito' })).status, 200);
  },
);
