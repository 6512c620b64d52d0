/**
 * What edge and hub say to each other, as it stands on the wire: messages of this version, written down.
 * A change that makes one of them unreadable breaks edges in the field.
 */
import t from 'tap';
import { CommandSchema } from '../../shared/contract/commands.ts';
import { EnrolReplySchema, EnrolRequestSchema } from '../../shared/contract/enrol.ts';
import { HealthEventSchema, OrderedEventSchema } from '../../shared/contract/events.ts';
import {
  AnchorsRequestSchema,
  CursorReplySchema,
  DirectorySchema,
  KeysReplySchema,
  KeysRequestSchema,
  TicketReplySchema,
} from '../../shared/contract/rpc.ts';
import {
  commandConsumer,
  commandSubject,
  edgeInboxPrefix,
  edgeStream,
  edgeStreamSubjects,
  edgeSubject,
  hubSubject,
  ODSCode,
  rpcSubject,
} from '../../shared/contract/subjects.ts';
import { TicketClaimsSchema } from '../../shared/contract/ticket.ts';

const AT = '2026-03-01T10:00:00.000Z';
const HASH = 'a'.repeat(64);
const ordered = { v: 1, at: AT, trust: 'RRK', epoch: 3, seq: 7 };
const head = { v: 1, id: 'c1', at: AT };

const study = {
  ...ordered,
  ...{ kind: 'study', rev: 2, studyInstanceUID: '2.999.1', home: 'RRK', deleted: false },
  patient: {
    ...{ patientId: '4711', issuer: 'RRK', nhsNumber: '9990000018', name: 'Bennett^Amara' },
    ...{ birthDate: '19580131', sex: 'F' },
  },
  ...{ quiet: true, studyDate: '20260301', studyTime: '101500', studyId: '1' },
  ...{ accessionNumber: 'A1', accessionIssuer: null, description: 'CT head' },
  ...{ referringPhysician: null, institution: 'RRK', instances: 36, bytes: 19_000_000 },
  ...{ setHash: HASH, conflicts: 0 },
  series: [
    {
      ...{ seriesInstanceUID: '2.999.1.1', modality: 'CT', seriesNumber: 1, description: null },
      ...{ bodyPart: 'HEAD', instances: 36, bytes: 19_000_000, setHash: HASH },
    },
  ],
};
const bucket = { day: '20260301', studies: 1, series: 1, instances: 36, digest: HASH };
const receipt = {
  ...ordered,
  ...{ kind: 'receipt', fetchId: 'f1', state: 'held' },
  reason: { code: 'PATIENT_NOT_FOUND', detail: 'name the local patient' },
  ...{ instances: { done: 36, expected: 36 }, bytes: { done: 1, expected: null } },
  ...{ etaSeconds: null, failures: [], localPatient: null, steps: [{ state: 'held', at: AT }] },
};
const { patient } = study;
const order = {
  ...ordered,
  ...{ kind: 'order', orderId: 'A1', patient, accessionNumber: 'A1', accessionIssuer: 'RIS' },
  ...{ placerNumber: 'P1', fillerNumber: null, status: 'scheduled', modality: 'CT' },
  procedure: { code: 'CSKUH', text: 'CT head', system: 'NICIP' },
  ...{ priority: 'R', scheduledAt: AT, requestedAt: null, referrer: 'Ref^Erer', location: null },
  ...{ reason: 'Fall', studyInstanceUID: '2.999.1', asOf: AT },
};
const report = {
  ...ordered,
  ...{ kind: 'report', reportId: 'R1', version: 2, patient, accessionNumbers: ['A1'] },
  ...{ studyInstanceUIDs: ['2.999.1'], status: 'corrected', issuedAt: AT, title: 'CT head' },
  ...{ author: 'Okafor^Ngozi', text: 'Normal.', isCut: false },
  document: { mediaType: 'application/pdf', bytes: 1_000 },
};
const appointment = {
  ...ordered,
  ...{ kind: 'appointment', appointmentId: 'B1', patient, status: 'booked', startsAt: AT },
  ...{ minutes: 20, procedure: null, resource: 'CT1', location: 'RRK01', asOf: AT },
  ...{ placerNumber: null, fillerNumber: null },
};
const appointmentOfSeveral = { ...appointment, resources: ['Radiographer 4', 'CT1', 'RRK01'] };
const encounter = {
  ...ordered,
  ...{ kind: 'encounter', encounterId: 'V1', patient, status: 'ended', patientClass: 'I' },
  ...{ beganAt: AT, endedAt: AT, asOf: AT },
};
const dose = {
  ...ordered,
  ...{ kind: 'dose', sopInstanceUID: '2.999.1.9', studyInstanceUID: '2.999.1' },
  ...{ accessionNumber: 'A1', modality: 'CT', device: 'CT1' },
  irradiations: [
    {
      ...{ eventUID: '2.999.1.9.1', startedAt: AT, protocol: 'Thorax', isLocaliser: false },
      ...{ ctdivolMGy: 8.4, dlpMGyCm: 310.5, dapGyCm2: null, referencePointMGy: null },
      ...{ fluoroSeconds: null, glandularMGy: 1.4, activityMBq: null },
    },
  ],
};
const knownPatient = {
  ...ordered,
  ...{ kind: 'patient', patient, nhsNumberStatus: '01', postcode: 'B15 2GW', deceased: false },
  ...{ restricted: false, deleted: false, asOf: AT },
  mergedInto: { patientId: '4712', issuer: 'RRK' },
};
const caseId = '6f9619ff-8b86-4d01-b42d-00cf4fc964ff';
const teaching = {
  ...ordered,
  ...{ kind: 'teaching', caseId, state: 'published', reason: null },
  withheld: [{ code: 'BURNED_IN', detail: 'says that text is burnt in', objects: 2 }],
  study: {
    ...{ studyInstanceUID: '2.25.1', patientId: 'P1', studyDate: null, description: null },
    ...{ instances: 36, bytes: 19_000_000, series: study.series },
  },
};
const teachCommand = {
  ...{ ...head, kind: 'teach', caseId, studyInstanceUID: '2.999.1' },
  note: {
    title: 'A fall',
    question: 'What is it?',
    answer: 'The falx.',
    keywords: ['head'],
    category: null,
  },
};
const fetchCommand = {
  ...head,
  ...{ kind: 'fetch', fetchId: 'f1', studyInstanceUID: '2.999.1', home: 'RRK' },
  ...{ source: { trust: 'RRK', url: 'http://10.0.0.1:8080' }, ticket: 'x.y.z' },
  ...{ priority: 'urgent', expected: { instances: 36, bytes: 1 }, deliver: true },
};

const EDGE_KEY = `U${'A'.repeat(55)}`;

const READABLE: readonly (readonly [
  what: string,
  schema: { parse(raw: unknown): unknown },
  raw: object,
])[] = [
  ['a study', OrderedEventSchema, study],
  [
    'a study whose performed steps were told',
    OrderedEventSchema,
    { ...study, performed: { startedAt: AT, endedAt: null } },
  ],
  ['a study that its objects restrict', OrderedEventSchema, { ...study, confidentiality: 'R' }],
  [
    'a study of which objects were rejected',
    OrderedEventSchema,
    { ...study, rejected: [{ code: '113038', instances: 2, at: AT }] },
  ],
  ['a digest', OrderedEventSchema, { ...ordered, kind: 'digest', whole: true, buckets: [bucket] }],
  [
    'a digest with members',
    OrderedEventSchema,
    {
      ...{ ...ordered, kind: 'digest', whole: false, buckets: [bucket] },
      members: [{ day: 'undated', studies: [{ studyInstanceUID: '2.999.1', home: 'RJE' }] }],
    },
  ],
  ['a receipt', OrderedEventSchema, receipt],
  ['a patient', OrderedEventSchema, knownPatient],
  ['an order', OrderedEventSchema, order],
  ['a version of a report', OrderedEventSchema, report],
  ['an appointment', OrderedEventSchema, appointment],
  ['an appointment of several resources', OrderedEventSchema, appointmentOfSeveral],
  ['an admission', OrderedEventSchema, encounter],
  ['a radiation dose report', OrderedEventSchema, dose],
  ['a teaching file', OrderedEventSchema, teaching],
  [
    'a teaching file that is held',
    OrderedEventSchema,
    { ...teaching, state: 'held', reason: { code: 'WITHHELD', detail: 'x' }, study: null },
  ],
  ['a study for teaching', CommandSchema, teachCommand],
  [
    'a teaching file that is withdrawn',
    CommandSchema,
    { ...head, kind: 'withdraw-teaching', caseId },
  ],
  ['an order that was overtaken', OrderedEventSchema, { ...order, overtaken: true }],
  ['an appointment that was overtaken', OrderedEventSchema, { ...appointment, overtaken: true }],
  ['a restricted order', OrderedEventSchema, { ...order, confidentiality: 'R' }],
  ['a fetch', CommandSchema, fetchCommand],
  ['a fetch of some series', CommandSchema, { ...fetchCommand, seriesInstanceUIDs: ['2.999.1.1'] }],
  ['a cancel', CommandSchema, { ...head, kind: 'cancel', fetchId: 'f1' }],
  [
    'a patient',
    CommandSchema,
    { ...head, kind: 'name-patient', fetchId: 'f1', localPatient: { patientId: '1' } },
  ],
  [
    'a report that goes with a copy',
    CommandSchema,
    {
      ...{ ...head, kind: 'report', studyInstanceUID: '2.999.1', home: 'RJE' },
      report: {
        ...{
          trust: 'RJE',
          trustName: 'Trust RJE',
          reportId: 'R1',
          version: 2,
          status: 'withdrawn',
        },
        ...{ issuedAt: AT, title: null, author: null, text: null, isCut: false },
        hasDocument: true,
      },
    },
  ],
  [
    'a withdrawal',
    CommandSchema,
    { ...head, kind: 'withdraw', studyInstanceUID: '2.999.1', home: 'RJE' },
  ],
  ['tell again', CommandSchema, { ...head, kind: 'reannounce', days: ['20260301', 'undated'] }],
  [
    'a configuration',
    CommandSchema,
    {
      ...{ ...head, kind: 'configure', version: 3, returnSeconds: 180 },
      changes: { retrieve: { stallSeconds: 60 }, worklist: null },
    },
  ],
  ['that the network has changed', CommandSchema, { ...head, kind: 'directory' }],
  ['the keys of an edge', KeysRequestSchema, { current: EDGE_KEY, next: EDGE_KEY }],
  ['when its key ends', KeysReplySchema, { endsAt: AT, at: AT, certificate: 'x', authority: 'y' }],
  [
    'the ends of audit trails',
    AnchorsRequestSchema,
    { own: null, kept: [{ seq: 3, digest: 'a'.repeat(64), at: AT, jws: 'x' }] },
  ],
  [
    'a build',
    CommandSchema,
    {
      ...{ ...head, kind: 'upgrade', rollout: 3, attempt: 1, version: '1.2.0~rc1', sha256: HASH },
      ...{ bytes: 60_000_000, signature: `${'A'.repeat(86)}==` },
    },
  ],
  [
    'a support bundle',
    CommandSchema,
    {
      ...{ ...head, kind: 'support-bundle', bundle: '6f9619ff-8b86-4d01-b42d-00cf4fc964ff' },
      ...{ askedBy: 'anna', reason: 'its disk is slow', ticket: 'x.y.z' },
    },
  ],
  ['a build taken back', CommandSchema, { ...head, kind: 'withdraw-upgrade', rollout: 3 }],
  ['a cursor', CursorReplySchema, { cursor: { epoch: 1, seq: 2 }, caughtUp: true }],
  ['no cursor', CursorReplySchema, { cursor: null, caughtUp: false }],
  ['a ticket', TicketReplySchema, { ticket: 'x', source: { trust: 'RRK', url: 'http://h:1' } }],
  ['no ticket', TicketReplySchema, { error: { code: 'FETCH_ENDED', detail: 'over' } }],
  [
    'the claims of a ticket',
    TicketClaimsSchema,
    {
      ...{ aud: 'RRK', sub: 'RJE', study: '2.999.1', home: 'RRK', fetch: 'f1' },
      cnf: { nkey: EDGE_KEY },
    },
  ],
  [
    'the directory',
    DirectorySchema,
    { trusts: [{ ods: 'RRK', name: 'X', httpUrl: null }], ticketKeys: { keys: [{ kty: 'OKP' }] } },
  ],
  [
    'an enrolment',
    EnrolRequestSchema,
    {
      ...{ token: 't', trust: 'RRK', httpUrl: 'http://127.0.0.1:8080', version: '0.1.0' },
      natsPublicKey: `U${'A'.repeat(55)}`,
    },
  ],
  [
    'its answer',
    EnrolReplySchema,
    {
      ...{ trust: 'RRK', hubUrl: 'http://hub:8000', natsUrl: 'nats://hub:4222' },
      directory: { trusts: [], ticketKeys: { keys: [] } },
    },
  ],
  [
    'a heartbeat',
    HealthEventSchema,
    {
      ...{ v: 1, at: AT, trust: 'RRK', kind: 'health', version: '0.1.0', startedAt: AT },
      ...{ httpUrl: 'http://h:1', epoch: 1, lastSeq: 9, committedSeq: 9 },
      ...{ outbox: { waiting: 0, oldestSeconds: 0 }, quarantined: 0, conflicts: 0 },
      ...{ otherPatient: 0, ready: true },
      upgrade: {
        ...{ rollout: 3, attempt: 1, version: '1.2.0', state: 'returned', at: AT },
        reason: { code: 'NOT_READY', detail: 'the new build is not ready' },
      },
      ...{ index: { studies: 1, series: 1, instances: 1 }, associations: 0, fetches: 0 },
      disk: { freeBytes: 1, reserveBytes: 1 },
    },
  ],
];

t.test(
  'messages of this version are read, and fields that are not known passed over',
  async (t) => {
    for (const [what, schema, raw] of READABLE) {
      t.strictSame(schema.parse(raw), raw, what);
      t.doesNotThrow(() => schema.parse({ ...raw, addedLater: { x: 1 } }), `${what}, and more`);
    }
  },
);

t.test('what is none of them is refused', async (t) => {
  const refused = (raw: object): boolean => !OrderedEventSchema.safeParse(raw).success;
  t.ok(refused({ ...study, v: 2 }), 'another version');
  t.ok(refused({ ...study, kind: 'gossip' }), 'another kind');
  t.ok(refused({ ...study, seq: 0 }), 'no place in the order');
  t.ok(refused({ ...study, setHash: 'x' }), 'a digest that is none');
  t.ok(refused({ ...study, patient: { ...study.patient, nhsNumber: '123' } }), 'no NHS number');
  t.notOk(CommandSchema.safeParse({ ...fetchCommand, priority: 'now' }).success);
});

t.test('the names of subjects and streams', async (t) => {
  t.equal(edgeSubject('RRK', 'study'), 'cdip.edge.RRK.study');
  t.equal(edgeStream('RRK'), 'EDGE_RRK');
  t.notOk(edgeStreamSubjects('RRK').includes('cdip.edge.RRK.health'), 'health has its own stream');
  t.equal(commandSubject('RRK'), 'cdip.command.RRK');
  t.equal(commandConsumer('RRK'), 'edge_RRK');
  t.equal(rpcSubject('RRK', 'cursor'), 'cdip.rpc.RRK.cursor');
  t.equal(hubSubject('fetch', 'f1'), 'cdip.hub.fetch.f1');
  t.equal(edgeInboxPrefix('RRK'), '_INBOX_RRK');
  // One token of a subject, whatever is configured.
  for (const ods of ['rrk', 'R.K', 'RRK>', '*', '', 'TOOLONGODS'])
    t.notOk(ODSCode.safeParse(ods).success, ods);
});

t.test('a fetch of an older hub, which says nothing of it, is delivered', async (t) => {
  const { deliver: _, ...older } = fetchCommand;
  t.match(CommandSchema.parse(older), { deliver: true });
});
