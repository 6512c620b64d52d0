/** What is recorded of the hub's routes and pages, and that nothing is answered that is not. */
import t, { type Test } from 'tap';
import { CLINICIAN, type FakeHub, KEY, LINK, SESSION, startFakeHub } from './fake-hub.ts';
import { seedStudy } from './seed-study.ts';

const NHS = '9434765919';
const UID = '1.2.840.1';
const PERSON = { cookie: `cdip-session=${SESSION}`, accept: 'text/html' };

async function hub(t: Test): Promise<FakeHub> {
  const fake = await startFakeHub();
  t.teardown(() => fake.stop());
  seedStudy(fake.db, { trust: 'RJE', uid: UID });
  await fake.fetches.request(
    { studyInstanceUID: UID, to: { trust: 'RRK' }, priority: 'urgent', purpose: 'direct care' },
    CLINICIAN,
  );
  return fake;
}

const newest = ({ audit }: FakeHub) => audit.find({}, { limit: 1, offset: 0 }).events[0];
const rows = ({ audit }: FakeHub): number => audit.head().seq;

/** Every way by which a person or machine comes to see a patient's data. */
const LOOKS: readonly (readonly [path: string, headers: Record<string, string>, event: string])[] =
  [
    [`/api/studies?nhsNumber=${NHS}`, { authorization: `Bearer ${KEY}` }, 'search'],
    [`/api/studies/${UID}`, { authorization: `Bearer ${KEY}` }, 'look'],
    [`/api/patients/${NHS}`, { authorization: `Bearer ${KEY}` }, 'search'],
    ['/api/fetches', { authorization: `Bearer ${KEY}` }, 'look'],
    ['/api/fetches/f1', { authorization: `Bearer ${KEY}` }, 'look'],
    [`/dicom-web/studies?PatientID=${NHS}`, { authorization: `Bearer ${KEY}` }, 'search'],
    [`/?by=nhs&nhsNumber=${NHS}`, PERSON, 'search'],
    [`/studies/${UID}`, PERSON, 'look'],
    [`/studies/${UID}/fetch?home=RJE`, PERSON, 'look'],
    ['/fetches', PERSON, 'look'],
    ['/fetches/f1', PERSON, 'look'],
  ];

for (const [path, headers, event] of LOOKS)
  t.test(`GET ${path} is recorded as ${event}, with the patient and the home trust`, async (t) => {
    const fake = await hub(t);
    t.equal((await fake.get(path, headers)).status, 200);
    t.equal(rows(fake), 1, 'one row');
    t.match(newest(fake), { event, outcome: 0, patients: [NHS], address: '127.0.0.1' });
    t.ok(newest(fake)?.homes.includes('RJE'));
    t.ok(newest(fake)?.user, 'who');
  });

t.test('what a search asked for stands in the trail, also when it found nothing', async (t) => {
  const fake = await hub(t);
  await fake.get('/api/studies?patientName=NOBODY&birthDate=1950-01-01');
  t.match(newest(fake), { query: { patientName: 'NOBODY' }, patients: [], outcome: 0 });
});

t.test('a fetch order is recorded with who, which patient, where to and what for', async (t) => {
  const fake = await hub(t);
  const body = { studyInstanceUID: UID, to: { trust: 'RRK' }, priority: 'urgent', purpose: 'MDT' };
  const answer = await fetch(`${fake.url}/api/fetches`, {
    method: 'POST',
    headers: { authorization: `Bearer ${KEY}`, 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  t.equal(answer.status, 202);
  t.match(newest(fake), { event: 'fetch', action: 'C', purpose: 'MDT', patients: [NHS] });
  t.same(newest(fake)?.homes, ['RJE', 'RRK']);
});

t.test('who is refused is recorded by name; who shows nothing is not', async (t) => {
  const fake = await hub(t);
  fake.state.refuse = 'not you';
  t.equal((await fake.get(`/api/studies/${UID}`)).status, 403);
  t.match(newest(fake), { outcome: 8, code: 'FORBIDDEN', patients: [] });
  t.ok(newest(fake)?.user);
  await fake.get(`/api/studies/${UID}`, { authorization: 'Bearer forged' });
  t.match(newest(fake), { outcome: 8, code: 'UNAUTHENTICATED', user: '' });
  const before = rows(fake);
  t.equal((await fake.get(`/api/studies/${UID}`, {})).status, 401);
  t.equal(rows(fake), before);
});

t.test('a failed request is recorded with its code', async (t) => {
  const fake = await hub(t);
  t.equal((await fake.get('/api/studies/9.9.9')).status, 404);
  t.match(newest(fake), { outcome: 4, code: 'STUDY_UNKNOWN', query: { uid: '9.9.9' } });
});

t.test('what can not be recorded is not shown', async (t) => {
  const fake = await startFakeHub();
  seedStudy(fake.db, { trust: 'RJE', uid: UID });
  const { append } = fake.audit;
  fake.audit.append = () => {
    throw new Error('disk full');
  };
  t.teardown(() => fake.stop());
  for (const [path, headers] of [
    [`/api/studies/${UID}`, { authorization: `Bearer ${KEY}` }],
    [`/studies/${UID}`, PERSON],
  ] as const) {
    const answer = await fake.get(path, headers);
    t.equal(answer.status, 503);
    t.notMatch(await answer.text(), /SMITH|9434765919|943 476 5919/);
  }
  fake.audit.append = append;
});

t.test('signing in and out is recorded, the link itself never', async (t) => {
  const fake = await hub(t);
  const used = await fetch(`${fake.url}/sign-in/${LINK}`, { method: 'POST', redirect: 'manual' });
  t.equal(used.status, 303);
  t.match(newest(fake), { event: 'sign-in', outcome: 0, user: CLINICIAN.name });
  await fetch(`${fake.url}/sign-in/none`, { method: 'POST', redirect: 'manual' });
  t.match(newest(fake), { event: 'sign-in', outcome: 8, code: 'LINK_INVALID', user: '' });
  await fetch(`${fake.url}/sign-out`, { method: 'POST', headers: PERSON, redirect: 'manual' });
  t.match(newest(fake), { event: 'sign-out', user: CLINICIAN.name });
  const all = fake.audit.find({}, { limit: 100, offset: 0 }).events;
  t.notMatch(JSON.stringify(all), LINK);
});

t.test(
  'who has seen a patient can be asked, by NHS number in any writing; the asking is recorded',
  async (t) => {
    const fake = await hub(t);
    await fake.get(`/api/studies/${UID}`);
    await fake.get('/api/studies?patientName=NOBODY&birthDate=1950-01-01');
    const answer = await fake.get('/api/audit?patient=943+476+5919');
    const { events, total } = (await answer.json()) as {
      events: { what: string }[];
      total: number;
    };
    t.equal(total, 1);
    t.match(events, [{ what: 'GET /api/studies/:uid' }]);
    t.match(newest(fake), { event: 'audit', patients: [NHS] });
  },
);

t.test('a viewer that asks image by image is recorded once, with the patient', async (t) => {
  const fake = await hub(t);
  for (const part of ['metadata', 'series/1.2/instances/1', 'series/1.2/instances/2'])
    await fake.get(`/dicom-web/studies/${UID}/${part}`);
  const { events, total } = fake.audit.find({ patient: NHS }, { limit: 9, offset: 0 });
  t.equal(total, 1);
  t.match(events, [{ event: 'look', what: 'GET /dicom-web/studies/:study/*', studies: [UID] }]);
});
