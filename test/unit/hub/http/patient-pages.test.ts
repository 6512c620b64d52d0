/** Pages of a patient: the report first, doubts as doubts, and studies that wait for somebody to say whose they are. */
import t, { type Test } from 'tap';
import { type FakeHub, KEY, startFakeHub } from './fake-hub.ts';
import { holdFetch, NHS, seedPatient } from './patient-seed.ts';

async function seeded(t: Test): Promise<FakeHub> {
  const hub = await startFakeHub();
  t.teardown(() => hub.stop());
  seedPatient(hub);
  return hub;
}

t.test('a report stands before the images, its earlier versions behind it', async (t) => {
  const hub = await seeded(t);
  const study = await (await hub.get('/studies/2.25.9001')).text();
  t.match(
    study,
    /Corrected[\s\S]*A nodule\.\nSee CT\.[\s\S]*Earlier versions \(1\)[\s\S]*Normal\./,
  );
  t.ok(study.indexOf('A nodule') < study.indexOf('Where it is'), 'before the images');
  t.match(study, 'CT &lt;chest&gt;');
  t.strictSame(hub.bugs, []);
});

t.test('a patient about whom trusts differ is shown as a doubt, and side by side', async (t) => {
  const hub = await seeded(t);
  const patient = await (await hub.get(`/patients/${NHS}`)).text();
  t.match(patient, 'These may be 2 different people');
  t.match(patient, 'A nodule.');
  const identity = await (await hub.get('/identity')).text();
  t.match(identity, 'Same NHS number, different dates of birth');
  t.match(identity, /Different people<\/button>/);
  t.strictSame(hub.bugs, []);
});

t.test(
  'a study that waits for its patient is shown with whom it may be of, and filed from there',
  async (t) => {
    const hub = await seeded(t);
    const fetchId = await holdFetch(hub);
    const page = await (await hub.get('/reconciliation')).text();
    t.match(page, 'no local patient has this birth date');
    t.match(page, /Differs: date of birth\./, 'RRK has 31 January');
    t.match(page, /name="patientId" value="1001"><input type="hidden" name="issuer" value="RRK"/);
    const answer = await fetch(`${hub.url}/fetches/${fetchId}/patient`, {
      ...{ method: 'POST', redirect: 'manual', body: 'patientId=1001&issuer=RRK' },
      headers: {
        authorization: `Bearer ${KEY}`,
        'content-type': 'application/x-www-form-urlencoded',
      },
    });
    t.equal(answer.status, 303);
    t.match(hub.fetches.named, [{ patientId: '1001', issuer: 'RRK' }]);
    t.match(await (await hub.get('/reconciliation')).text(), 'Nothing waits.');
    t.strictSame(hub.bugs, []);
  },
);
