/** What makes a trust concerned with a patient of another one, from what trusts tell and what is decided here. */
import t from 'tap';
import type { Principal } from '../../../../hub/access/rules.ts';
import { keyText } from '../../../../hub/identity/identities.ts';
import { applyEvent } from '../../../../hub/projection/apply-event.ts';
import { projectionSchema } from '../../../../hub/projection/schema.ts';
import { prepareProjection } from '../../../../hub/projection/statements.ts';
import { Disclosure } from '../../../../hub/relations/disclosure.ts';
import { disclosedTimeline } from '../../../../hub/relations/find-patient.ts';
import { findDisclosed } from '../../../../hub/relations/find-studies.ts';
import { applyGlass } from '../../../../hub/relations/glass.ts';
import {
  applyRestriction,
  isStudyRestricted,
  restrictionId,
} from '../../../../hub/relations/restrictions.ts';
import { findStudy } from '../../../../hub/search/study.ts';
import { rfc3339 } from '../../../../shared/clock.ts';
import type { OrderedEvent } from '../../../../shared/contract/events.ts';
import { openSqlite } from '../../../../shared/sqlite/open.ts';
import { ACCESS } from '../http/fake-hub.ts';
import { seedStudy } from '../http/seed-study.ts';

const NOW = Date.parse('2026-03-10T10:00:00Z');
const AT = '2026-03-01T10:00:00.000Z';
const DAY = 86_400_000;
const NHS = '9434765919';
const STUDY = '1.2.7';
const at = (days: number): string => new Date(NOW + days * DAY).toISOString();
const ANNA = { nhsNumber: NHS, name: 'SMITH^ANNA', birthDate: '19580131', sex: 'F' };
const ITO: Principal = {
  ...{ name: 'Dr Ito', role: 'clinician', trust: 'RRK', method: 'password', assurance: 2 },
};
const KEY: Principal = { name: 'reporting', role: 'clinician', trust: null };
const PAGE = { limit: 50, offset: 0 };

/** Anna is known at RRK as 1 and at RJE as J7, where her CT was made; both tell her NHS number. */
function world(config: Partial<typeof ACCESS | { workstations: 'relationship' }> = {}) {
  const db = openSqlite(':memory:', projectionSchema);
  const statements = prepareProjection(db);
  let seq = 0;
  const tell = (trust: string, event: object): void => {
    seq += 1;
    applyEvent(statements, { v: 1, at: AT, trust, epoch: 1, seq, ...event } as OrderedEvent, AT);
  };
  const patient = (trust: string, patientId: string, over: object = {}): void =>
    tell(trust, {
      ...{ kind: 'patient', patient: { ...ANNA, patientId, issuer: trust }, nhsNumberStatus: '01' },
      ...{ postcode: null, deceased: false, restricted: false, deleted: false },
      ...{ mergedInto: null, asOf: AT, ...over },
    });
  patient('RRK', '1');
  patient('RJE', 'J7');
  seedStudy(db, { trust: 'RJE', uid: STUDY, patientId: 'J7', isUnrelated: true });
  const clock = { now: () => NOW, monotonicMs: () => NOW };
  const disclosure = new Disclosure({ db, clock, config: { ...ACCESS, ...config } });
  const basis = (asker: Principal = ITO, uid = STUDY): string => {
    const [study] = findStudy(db, uid);
    if (study === undefined) return 'no such study';
    const decision = disclosure.to(asker).study(study);
    return decision.kind === 'shown' ? decision.basis : `- ${decision.why}`;
  };
  const search = (asker: Principal = ITO, query: object = { nhsNumber: NHS }) =>
    findDisclosed(db, disclosure.to(asker), { query, page: PAGE });
  return { db, tell, patient, disclosure, basis, search };
}

const AT_RRK = { patient: { ...ANNA, patientId: '1', issuer: 'RRK' } };
const order = (status: string, days: number, over: object = {}): object => ({
  ...{ kind: 'order', orderId: 'A1', ...AT_RRK, accessionNumber: 'A1', accessionIssuer: null },
  ...{ placerNumber: null, fillerNumber: null, status, procedure: null, modality: 'CT' },
  ...{ priority: null, scheduledAt: at(days), requestedAt: null, referrer: null, location: null },
  ...{ reason: null, studyInstanceUID: null, asOf: AT, ...over },
});
const appointment = (status: string, days: number): object => ({
  ...{ kind: 'appointment', appointmentId: 'B1', ...AT_RRK, status, startsAt: at(days) },
  ...{ minutes: 20, procedure: null, resource: null, location: null, asOf: AT },
  ...{ placerNumber: null, fillerNumber: null },
});

t.test('an own record of the patient alone shows nothing of other trusts', async (t) => {
  const { basis } = world();
  t.equal(basis(), '- relationship');
  t.equal(basis({ ...ITO, trust: 'RJE' }), 'own record of RJE');
  t.equal(basis({ ...ITO, trust: null }), '- relationship', 'people of the network too');
  t.equal(basis(KEY), 'account of the network');
});

t.test('an order of the trust does, while it is cared for', async (t) => {
  const outcomes: [string, number, string][] = [
    ['requested', 14, 'order A1 of RRK'],
    ['scheduled', -200, 'order A1 of RRK'],
    ['in-progress', 0, 'order A1 of RRK'],
    ['completed', -80, 'order A1 of RRK'],
    ['completed', -100, '- relationship'],
    ['requested', -400, '- relationship'],
    ['cancelled', 14, '- relationship'],
  ];
  for (const [status, days, expected] of outcomes) {
    const { tell, basis } = world();
    tell('RRK', order(status, days));
    t.equal(basis(), expected, `${status}, ${days} days`);
    t.equal(
      basis({ ...ITO, trust: 'RXK' }),
      '- relationship',
      'it concerns the trust that has it, and no other',
    );
  }
});

t.test('an order of somebody who may be somebody else does not', async (t) => {
  const { tell, patient, basis } = world();
  const other = { ...ANNA, patientId: '1', issuer: 'RRK', birthDate: '19610131' };
  patient('RRK', '1', { patient: other });
  tell('RRK', order('scheduled', 1, { patient: other }));
  t.equal(basis(), '- relationship');
});

t.test('an appointment does, until it is cancelled or missed', async (t) => {
  for (const [status, expected] of [
    ['booked', 'appointment B1 of RRK'],
    ['attended', 'appointment B1 of RRK'],
    ['cancelled', '- relationship'],
    ['missed', '- relationship'],
  ] as const) {
    const { tell, basis } = world();
    tell('RRK', appointment(status, -1));
    t.equal(basis(), expected, status);
  }
});

t.test(
  'an admission does, until care after it is over, and not when it is taken back',
  async (t) => {
    for (const [status, days, expected] of [
      ['open', null, 'admission V1 of RRK'],
      ['planned', null, 'admission V1 of RRK'],
      ['ended', -30, 'admission V1 of RRK'],
      ['ended', -100, '- relationship'],
      ['cancelled', null, '- relationship'],
    ] as const) {
      const { tell, basis } = world();
      tell('RRK', {
        ...{ kind: 'encounter', encounterId: 'V1', ...AT_RRK, status, patientClass: 'I' },
        ...{ beganAt: at(-120), endedAt: days === null ? null : at(days), asOf: AT },
      });
      t.equal(basis(), expected, `${status} ${days}`);
    }
  },
);

t.test('a fetch under way does, but not one that stands on an emergency access', async (t) => {
  for (const [basisOfFetch, expected] of [
    ['account of the network', 'fetch F1 of RRK'],
    ['break-glass g1', '- relationship'],
  ]) {
    const { db, basis } = world();
    db.prepare('INSERT INTO fetches VALUES (?, 1, ?, ?, ?, ?, ?, 0, ?)').run(
      ...['F1', STUDY, 'RJE', 'RRK', 'RJE', at(-1), JSON.stringify({ basis: basisOfFetch })],
    );
    t.equal(basis(), expected);
    db.prepare(`INSERT INTO fetch_receipts VALUES ('F1', 'RRK', 'failed', ?, '{}')`).run(at(0));
    t.equal(basis(), '- relationship', 'nor one that is over');
  }
});

t.test('an emergency access does for four hours, whatever is done to the clock', async (t) => {
  const HOUR = 3_600_000;
  for (const [sinceHours, expected] of [
    [0, 'break-glass g1'],
    [3.99, 'break-glass g1'],
    [4, '- relationship'],
    // Opened in the future: the clock was set back since.
    [-1, '- relationship'],
    [-0.01, 'break-glass g1'],
  ] as const) {
    const { db, basis } = world();
    const opened = NOW - sinceHours * HOUR;
    const body = {
      ...{ v: 1, id: 'g1', by: { name: ITO.name, role: ITO.role, trust: ITO.trust } },
      patients: [keyText({ trust: 'RJE', patientId: 'J7', issuer: 'RJE' })],
      ...{ holders: ['RJE'], reason: 'emergency', words: '', reviews: [] },
      ...{ openedAt: rfc3339(opened), until: rfc3339(opened + 4 * HOUR) },
    };
    applyGlass(db, { id: 'g1', body, streamSeq: 1 } as never);
    t.equal(basis(), expected, `opened ${sinceHours} hours ago`);
  }
});

t.test('what is not shown is in no page and no total, and counted', async (t) => {
  const { db, search } = world();
  seedStudy(db, { trust: 'RRK', uid: '1.2.8', patientId: '1', isUnrelated: true });
  const { studies, total, withheld } = search();
  t.strictSame(
    studies.map(({ studyInstanceUID }) => studyInstanceUID),
    ['1.2.8'],
  );
  t.equal(total, 1);
  t.strictSame({ ...withheld }, { ...withheld, unrelated: 1, restricted: [] });
  t.equal(search(KEY).total, 2);
});

t.test('of a patient with the S-flag other trusts are told region and month', async (t) => {
  const { db, tell, patient, basis, search, disclosure } = world();
  tell('RRK', order('scheduled', 1));
  t.equal(basis(), 'order A1 of RRK');
  patient('RJE', 'J7', { restricted: true });
  t.equal(basis(), '- restricted');
  const { studies, withheld } = search();
  t.strictSame(studies, []);
  t.match(withheld, { unrelated: 0, restricted: [{ region: 'West Midlands', month: '2026-01' }] });
  t.equal(search(KEY).total, 0, 'nor the machines of the network');
  t.equal(search(KEY, {}).total, 0, 'nor in lists of whole trusts');
  t.equal(basis({ ...ITO, trust: 'RJE' }), 'own record of RJE, S-flag');
  const own = disclosedTimeline(db, disclosure.to(ITO), { nhsNumber: NHS, page: PAGE });
  t.strictSame(
    own.persons.flatMap(({ members }) => members.map(({ trust }) => trust)),
    ['RRK'],
    'where else the patient is known is a place',
  );
  t.equal(own.orders.length, 1);
});

t.test('the flag holds for a number of which it is only doubted whose it is', async (t) => {
  const { tell, patient, basis } = world();
  tell('RRK', order('scheduled', 1));
  const doubted = { ...ANNA, patientId: 'X', issuer: 'RXK', birthDate: '19000101' };
  patient('RXK', 'X', { patient: doubted, restricted: true });
  t.equal(basis(), '- restricted');
});

t.test('what a trust restricts stays there: R by emergency, V not at all', async (t) => {
  const { db, tell, basis, search } = world();
  tell('RRK', order('scheduled', 1));
  const restrict = (level: string, of: object): void => {
    const subject = { trust: 'RJE', patient: null, studyInstanceUID: null, ...of };
    const body = { v: 1, ...subject, level, kind: 'safeguarding', reason: 'r', by: 'b', at: AT };
    applyRestriction(db, { id: restrictionId(subject), streamSeq: 1, at: AT, body });
  };
  const ofStudy = { studyInstanceUID: STUDY };
  const ofPatient = { patient: { patientId: 'J7', issuer: 'RJE' } };
  for (const subject of [ofStudy, ofPatient]) {
    restrict('R', subject);
    t.equal(basis(), '- restricted');
    t.equal(basis({ ...ITO, trust: 'RJE' }), 'own record of RJE');
    restrict('V', subject);
    t.equal(basis(), '- hidden');
    t.equal(basis({ ...ITO, trust: 'RJE' }), '- restricted', 'its own people break the glass');
    t.match(search().withheld, { unrelated: 0, restricted: [] }, 'that there is one is not said');
    t.equal(search(KEY, {}).total, 0);
    restrict('N', subject);
    t.equal(basis(), 'order A1 of RRK');
  }
});

t.test('an order keeps its examination as close as it says', async (t) => {
  const { tell, basis, search } = world();
  tell('RRK', order('scheduled', 1));
  const atRje = { patient: { ...ANNA, patientId: 'J7', issuer: 'RJE' }, accessionNumber: 'A.2.7' };
  const levelled = (confidentiality: string): void =>
    tell('RJE', order('completed', -60, { ...atRje, orderId: 'J1', confidentiality }));
  levelled('R');
  t.equal(basis(), '- restricted');
  t.equal(search(KEY, {}).total, 0);
  levelled('V');
  t.equal(basis(), '- hidden');
  levelled('N');
  t.equal(basis(), 'order A1 of RRK');
  t.equal(search(KEY, {}).total, 1);
});

t.test('a study is kept as close as its own objects say, and its reports with it', async (t) => {
  const { db, tell, basis, search, disclosure } = world();
  tell('RRK', order('scheduled', 1));
  const report = {
    ...{ kind: 'report', version: 1, patient: { ...ANNA, patientId: 'J7', issuer: 'RJE' } },
    ...{ status: 'final', issuedAt: AT, title: 'CT', author: null, text: 'Normal.' },
    ...{ isCut: false, document: null },
  };
  tell('RJE', { ...report, reportId: 'R1', studyInstanceUIDs: [STUDY], accessionNumbers: [] });
  tell('RJE', { ...report, reportId: 'R2', studyInstanceUIDs: [], accessionNumbers: ['A.2.7'] });
  const reports = () =>
    disclosedTimeline(db, disclosure.to(ITO), { nhsNumber: NHS, page: PAGE }).reports.length;
  const says = (level: string | null) =>
    db.prepare('UPDATE studies SET level = ? WHERE study_uid = ?').run(level, STUDY);
  t.strictSame([basis(), search(KEY, {}).total, reports()], ['order A1 of RRK', 1, 2]);
  says('R');
  t.strictSame([basis(), search(KEY, {}).total, reports()], ['- restricted', 0, 0]);
  says('V');
  t.strictSame([basis(), reports()], ['- hidden', 0]);
  t.equal(isStudyRestricted(db, STUDY), true);
});

t.test('reports of a restricted study are restricted with it', async (t) => {
  const { db, tell, disclosure } = world();
  tell('RRK', order('scheduled', 1));
  const patient = { ...ANNA, patientId: 'J7', issuer: 'RJE' };
  const report = {
    ...{ kind: 'report', reportId: 'R1', version: 1, patient, accessionNumbers: [] },
    ...{ studyInstanceUIDs: [STUDY], status: 'final', issuedAt: AT, title: 'CT', author: null },
    ...{ text: 'Normal.', isCut: false, document: null },
  };
  tell('RJE', report);
  const reports = () =>
    disclosedTimeline(db, disclosure.to(ITO), { nhsNumber: NHS, page: PAGE }).reports.length;
  t.equal(reports(), 1);
  const subject = { trust: 'RJE', patient: null, studyInstanceUID: STUDY };
  const body = { v: 1, ...subject, level: 'R', kind: 'prison', reason: 'r', by: 'b', at: AT };
  applyRestriction(db, { id: restrictionId(subject), streamSeq: 1, at: AT, body });
  t.equal(reports(), 0);
});

t.test('a workstation is answered for by its trust, or only with a relationship', async (t) => {
  const decided = (workstations: 'trust' | 'relationship', related: boolean): string => {
    const { db, tell, disclosure } = world({ workstations });
    if (related) tell('RRK', order('scheduled', 1));
    const [study] = findStudy(db, STUDY);
    if (study === undefined) return '';
    const decision = disclosure.toWorkstation('RRK').study(study);
    return decision.kind === 'shown' ? decision.basis : `- ${decision.why}`;
  };
  t.equal(decided('trust', false), 'workstation of RRK');
  t.equal(decided('trust', true), 'order A1 of RRK');
  t.equal(decided('relationship', false), '- relationship');
  t.equal(decided('relationship', true), 'order A1 of RRK');
});
