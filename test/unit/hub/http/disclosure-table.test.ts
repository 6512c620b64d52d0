/**
 * Every address that shows a patient's record against everything that may be known of asker and patient. The table of
 * what is shown is written apart from the rules; an address of a study, a report or a patient without a row fails.
 */
import t from 'tap';
import type { Principal } from '../../../../hub/access/rules.ts';
import { seenBy } from '../../../../hub/http/seen-events.ts';
import { applyEvent } from '../../../../hub/projection/apply-event.ts';
import { prepareProjection } from '../../../../hub/projection/statements.ts';
import { Disclosure } from '../../../../hub/relations/disclosure.ts';
import { applyGlass } from '../../../../hub/relations/glass.ts';
import { applyRestriction, restrictionId } from '../../../../hub/relations/restrictions.ts';
import { systemClock } from '../../../../shared/clock.ts';
import type { OrderedEvent } from '../../../../shared/contract/events.ts';
import { ACCESS, type FakeHub, startFakeHub } from './fake-hub.ts';
import { putOnList, seedStudy } from './seed-study.ts';

const NHS = '9434765919';
const STUDY = '1.2.840.7';
const AT = '2026-03-01T10:00:00.000Z';
const signedIn = { method: 'password', assurance: 2, authenticatedAt: Date.now() } as const;
const ASKERS = {
  other: { name: 'Dr Ito', role: 'radiologist', trust: 'RRK', ...signedIn },
  own: { name: 'Dr Osei', role: 'radiologist', trust: 'RJE', ...signedIn },
  network: { name: 'Sam', role: 'coordinator', trust: null, ...signedIn },
  otherMachine: { name: 'PACS of RRK', role: 'radiologist', trust: 'RRK' },
  machine: { name: 'reporting', role: 'admin', trust: null },
} as const satisfies Record<string, Principal>;
type Asker = keyof typeof ASKERS;

interface Known {
  readonly isRelated?: boolean;
  readonly isGlass?: boolean;
  readonly isEnded?: boolean;
  readonly isSensitive?: boolean;
  readonly level?: 'R' | 'V';
}

/** Who is shown what RJE holds. */
const CASES: readonly (readonly [string, Known, readonly Asker[]])[] = [
  ['nothing is known', {}, ['own', 'machine']],
  [
    'a relationship of RRK',
    { isRelated: true },
    ['own', 'machine', 'other', 'otherMachine', 'network'],
  ],
  ['the glass is broken', { isGlass: true }, ['own', 'machine', 'other']],
  ['it was broken four hours ago', { isGlass: true, isEnded: true }, ['own', 'machine']],
  ['the S-flag', { isSensitive: true, isRelated: true }, ['own']],
  ['the S-flag, by emergency', { isSensitive: true, isGlass: true }, ['own', 'other']],
  ['restricted', { level: 'R', isRelated: true }, ['own']],
  ['very restricted', { level: 'V', isRelated: true, isGlass: true }, []],
];

/** `body`: the study stands in the answer; else the status tells. */
const TABLE: readonly (readonly [
  address: string,
  path: string,
  by: 'body' | 'status',
  /** Nobody else may do it at all. */
  role?: 'radiologist',
])[] = [
  ['GET /api/studies', `/api/studies?nhsNumber=${NHS}`, 'body'],
  ['GET /api/studies/:uid', `/api/studies/${STUDY}`, 'status'],
  ['GET /api/patients/:nhsNumber', `/api/patients/${NHS}`, 'body'],
  ['GET /api/reports/:trust/:reportId', '/api/reports/RJE/R1', 'status'],
  ['POST /api/fetches', '/api/fetches', 'status'],
  ['GET /dicom-web/studies', `/dicom-web/studies?PatientID=${NHS}`, 'body'],
  ['GET /dicom-web/series', `/dicom-web/series?PatientID=${NHS}`, 'body'],
  ['GET /dicom-web/studies/:study', `/dicom-web/studies/${STUDY}`, 'status'],
  ['GET /dicom-web/studies/:study/*', `/dicom-web/studies/${STUDY}/metadata`, 'status'],
  ['GET /dicom-web/studies/:study/series', `/dicom-web/studies/${STUDY}/series`, 'status'],
  ['GET /fhir/ImagingStudy', `/fhir/ImagingStudy?patient=${NHS}`, 'body'],
  ['GET /fhir/ImagingStudy/:id', `/fhir/ImagingStudy/${STUDY}-RJE`, 'status'],
  ['GET /fhir/DiagnosticReport', `/fhir/DiagnosticReport?patient=${NHS}`, 'body'],
  ['GET /fhir/DiagnosticReport/:id', '/fhir/DiagnosticReport/RJE.R1', 'status'],
  ['GET /', `/?by=nhs&nhsNumber=${NHS}`, 'body'],
  ['GET /patients/:nhsNumber', `/patients/${NHS}`, 'body'],
  ['GET /studies/:uid', `/studies/${STUDY}`, 'status'],
  ['GET /studies/:uid/fetch', `/studies/${STUDY}/fetch`, 'status'],
  ['POST /studies/:uid/fetch', `/studies/${STUDY}/fetch`, 'status'],
  ['GET /studies/:uid/teaching', `/studies/${STUDY}/teaching`, 'status', 'radiologist'],
  ['POST /studies/:uid/teaching', `/studies/${STUDY}/teaching`, 'status', 'radiologist'],
];
/** What is there under pseudonyms is nobody's. */
const NOBODYS = / \/teaching\//;

function seed(hub: FakeHub, { isRelated, isGlass, isEnded, isSensitive, level }: Known): void {
  const { db } = hub;
  const statements = prepareProjection(db);
  const patient = {
    ...{ patientId: 'J7', issuer: 'RJE', nhsNumber: NHS, name: 'SMITH^ANNA' },
    ...{ birthDate: '19580131', sex: 'F' },
  };
  const tell = (seq: number, event: object): void =>
    void applyEvent(
      statements,
      { v: 1, at: AT, trust: 'RJE', epoch: 1, seq, ...event } as OrderedEvent,
      AT,
    );
  tell(1, {
    ...{ kind: 'patient', patient, nhsNumberStatus: '01', postcode: null, deceased: false },
    ...{ restricted: isSensitive === true, deleted: false, mergedInto: null, asOf: AT },
  });
  tell(2, {
    ...{ kind: 'report', reportId: 'R1', version: 1, patient, accessionNumbers: [] },
    ...{ studyInstanceUIDs: [STUDY], status: 'final', issuedAt: AT, title: 'CT', author: null },
    ...{ text: 'Normal.', isCut: false, document: null },
  });
  const series = [
    { uid: `${STUDY}.1`, modality: 'CT', number: 1, description: 'Thorax', instances: 300 },
  ];
  seedStudy(db, { trust: 'RJE', uid: STUDY, patientId: 'J7', isUnrelated: true, series });
  if (isRelated) putOnList(db, 'RRK', { trust: 'RJE', patientId: 'J7', issuer: 'RJE' });
  const openedAt = new Date(Date.now() - (isEnded ? 5 : 1) * 3_600_000).toISOString();
  const until = new Date(Date.parse(openedAt) + 4 * 3_600_000).toISOString();
  if (isGlass)
    applyGlass(db, {
      ...{ id: 'g1', streamSeq: 1, at: AT },
      body: {
        ...{ v: 1, id: 'g1', by: ASKERS.other, patients: ['RJE/RJE/J7'], holders: ['RJE'] },
        ...{ reason: 'emergency', words: 'Collapsed', openedAt, until, reviews: [] },
      },
    });
  if (level === undefined) return;
  const ofPatient = { patientId: 'J7', issuer: 'RJE' };
  const subject = { trust: 'RJE', patient: ofPatient, studyInstanceUID: null };
  const body = { v: 1, ...subject, level, kind: 'prison', reason: 'r', by: 'b', at: AT };
  applyRestriction(db, { id: restrictionId(subject), streamSeq: 1, at: AT, body });
}

const isMachine = (asker: Asker): boolean => !('method' in ASKERS[asker]);

async function ask(hub: FakeHub, [address, path]: readonly string[], asker: Asker) {
  const [method = 'GET'] = (address ?? '').split(' ');
  const isForm = path?.startsWith('/studies') === true;
  const trust = ASKERS[asker].trust ?? 'RRK';
  const order = { studyInstanceUID: STUDY, to: { trust }, priority: 'urgent', purpose: 'care' };
  const form = new URLSearchParams({ home: 'RJE', to: trust, priority: 'urgent', purpose: 'MDT' });
  const answer = await fetch(hub.url + path, {
    ...{ method, redirect: 'manual' },
    headers: {
      ...(isMachine(asker)
        ? { authorization: `Bearer ${asker}` }
        : { cookie: `cdip-session=${asker}` }),
      ...(method === 'POST' && !isForm ? { 'content-type': 'application/json' } : {}),
    },
    ...(method === 'GET' ? {} : { body: isForm ? form : JSON.stringify(order) }),
  });
  return { status: answer.status, text: await answer.text() };
}

/** What is not shown must not stand in any answer, in no form. */
const TELLTALE = new RegExp(`${STUDY.replaceAll('.', '\\.')}|Normal\\.|SMITH|J7`);

const principals = new Map<string, Principal>(Object.entries(ASKERS));

t.test('every address of a study, a report or a patient has its row', async (t) => {
  const hub = await startFakeHub({ principals });
  t.teardown(() => hub.stop());
  const of = hub.routes.filter((route) => /:(uid|study|nhsNumber|reportId)\b/.test(route));
  const rows = TABLE.map(([address]) => address);
  t.strictSame(
    of.filter(
      (route) => !route.startsWith('HEAD ') && !NOBODYS.test(route) && !rows.includes(route),
    ),
    [],
  );
});

for (const [what, known, shownTo] of CASES)
  t.test(`${what}: shown to ${shownTo.join(', ') || 'nobody'}`, async (t) => {
    const hub = await startFakeHub({ principals });
    t.teardown(() => hub.stop());
    seed(hub, known);
    for (const [address, path, by, role] of TABLE)
      for (const asker of Object.keys(ASKERS) as Asker[]) {
        const { status, text } = await ask(hub, [address, path], asker);
        const isRefused = status === 403 || status === 404;
        const isShown = by === 'body' ? text.includes(STUDY) : !isRefused;
        const told = `${address}: ${asker} (${status})`;
        // At home it is known of, and opened by emergency only.
        const mayAsk = role === undefined || ASKERS[asker].role === role;
        t.equal(isShown, mayAsk && shownTo.includes(asker), told);
        if (isShown || asker === 'own') continue;
        // What the asker sent comes back, as the UID to be opened.
        const echoed = new RegExp(`value="[^"]*"|"studyInstanceUID":"${STUDY}"\\}$`, 'g');
        const plain = text.replaceAll(echoed, '');
        t.notMatch(plain, TELLTALE, `${told} tells nothing of it`);
      }
    t.strictSame(hub.bugs, []);
  });

t.test('changes are told to whom they concern', async (t) => {
  const hub = await startFakeHub({ principals });
  t.teardown(() => hub.stop());
  seed(hub, { isSensitive: true });
  const parts = {
    projection: { db: hub.db },
    fetches: hub.fetches,
    disclosure: new Disclosure({ db: hub.db, clock: systemClock, config: ACCESS }),
  } as never;
  const told = (asker: Asker): boolean =>
    seenBy(parts, ASKERS[asker])({ kind: 'study', trust: 'RJE', studyInstanceUID: STUDY });
  t.strictSame((Object.keys(ASKERS) as Asker[]).filter(told), ['own']);
});
