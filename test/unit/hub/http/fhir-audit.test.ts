/** The audit trail as FHIR R4 AuditEvent: found by patient, agent and date, page by page. */
import t from 'tap';
import { KEY, startFakeHub } from './fake-hub.ts';
import { seedStudy } from './seed-study.ts';

const NHS = '9434765919';
const UID = '1.2.840.1';

interface Bundle {
  readonly total: number;
  readonly link: readonly { relation: string; url: string }[];
  readonly entry: readonly { fullUrl: string; resource: Record<string, unknown> }[];
}

t.test('who has seen a patient, for other systems', async (t) => {
  const fake = await startFakeHub();
  t.teardown(() => fake.stop());
  seedStudy(fake.db, { trust: 'RJE', uid: UID });
  const headers = { authorization: `Bearer ${KEY}` };
  for (const path of [`/api/studies/${UID}`, `/api/studies?nhsNumber=${NHS}`, '/api/studies/9.9.9'])
    await fake.get(path, headers);
  const ask = async (query: string): Promise<{ status: number; body: Bundle }> => {
    const answer = await fake.get(`/fhir/AuditEvent?${query}`, headers);
    return { status: answer.status, body: (await answer.json()) as Bundle };
  };
  const { body } = await ask(`patient=${NHS}&_count=1`);
  t.equal(body.total, 2);
  t.match(body.entry, [
    {
      resource: {
        ...{ resourceType: 'AuditEvent', action: 'E', outcome: '0' },
        type: { system: 'http://dicom.nema.org/resources/ontology/DCM', code: '110112' },
        agent: [
          {
            ...{ requestor: true, network: { address: '127.0.0.1', type: '2' } },
            type: { coding: [{ code: '110153' }] },
          },
          { name: 'hub', requestor: false, type: { coding: [{ code: '110152' }] } },
        ],
        entity: [
          {
            what: { identifier: { system: 'https://fhir.nhs.uk/Id/nhs-number', value: NHS } },
            role: { code: '1' },
          },
          { what: { identifier: { value: `urn:oid:${UID}` } } },
          { detail: [{ type: 'basis', valueString: 'mdt-list list-of-RRK of RRK' }] },
        ],
      },
    },
  ]);
  const next = body.link.find(({ relation }) => relation === 'next')?.url ?? '';
  const second = await (
    await fake.get(new URL(next).pathname + new URL(next).search, headers)
  ).json();
  t.match(second, { entry: [{ resource: { type: { code: '110103' } } }] });
  t.notOk(
    (second as Bundle).link.some(({ relation }) => relation === 'next'),
    'the look for this page is no page of it',
  );
  const url = `https://fhir.nhs.uk/Id/nhs-number%7C${NHS}`;
  t.ok((await ask(`patient=${url}`)).body.total >= 2, 'by system and number');
  const [first] = body.entry;
  const [agent] = (first?.resource['agent'] ?? []) as { name: string }[];
  const who = agent?.name ?? '';
  t.ok((await ask(`agent=${encodeURIComponent(who)}`)).body.total >= 3);
  t.equal((await ask('agent=nobody')).body.total, 0);
  t.equal((await ask('date=lt2001-01-01')).body.total, 0);
  t.equal((await ask('date=yesterday')).status, 400);
  const failed = (await ask('_count=500')).body.entry.find(({ resource }) =>
    /STUDY_UNKNOWN/.test(String(resource['outcomeDesc'])),
  );
  t.match(failed?.resource, { outcomeDesc: 'not done: STUDY_UNKNOWN' });
  const one = await fake.get(`/fhir/AuditEvent/${String(failed?.resource['id'])}`, headers);
  t.match(await one.json(), { outcome: '4' });
  t.equal((await fake.get('/fhir/AuditEvent/99999', headers)).status, 404);
});
