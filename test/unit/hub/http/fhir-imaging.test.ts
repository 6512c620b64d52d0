/** A patient's studies and reports of all trusts by FHIR R4, as a shared care record asks for them. */
import t from 'tap';
import { applyEvent } from '../../../../hub/projection/apply-event.ts';
import { prepareProjection } from '../../../../hub/projection/statements.ts';
import type { OrderedEvent } from '../../../../shared/contract/events.ts';
import { type FakeHub, KEY, startFakeHub } from './fake-hub.ts';
import { seedStudy } from './seed-study.ts';

const NHS = '9434765919';
const NHS_SYSTEM = 'https://fhir.nhs.uk/Id/nhs-number';
const AT = '2026-03-01T10:00:00.000Z';

interface Bundle {
  readonly total: number;
  readonly link: readonly { relation: string; url: string }[];
  readonly entry: readonly { resource: Record<string, unknown>; search: { mode: string } }[];
}

async function open(tap: Pick<typeof t, 'teardown'>, options = {}) {
  const hub = await startFakeHub(options);
  tap.teardown(() => hub.stop());
  const get = async <T = Bundle>(path: string) => {
    const answer = await fetch(`${hub.url}/fhir/${path}`, {
      headers: { authorization: `Bearer ${KEY}` },
    });
    return {
      status: answer.status,
      etag: answer.headers.get('etag'),
      body: (await answer.json()) as T,
    };
  };
  return { hub, get };
}

const idsOf = ({ entry }: Bundle): unknown[] =>
  entry.filter(({ search }) => search.mode === 'match').map(({ resource }) => resource['id']);

t.test('studies by patient, number, modality and date, page by page', async (t) => {
  const { hub, get } = await open(t, { silent: false });
  const series = { uid: '1.2.3.1', modality: 'CT', number: 2, description: 'Thin', instances: 300 };
  seedStudy(hub.db, { trust: 'RJE', uid: '1.2.3', accession: 'A1', series: [series] });
  seedStudy(hub.db, {
    trust: 'RXK',
    uid: '1.2.4',
    accession: 'A1',
    modalities: 'MR',
    date: '20250601',
  });
  seedStudy(hub.db, { trust: 'RXK', uid: '1.2.5', nhsNumber: '9434765870', patientId: 'X9' });
  const found = async (query: string) => {
    const { status, body } = await get(`ImagingStudy?${query}`);
    t.equal(status, 200, query);
    return idsOf(body);
  };
  const both = ['1.2.3-RJE', '1.2.4-RXK'];
  t.strictSame(await found(`patient=${NHS}`), both, 'newest first');
  t.strictSame(await found(`patient.identifier=${NHS_SYSTEM}%7C${NHS}`), both);
  t.strictSame(await found('patient=urn:cdip:patient:RXK%7CX9'), ['1.2.5-RXK']);
  t.strictSame(await found('patient=urn:cdip:patient:RJE%7CX9'), [], 'the same number elsewhere');
  t.strictSame(await found('identifier=urn:dicom:uid%7Curn:oid:1.2.4'), ['1.2.4-RXK']);
  t.strictSame(await found('identifier=urn:cdip:accession:RJE%7CA1'), ['1.2.3-RJE']);
  t.strictSame(await found(`patient=${NHS}&modality=MR`), ['1.2.4-RXK']);
  t.strictSame(await found(`patient=${NHS}&started=ge2026-01-01`), ['1.2.3-RJE']);
  t.strictSame(await found(`patient=${NHS}&started=2025-06-01`), ['1.2.4-RXK']);
  t.strictSame(await found(`patient=${NHS}&started=lt2025-06-01`), []);
  const { body: first } = await get(`ImagingStudy?patient=${NHS}&_count=1`);
  t.match([first.total, idsOf(first)], [2, ['1.2.3-RJE']]);
  const next = new URL(first.link.find(({ relation }) => relation === 'next')?.url ?? '');
  t.strictSame(idsOf((await get(`ImagingStudy${next.search}`)).body), ['1.2.4-RXK']);
  const { body, etag } = await get<Record<string, unknown>>('ImagingStudy/1.2.3-RJE');
  t.match(etag, /^W\//);
  t.match(body, {
    ...{ resourceType: 'ImagingStudy', status: 'available', started: '2026-01-31' },
    identifier: [{ system: 'urn:dicom:uid', value: 'urn:oid:1.2.3' }, { value: 'A1' }],
    subject: { identifier: { system: NHS_SYSTEM, value: NHS } },
    contained: [{ address: `${hub.url}/dicom-web` }],
    series: [{ uid: '1.2.3.1', number: 2, modality: { code: 'CT' }, numberOfInstances: 300 }],
  });
});

t.test('what is left out is said, and what can not be meant is refused', async (t) => {
  const { get } = await open(t);
  const { body } = await get(`ImagingStudy?patient=${NHS}`);
  t.match(body, { total: 0, entry: [{ search: { mode: 'outcome' } }] });
  t.match(JSON.stringify(body.entry), /Sandwell and City \(RXK\) does not answer/);
  const refused = async (path: string, status: number, code: string): Promise<void> => {
    const answer = await get<object>(path);
    t.match(answer, {
      ...{ status },
      body: { issue: [{ details: { coding: [{ code }] } }] },
    });
  };
  await refused('ImagingStudy', 400, 'VALIDATION_FAILED');
  await refused('ImagingStudy?patient=9434765910', 400, 'INVALID_NHS_NUMBER');
  await refused('ImagingStudy?patient=urn:other%7C1', 400, 'VALIDATION_FAILED');
  await refused(`ImagingStudy?patient=${NHS}&started=yesterday`, 400, 'VALIDATION_FAILED');
  await refused(`ImagingStudy?patient=${NHS}&colour=red`, 400, 'VALIDATION_FAILED');
  const two = 'patient=urn:cdip:patient:RXK%7CX9&identifier=urn:cdip:accession:RJE%7CA1';
  await refused(`ImagingStudy?${two}`, 400, 'VALIDATION_FAILED');
  await refused('ImagingStudy/none', 404, 'STUDY_UNKNOWN');
  await refused('DiagnosticReport', 400, 'VALIDATION_FAILED');
  await refused('DiagnosticReport/RJE.none', 404, 'REPORT_UNKNOWN');
});

t.test('reports: the version in force, and of a withdrawn one no word', async (t) => {
  const { hub, get } = await open(t, { silent: false });
  seedStudy(hub.db, { trust: 'RJE', uid: '1.2.3', patientId: 'J7' });
  tellReports(hub);
  const { body } = await get(`DiagnosticReport?patient=${NHS}`);
  t.strictSame(idsOf(body), ['RJE.R2', 'RJE.R1']);
  const one = await get<Record<string, unknown>>('DiagnosticReport/RJE.R1');
  t.match(one.body, {
    ...{ status: 'corrected', code: { text: 'CT chest' }, issued: '2026-03-02T09:00:00.000Z' },
    subject: { identifier: { system: NHS_SYSTEM, value: NHS } },
    imagingStudy: [{ identifier: { value: 'urn:oid:1.2.3' } }],
    presentedForm: [{ data: Buffer.from('A nodule – 4 mm.').toString('base64') }],
  });
  const withdrawn = await get<Record<string, unknown>>('DiagnosticReport/RJE.R2');
  t.match(withdrawn.body, { status: 'entered-in-error' });
  const seen = hub.audit.find({ patient: NHS }, { limit: 1, offset: 0 }).events[0];
  t.match(seen, { what: 'GET /fhir/DiagnosticReport/:id', homes: ['RJE'] }, 'found by NHS number');
  t.notOk(withdrawn.body['presentedForm']);
  const found = async (query: string) =>
    idsOf((await get(`DiagnosticReport?patient=${NHS}&${query}`)).body);
  t.strictSame(await found('status=corrected'), ['RJE.R1']);
  t.strictSame(await found('issued=ge2026-03-03'), ['RJE.R2']);
  t.strictSame(
    idsOf((await get('DiagnosticReport?patient=urn:cdip:patient:RJE%7CJ7')).body).length,
    2,
  );
});

function tellReports({ db }: FakeHub): void {
  const statements = prepareProjection(db);
  const patient = {
    ...{ patientId: 'J7', issuer: 'RJE', nhsNumber: NHS, name: 'SMITH^ANNA' },
    ...{ birthDate: '19580131', sex: 'F' },
  };
  let seq = 0;
  const tell = (event: object): void => {
    seq += 1;
    const whole = { v: 1, at: AT, trust: 'RJE', epoch: 1, seq, ...event };
    applyEvent(statements, whole as OrderedEvent, AT);
  };
  tell({
    ...{ kind: 'patient', patient, nhsNumberStatus: '01', postcode: null, deceased: false },
    ...{ restricted: false, deleted: false, mergedInto: null, asOf: AT },
  });
  const report = (reportId: string, version: number, more: object): void =>
    tell({
      ...{ kind: 'report', reportId, version, patient, accessionNumbers: ['A9'] },
      ...{ studyInstanceUIDs: ['1.2.3'], title: 'CT chest', author: 'Dr Ito' },
      ...{ isCut: false, document: null, ...more },
    });
  report('R1', 1, { status: 'final', issuedAt: AT, text: 'Normal.' });
  report('R1', 2, {
    status: 'corrected',
    issuedAt: '2026-03-02T09:00:00.000Z',
    text: 'A nodule – 4 mm.',
  });
  report('R2', 1, {
    status: 'withdrawn',
    issuedAt: '2026-03-03T09:00:00.000Z',
    text: 'Of another.',
  });
}
