/** Who marks which study for teaching, who is shown what of it, and what hides it. */
import { Readable } from 'node:stream';
import t, { type Test } from 'tap';
import type { Principal } from '../../../../hub/access/rules.ts';
import { type CallEdge, EdgeCallError } from '../../../../hub/dicomweb/call-edge.ts';
import { applyEvent } from '../../../../hub/projection/apply-event.ts';
import { prepareProjection } from '../../../../hub/projection/statements.ts';
import type { OrderedEvent } from '../../../../shared/contract/events.ts';
import { type FakeHub, startFakeHub } from './fake-hub.ts';
import { putOnList, seedStudy } from './seed-study.ts';

const STUDY = '1.2.7';
const AT = '2026-03-01T10:00:00.000Z';
const signedIn = (name: string, role: string, trust: string): Principal => ({
  ...{ name, role, trust, method: 'link', assurance: 1, authenticatedAt: Date.now() },
});
const principals = new Map<string, Principal>([
  ['ito', signedIn('Dr Ito', 'clinician', 'RRK')],
  ['osei', signedIn('Dr Osei', 'radiologist', 'RJE')],
  ['officer', signedIn('Officer', 'privacy', 'RXK')],
  ['booker', signedIn('Booker', 'booker', 'RJE')],
]);
const NOTE = { title: 'A fall', question: 'What is it?', answer: 'The falx.', keywords: ['head'] };

interface Answer {
  readonly status: number;
  readonly body: Record<string, unknown> & { id: string; code?: string };
}

async function world(t: Test, concerned = true, callEdge?: CallEdge) {
  const hub = await startFakeHub({ principals, ...(callEdge && { callEdge }) });
  t.teardown(() => hub.stop());
  seedStudy(hub.db, { trust: 'RJE', uid: STUDY, patientId: 'J7', isUnrelated: true });
  if (concerned) putOnList(hub.db, 'RRK', { trust: 'RJE', patientId: 'J7', issuer: 'RJE' });
  const call = async (as: string, method: string, path: string, body?: object): Promise<Answer> => {
    const answer = await fetch(hub.url + path, {
      ...{ method, redirect: 'manual' as const },
      headers: {
        cookie: `cdip-session=${as}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await answer.text();
    const isJson = /json/.test(answer.headers.get('content-type') ?? '');
    return { status: answer.status, body: isJson ? JSON.parse(text) : { text } };
  };
  const mark = (as: string, over: object = {}): Promise<Answer> =>
    call(as, 'POST', '/api/teaching', { studyInstanceUID: STUDY, ...NOTE, ...over });
  return { hub, call, mark };
}

/** As the home's edge tells it. */
function tell({ db }: FakeHub, caseId: string, over: object = {}): void {
  const event = {
    ...{ v: 1, at: AT, trust: 'RJE', epoch: 1, seq: 1, kind: 'teaching', caseId },
    ...{ state: 'published', reason: null, withheld: [] },
    study: {
      ...{ studyInstanceUID: '2.25.9', patientId: 'P9', studyDate: null, description: null },
      ...{ instances: 3, bytes: 9 },
      series: [
        {
          ...{ seriesInstanceUID: '2.25.91', modality: 'CT', seriesNumber: 1, description: null },
          ...{ bodyPart: 'HEAD', instances: 3, bytes: 9, setHash: 'a'.repeat(64) },
        },
      ],
    },
    ...over,
  };
  applyEvent(prepareProjection(db), event as OrderedEvent, AT);
}

t.test('whoever is shown a study may mark it, nobody else', async (t) => {
  const { mark, call } = await world(t, false);
  t.match(await mark('ito'), { status: 403, body: { code: 'RELATIONSHIP_NEEDED' } });
  t.match(await mark('officer'), { status: 403, body: { code: 'FORBIDDEN' } });
  t.match(await mark('osei'), { status: 202, body: { state: 'preparing', reason: null } });
  t.match(await call('booker', 'GET', '/api/teaching'), { status: 403 });
});

t.test(
  'a file is shown when its home published it, without its answer and its original',
  async (t) => {
    const { hub, mark, call } = await world(t);
    const { id } = (await mark('osei')).body;
    t.equal((await call('ito', 'GET', `/api/teaching/${id}`)).status, 404, 'not yet');
    t.equal((await call('osei', 'GET', `/api/teaching/${id}`)).status, 200, 'its author');
    tell(hub, id);
    const { status, body } = await call('ito', 'GET', `/api/teaching/${id}`);
    t.equal(status, 200);
    t.notMatch(JSON.stringify(body), /1\.2\.7|falx|SMITH|J7/);
    t.match((await call('ito', 'GET', `/api/teaching/${id}/answer`)).body, { answer: 'The falx.' });
    const page = await call('ito', 'GET', `/teaching/${id}`);
    t.notMatch(page.body['text'], /falx/);
    t.match((await call('ito', 'GET', `/teaching/${id}?answer=shown`)).body['text'], /falx/);
  },
);

t.test('a note that names the patient of any trust is refused', async (t) => {
  const { mark } = await world(t);
  for (const [over, what] of [
    [{ answer: 'Anna did well.' }, /answer would show a name/],
    [{ keywords: ['J7'] }, /keywords would show a number/],
    [{ title: 'Born 31 Jan 1958' }, /title would show the birth date/],
    [{ category: '943 476 5919' }, /category would show .*NHS number/],
  ] as const) {
    const { status, body } = await mark('ito', over);
    t.match({ status, code: body.code }, { status: 422, code: 'NOTE_NAMES_PATIENT' });
    t.match(body['detail'], what);
  }
});

t.test('an emergency is no ground for teaching', async (t) => {
  const { mark, call } = await world(t, false);
  const why = { reason: 'emergency', words: 'Collapsed in the waiting room' };
  await call('ito', 'POST', '/api/break-glass', { studyInstanceUID: STUDY, ...why });
  t.match(await mark('ito'), { status: 403, body: { code: 'TEACHING_FORBIDDEN' } });
});

t.test('what the home restricts or takes back is hidden at once', async (t) => {
  const { hub, mark, call } = await world(t);
  const { id } = (await mark('osei')).body;
  tell(hub, id);
  const status = async (): Promise<number> =>
    (await call('ito', 'GET', `/api/teaching/${id}`)).status;
  const total = async (): Promise<unknown> =>
    (await call('ito', 'GET', '/api/teaching')).body['total'];
  t.same([await status(), await total()], [200, 1]);
  for (const [put, drop] of [
    [
      `INSERT INTO restrictions VALUES ('r1', 'RJE', 'J7', 'RJE', NULL, 'R', 1, '{}')`,
      'DELETE FROM restrictions',
    ],
    [
      `INSERT INTO patients VALUES ('RJE', 'J7', 'RJE', NULL, NULL, NULL, NULL, NULL, NULL, 0, 1, 0, NULL, NULL, '')`,
      'DELETE FROM patients',
    ],
    [`INSERT INTO withdrawn VALUES ('${STUDY}', 'RJE', '${AT}')`, 'DELETE FROM withdrawn'],
  ] as const) {
    hub.db.exec(put);
    t.same([await status(), await total()], [404, 0], put);
    t.equal((await call('ito', 'GET', '/teaching/dicom-web/studies/2.25.9/metadata')).status, 404);
    hub.db.exec(drop);
    t.equal(await status(), 200);
  }
});

t.test(
  'its author and privacy officers withdraw it; a page has its form for them alone',
  async (t) => {
    const { hub, mark, call } = await world(t);
    for (const by of ['osei', 'officer']) {
      const { id } = (await mark('osei')).body;
      tell(hub, id);
      t.match(await call('ito', 'DELETE', `/api/teaching/${id}`), {
        ...{ status: 403, body: { code: 'TEACHING_FORBIDDEN' } },
      });
      t.notMatch((await call('ito', 'GET', `/teaching/${id}`)).body['text'], /Withdraw it/);
      t.match((await call(by, 'GET', `/teaching/${id}`)).body['text'], /Withdraw it/);
      const ended = await call(by, 'DELETE', `/api/teaching/${id}`, { reason: 'A better one' });
      t.match(ended, { status: 200, body: { state: 'withdrawn', studyInstanceUID: null } });
      t.equal((await call('ito', 'GET', `/api/teaching/${id}`)).status, 404);
      t.match(await call(by, 'DELETE', `/api/teaching/${id}`), { status: 409 });
    }
  },
);

t.test('that a patient has the S-flag is told to privacy officers alone', async (t) => {
  const { hub, mark, call } = await world(t);
  const { id } = (await mark('osei')).body;
  const reason = { code: 'SENSITIVE_PATIENT', detail: 'an S-flagged patient: no secondary use' };
  tell(hub, id, { state: 'held', reason, study: null });
  t.match((await call('osei', 'GET', `/api/teaching/${id}`)).body, {
    ...{ state: 'held', reason: { code: 'RESTRICTED' } },
  });
  t.match((await call('officer', 'GET', `/api/teaching/${id}`)).body, { reason });
  t.match((await call('officer', 'GET', '/api/teaching?state=pending')).body, { total: 1 });
  t.match((await call('ito', 'GET', '/api/teaching?state=pending')).body, { total: 0 });
});

t.test(
  'of a study that two trusts made the same of, the first is shown, and the other while it is away',
  async (t) => {
    const away = new Set<string>();
    const asked: string[] = [];
    const { hub, mark, call } = await world(t, true, async ({ trust }) => {
      asked.push(trust);
      if (away.has(trust)) throw new EdgeCallError('EDGE_UNREACHABLE', 'away');
      return { status: 200, headers: {}, body: Readable.from([Buffer.from(trust)]) };
    });
    seedStudy(hub.db, { trust: 'RRK', uid: STUDY, patientId: 'K7' });
    const first = (await mark('osei', { home: 'RJE' })).body.id;
    const second = (await mark('ito', { home: 'RRK' })).body.id;
    tell(hub, second, { trust: 'RRK' });
    tell(hub, first);
    const path = '/teaching/dicom-web/studies/2.25.9/metadata';
    t.equal((await call('ito', 'GET', path)).body['text'], 'RJE');
    away.add('RJE');
    t.equal((await call('ito', 'GET', path)).body['text'], 'RRK');
    t.strictSame(asked, ['RJE', 'RJE', 'RRK']);
    t.equal((await call('osei', 'DELETE', `/api/teaching/${first}`)).body['state'], 'withdrawn');
    t.equal((await call('ito', 'GET', path)).body['text'], 'RRK', 'the second is the first now');
    t.strictSame(asked.slice(3), ['RRK']);
  },
);
