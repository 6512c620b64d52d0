/** `/dicom-web/series` and `/instances` of the hub: whose are shown, what edges are asked, what is said to be missing. */
import t, { type Test } from 'tap';
import type { Principal } from '../../../../hub/access/rules.ts';
import { type CallEdge, EdgeCallError } from '../../../../hub/dicomweb/call-edge.ts';
import type { JsonDataSet } from '../../../../shared/dicom/dicom-json.ts';
import { startFakeHub } from './fake-hub.ts';
import { seedStudy } from './seed-study.ts';

const NHS = '9434765919';
const KEY = 'own';
const principals = new Map<string, Principal>([
  [KEY, { name: 'viewer', role: 'radiologist', trust: 'RRK' }],
  ['network', { name: 'reporting', role: 'admin', trust: null }],
]);
const CT = [
  { uid: '2.1.1', modality: 'CT', number: 1, description: 'Thorax', instances: 3 },
  { uid: '2.1.2', modality: 'SR', number: 2, description: 'Dose', instances: 1 },
];
const MR = [{ uid: '2.2.1', modality: 'MR', number: 1, description: 'Head', instances: 2 }];

/** RRK: a CT; RJE: an MR, and an NM that only its PACS holds; RXK: one of somebody else. */
async function world(t: Test, isDown = new Set<string>()) {
  const asked: string[] = [];
  const callEdge: CallEdge = async ({ trust, path }) => {
    asked.push(`${trust} ${path}`);
    if (isDown.has(trust)) throw new EdgeCallError('EDGE_UNREACHABLE', 'no answer');
    const { pathname, searchParams } = new URL(path, 'http://edge');
    const rows = rowsOf(pathname, searchParams);
    const status = rows.length === 0 ? 204 : 200;
    return { status, headers: {}, body: bodyOf(JSON.stringify(rows)) };
  };
  const hub = await startFakeHub({ principals, callEdge });
  t.teardown(() => hub.stop());
  const { db } = hub;
  seedStudy(db, { trust: 'RRK', uid: '2.1', series: CT, instances: 4, date: '20260103' });
  seedStudy(db, { trust: 'RJE', uid: '2.2', series: MR, modalities: 'MR', date: '20260102' });
  seedStudy(db, { trust: 'RJE', uid: '2.3', modalities: 'NM', date: '20260101', instances: 2 });
  db.exec(
    `UPDATE studies SET nearline_modalities = 'NM', online_instances = 0 WHERE study_uid = '2.3'`,
  );
  seedStudy(db, { trust: 'RXK', uid: '2.4', nhsNumber: null, patientId: 'X', isUnrelated: true });
  const get = async (path: string, key = KEY) => {
    const headers = { authorization: `Bearer ${key}` };
    const answer = await fetch(`${hub.url}${path}`, { headers });
    const text = await answer.text();
    const all = answer.status === 200 ? (JSON.parse(text) as JsonDataSet[]) : [];
    const uidOf = (one: JsonDataSet) => String((one['00080018'] ?? one['0020000E'])?.Value?.[0]);
    const warning = answer.headers.get('warning') ?? '';
    return { status: answer.status, text, all, uids: all.map(uidOf), warning };
  };
  return { hub, get, asked };
}

/** An edge: `listed` series of what its PACS holds, and objects of any series. */
function rowsOf(path: string, parameters: URLSearchParams): JsonDataSet[] {
  const [, study = '', series] = /studies\/([^/]+)\/series(?:\/([^/]+))?/.exec(path) ?? [];
  if (series === undefined)
    return [{ '0020000E': uid(`${study}.9`), '00080060': { vr: 'CS', Value: ['NM'] } }];
  const counts: Record<string, number> = { '2.1.1': 3, '2.1.2': 1, '2.2.1': 2, '2.3.9': 2 };
  const all = Array.from({ length: counts[series] ?? 0 }, (_, at) => String(at + 1))
    .filter((number) => (parameters.get('00200013') ?? number) === number)
    .map((number) => ({
      '00080018': uid(`${series}.${number}`),
      '00100020': { vr: 'LO', Value: ['LOCAL'] },
    }));
  return all.slice(Number(parameters.get('offset')));
}

const uid = (value: string) => ({ vr: 'UI', Value: [value] });

const bodyOf = (text: string) =>
  Object.assign(
    (async function* () {
      yield Buffer.from(text);
    })(),
    { destroy: () => undefined },
  );

t.test('series of all trusts are found by study and series, with what stands above', async (t) => {
  const { get, hub } = await world(t);
  const { uids, all, warning } = await get(`/dicom-web/series?PatientID=${NHS}`);
  t.strictSame(uids, ['2.1.1', '2.1.2', '2.2.1', '2.3.9'], 'and what only a PACS lists');
  t.match(all[0], { '00100020': { Value: [NHS] }, '0020000D': { Value: ['2.1'] } });
  t.match(warning, /RXK: /, 'who does not answer is named');
  t.strictSame((await get(`/dicom-web/series?PatientID=${NHS}&Modality=MR`)).uids, ['2.2.1']);
  const page = await get('/dicom-web/series?StudyInstanceUID=2.1&limit=1&offset=0');
  t.strictSame(page.uids, ['2.1.1']);
  t.match(page.warning, /There are 1 additional/);
  const { events } = hub.audit.find({}, { limit: 1, offset: 0 });
  t.match(events[0], { event: 'search', what: 'GET /dicom-web/series', studies: ['2.1'] });
});

t.test('objects are asked of their edges, only those that the page shows', async (t) => {
  const { get, asked } = await world(t);
  const path = `/dicom-web/instances?PatientID=${NHS}`;
  const all = await get(path);
  t.equal(all.uids.length, 8);
  t.match(all.all[0], { '00100020': { Value: [NHS] } }, 'the patient as everywhere at the hub');
  asked.length = 0;
  const page = await get(`${path}&Modality=CT,SR,MR&limit=2&offset=2`);
  t.strictSame(page.uids, ['2.1.1.3', '2.1.2.1']);
  t.match(page.warning, /There are 2 additional/);
  t.notOk(
    asked.some((call) => call.startsWith('RJE')),
    'no further than that',
  );
  const first = await get(`${path}&InstanceNumber=1&includefield=Rows`);
  t.strictSame(first.uids, ['2.1.1.1', '2.1.2.1', '2.2.1.1', '2.3.9.1']);
  t.ok(asked.some((call) => /00200013=1&includefield=00280010/.test(call)));
});

t.test('an edge that lists nothing is named, and the others are shown', async (t) => {
  const { get, asked } = await world(t, new Set(['RJE']));
  const { uids, warning } = await get(`/dicom-web/instances?PatientID=${NHS}`);
  t.strictSame(uids, ['2.1.1.1', '2.1.1.2', '2.1.1.3', '2.1.2.1']);
  t.match(warning, /RJE: what is in 2 of its studies was not listed/);
  t.equal(asked.filter((call) => call.startsWith('RJE')).length, 1, 'not waited for again');
});

t.test('nobody lists whole trusts, nor sees whom they are not concerned with', async (t) => {
  const { get } = await world(t);
  for (const path of ['series', 'series?Modality=CT', 'instances', 'instances?InstanceNumber=1'])
    t.equal((await get(`/dicom-web/${path}`)).status, 400, path);
  t.equal((await get('/dicom-web/series?SeriesInstanceUID=2.1.1', 'network')).status, 400);
  t.equal((await get('/dicom-web/series?PatientID=X^^^RXK')).status, 204);
  t.match(await get('/dicom-web/instances?StudyInstanceUID=2.4'), {
    status: 204,
    warning: /withheld/,
  });
  t.match(await get('/dicom-web/series?Modality=MR', 'network'), { uids: ['2.2.1'] });
});
