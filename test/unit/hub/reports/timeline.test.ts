import t from 'tap';
import { applyIdentityDecision } from '../../../../hub/identity/decisions.ts';
import { keyText } from '../../../../hub/identity/identities.ts';
import { openReviews } from '../../../../hub/identity/reviews.ts';
import { applyEvent } from '../../../../hub/projection/apply-event.ts';
import { projectionSchema } from '../../../../hub/projection/schema.ts';
import { prepareProjection } from '../../../../hub/projection/statements.ts';
import { reportsFor } from '../../../../hub/reports/of-study.ts';
import { findReport } from '../../../../hub/reports/reports.ts';
import { timelineOf } from '../../../../hub/reports/timeline.ts';
import { findStudy } from '../../../../hub/search/study.ts';
import type { OrderedEvent } from '../../../../shared/contract/events.ts';
import { openSqlite, type Sqlite } from '../../../../shared/sqlite/open.ts';
import { seedStudy } from '../http/seed-study.ts';

const AT = '2026-03-01T10:00:00.000Z';
const NHS = '9434765919';
const PAGE = { limit: 50, offset: 0 };
const ANNA = {
  patientId: '12345',
  issuer: 'RRK',
  nhsNumber: NHS,
  name: 'SMITH^ANNA',
  birthDate: '19580131',
  sex: 'F',
};

function world(): { db: Sqlite; tell: (trust: string, event: object) => void } {
  const db = openSqlite(':memory:', projectionSchema);
  const statements = prepareProjection(db);
  let seq = 0;
  return {
    db,
    tell(trust, event) {
      seq += 1;
      applyEvent(statements, { v: 1, at: AT, trust, epoch: 1, seq, ...event } as OrderedEvent, AT);
    },
  };
}

const patient = (over: object = {}, more: object = {}): object => ({
  ...{ kind: 'patient', patient: { ...ANNA, ...over }, nhsNumberStatus: '01', postcode: 'B15 2GW' },
  ...{ deceased: false, restricted: false, deleted: false, mergedInto: null, asOf: AT, ...more },
});
const report = (over: object = {}, of: object = {}): object => ({
  ...{
    kind: 'report',
    reportId: 'R1',
    version: 1,
    patient: { ...ANNA, ...of },
    accessionNumbers: ['1001'],
  },
  ...{
    studyInstanceUIDs: [],
    status: 'final',
    issuedAt: AT,
    title: 'CT',
    author: null,
    text: 'Normal.',
  },
  ...{ isCut: false, document: null, ...over },
});
const pageOf = (db: Sqlite) => timelineOf(db, NHS, PAGE);

t.test('what several trusts have of one person stands together', async (t) => {
  const { db, tell } = world();
  tell('RRK', patient());
  tell('RJE', patient({ patientId: 'J7', issuer: 'RJE' }, { nhsNumberStatus: '02' }));
  tell('RJE', report({}, { patientId: 'J7', issuer: 'RJE' }));
  seedStudy(db, { trust: 'RRK', uid: '1.2.1', patientId: '12345', nhsNumber: null });
  const { persons, reports, studies } = pageOf(db);
  t.equal(persons.length, 1);
  t.match(
    persons[0]?.members.map(({ trust, by }) => `${trust} ${by}`),
    ['RRK self', 'RJE B'],
  );
  t.match(reports, [{ trust: 'RJE', text: 'Normal.', person: 0 }]);
  t.match(
    studies,
    [{ studyInstanceUID: '1.2.1', person: 0 }],
    'also one whose images name no number',
  );
});

t.test('the same local number and accession at two trusts are two people', async (t) => {
  const { db, tell } = world();
  tell('RRK', patient());
  tell(
    'RJE',
    patient({
      issuer: 'RJE',
      nhsNumber: '4010232137',
      name: 'JONES^PETER',
      sex: 'M',
      birthDate: '19610302',
    }),
  );
  tell('RRK', report({ text: 'Of Anna.' }));
  tell('RJE', report({ text: 'Of Peter.' }, { issuer: 'RJE', nhsNumber: '4010232137' }));
  seedStudy(db, { trust: 'RRK', uid: '1.2.1001', patientId: '12345', accession: '1001' });
  seedStudy(db, {
    trust: 'RJE',
    uid: '1.2.2001',
    patientId: '12345',
    nhsNumber: '4010232137',
    accession: '1001',
  });
  const { persons, reports, studies } = pageOf(db);
  t.equal(persons.length, 1);
  t.strictSame(
    reports.map(({ text }) => text),
    ['Of Anna.'],
  );
  t.strictSame(
    studies.map(({ home }) => home),
    ['RRK'],
  );
  const textsOf = (uid: string) =>
    findStudy(db, uid)
      .flatMap((study) => reportsFor(db, study))
      .map(({ text }) => text);
  t.strictSame(textsOf('1.2.1001'), ['Of Anna.']);
  t.strictSame(textsOf('1.2.2001'), ['Of Peter.']);
});

t.test(
  "an accession number that another of the trust's patients has brings no report",
  async (t) => {
    const { db, tell } = world();
    tell('RRK', report({}, { patientId: 'OTHER', nhsNumber: null }));
    seedStudy(db, { trust: 'RRK', uid: '1.2.1001', patientId: '12345', accession: '1001' });
    t.strictSame(
      findStudy(db, '1.2.1001').flatMap((study) => reportsFor(db, study)),
      [],
    );
  },
);

t.test(
  'a doubt keeps two apart until a person decides, and again when that is undone',
  async (t) => {
    const { db, tell } = world();
    tell('RRK', patient());
    tell('RJE', patient({ patientId: 'J7', issuer: 'RJE', birthDate: '19580113' }));
    t.equal(pageOf(db).persons.length, 2);
    const { reviews } = openReviews(db, PAGE);
    t.match(reviews, [{ reasons: ['NHS_NUMBER_EQUAL'], a: { trust: 'RJE' }, b: { trust: 'RRK' } }]);
    const [a, b] = [reviews[0]?.a, reviews[0]?.b].map((one) => one && keyText(one));
    const decide = (decision: string, streamSeq: number): void =>
      void applyIdentityDecision(db, {
        body: { v: 1, a, b, decision, by: 'Dr', reason: 'seen', at: AT },
        streamSeq,
      });
    decide('same', 1);
    t.match(pageOf(db).persons, [{ members: [{ by: 'self' }, { by: 'person' }] }]);
    t.equal(openReviews(db, PAGE).total, 0);
    decide('undone', 2);
    t.equal(pageOf(db).persons.length, 2);
    t.equal(openReviews(db, PAGE).total, 1);
  },
);

t.test(
  'a merge of the trust brings the former number along, an unmerge takes it away',
  async (t) => {
    const { db, tell } = world();
    const former = { patientId: 'OLD', nhsNumber: null, birthDate: null, name: null };
    tell('RRK', patient());
    tell('RRK', patient(former, { mergedInto: { patientId: '12345', issuer: 'RRK' } }));
    seedStudy(db, { trust: 'RRK', uid: '1.2.9', patientId: 'OLD', nhsNumber: null });
    t.match(pageOf(db).studies, [{ studyInstanceUID: '1.2.9', person: 0 }]);
    tell('RRK', patient(former));
    t.strictSame(pageOf(db).studies, []);
  },
);

t.test(
  'the version in force is shown, a withdrawn report as a tombstone without its texts',
  async (t) => {
    const { db, tell } = world();
    tell(
      'RRK',
      report({
        version: 2,
        status: 'corrected',
        issuedAt: '2026-03-02T10:00:00.000Z',
        text: 'A nodule.',
      }),
    );
    tell('RRK', report());
    t.match(findReport(db, 'RRK', 'R1'), {
      status: 'corrected',
      text: 'A nodule.',
      earlier: [{ text: 'Normal.' }],
    });
    tell(
      'RRK',
      report({ version: 3, status: 'withdrawn', issuedAt: '2026-03-03T10:00:00.000Z', text: '' }),
    );
    t.match(findReport(db, 'RRK', 'R1'), {
      status: 'withdrawn',
      text: null,
      earlier: [{ text: null }, { text: null }],
    });
  },
);

t.test('where somebody must not be found, no place of an order is told', async (t) => {
  const { db, tell } = world();
  const order = {
    ...{
      kind: 'order',
      orderId: 'O1',
      patient: ANNA,
      accessionNumber: 'O1',
      accessionIssuer: null,
    },
    ...{
      placerNumber: null,
      fillerNumber: null,
      status: 'scheduled',
      procedure: null,
      modality: 'CT',
    },
    ...{ priority: null, scheduledAt: AT, requestedAt: null, referrer: 'Gp^A', location: 'RRK01' },
    ...{ reason: null, studyInstanceUID: null, asOf: AT },
  };
  tell('RRK', patient());
  tell('RRK', order);
  t.match(pageOf(db).orders, [{ location: 'RRK01', referrer: 'Gp^A', person: 0 }]);
  tell('RRK', patient({}, { restricted: true, postcode: null }));
  t.match(pageOf(db).orders, [{ location: null, referrer: null }]);
});
