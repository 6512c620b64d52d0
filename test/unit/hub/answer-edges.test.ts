/** What a trust's workstations are told of other trusts' studies, by the edge that asks for them. */
import t from 'tap';
import { answerEdges } from '../../../hub/answer-edges.ts';
import { projectionSchema } from '../../../hub/projection/schema.ts';
import { Disclosure } from '../../../hub/relations/disclosure.ts';
import type { AuditEntry } from '../../../shared/audit/entry.ts';
import { systemClock } from '../../../shared/clock.ts';
import type { QueryReply } from '../../../shared/contract/rpc.ts';
import { openSqlite } from '../../../shared/sqlite/open.ts';
import { ACCESS } from './http/fake-hub.ts';
import { seedStudy } from './http/seed-study.ts';

const STUDY = '1.2.7';
type Ask = (ods: string, request: unknown) => Promise<unknown>;

function world() {
  const db = openSqlite(':memory:', projectionSchema);
  seedStudy(db, { trust: 'RJE', uid: STUDY, patientId: 'J7', isUnrelated: true });
  const answers = new Map<string, Ask>();
  const trail: AuditEntry[] = [];
  const ordered: unknown[] = [];
  const parts = {
    ...{ db, audit: { append: (entry: AuditEntry) => void trail.push(entry) } },
    disclosure: new Disclosure({ db, clock: systemClock, config: ACCESS }),
    fleet: { answered: () => [] },
    fetches: {
      request: async (request: unknown) => {
        ordered.push(request);
        return { fetchId: 'f1' };
      },
      find: () => null,
    },
    callEdge: () => Promise.reject(new Error('no edge is asked')),
    directory: () => ({ trusts: [], ticketKeys: { keys: [] } }),
  };
  answerEdges(
    { answer: (name: string, by: Ask) => void answers.set(name, by) } as never,
    parts as never,
  );
  const ask = async <T>(name: string, request: unknown): Promise<T> =>
    (await answers.get(name)?.('RRK', request)) as T;
  const restrict = (): void =>
    void db
      .prepare(
        `INSERT INTO patients VALUES ('RJE', 'J7', 'RJE', NULL, NULL, NULL, NULL, NULL, NULL, 0, 1, 0, NULL, NULL, '')`,
      )
      .run();
  return { ask, trail, ordered, restrict };
}

const QUERY = { nhsNumber: '9434765919', withSeries: false, limit: 10, offset: 0 };
const FETCH = { studyInstanceUID: STUDY, requestedBy: 'WS1' };

t.test('studies are listed and brought, and why is recorded', async (t) => {
  const { ask, trail, ordered } = world();
  const reply = await ask<QueryReply & { studies: unknown[] }>('query', QUERY);
  t.match(reply, { studies: [{ studyInstanceUID: STUDY, home: 'RJE' }], total: 1 });
  await ask('fetch', FETCH);
  t.match(ordered, [{ studyInstanceUID: STUDY, basis: 'workstation of RRK' }]);
  t.match(trail, [
    { event: 'search', studies: [STUDY], basis: ['workstation of RRK'], withheld: 0 },
    { event: 'fetch', basis: ['workstation of RRK'] },
  ]);
});

t.test('a restricted one is neither listed nor brought, by whatever it is named', async (t) => {
  const { ask, trail, ordered, restrict } = world();
  restrict();
  t.match(await ask('query', QUERY), { studies: [], total: 0, withheld: 1 });
  const named = { studyInstanceUIDs: [STUDY], withSeries: true, limit: 10, offset: 0 };
  t.strictSame(await ask('query', named), { studies: [], total: 0, answered: [] });
  const contents = { studyInstanceUID: STUDY, home: 'RJE', seriesInstanceUID: '1', limit: 9 };
  await t.rejects(ask('contents', { ...contents, offset: 0 }), { code: 'STUDY_UNKNOWN' });
  await t.rejects(ask('fetch', FETCH), { code: 'STUDY_UNKNOWN' });
  t.strictSame(ordered, []);
  t.match(trail, [
    { studies: [], withheld: 1 },
    { studies: [], withheld: 1 },
    { code: 'STUDY_UNKNOWN', outcome: 4 },
    { code: 'STUDY_UNKNOWN', outcome: 4 },
  ]);
});
