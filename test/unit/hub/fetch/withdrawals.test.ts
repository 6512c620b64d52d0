/** What a home does not hold any more. hub/fetch/withdrawals.ts. */
import t from 'tap';
import { Withdrawals } from '../../../../hub/fetch/withdrawals.ts';
import { applyEvent } from '../../../../hub/projection/apply-event.ts';
import { prepareProjection } from '../../../../hub/projection/statements.ts';
import { searchStudies } from '../../../../hub/search/studies.ts';
import { findHolders, findStudy, findWithdrawal } from '../../../../hub/search/study.ts';
import type { OrderedEvent } from '../../../../shared/contract/events.ts';
import { silentLog } from '../../../../shared/log.ts';
import { startFakeHub } from '../http/fake-hub.ts';
import { seedStudy } from '../http/seed-study.ts';
import { FakeLog } from '../projection/fake-log.ts';

const STUDY = '1.2.840.7';
const AT = '2026-03-02T10:00:00.000Z';
const page = { limit: 10, offset: 0 };

t.test(
  'a study that its home does not hold any more is shown nowhere, and its copies are called back',
  async (t) => {
    const hub = await startFakeHub();
    t.teardown(() => hub.stop());
    const { db } = hub;
    seedStudy(db, { trust: 'RRK', uid: STUDY });
    seedStudy(db, { trust: 'RJE', home: 'RRK', uid: STUDY });
    const log = new FakeLog();
    const clock = { now: () => Date.parse(AT), monotonicMs: () => 0 };
    const withdrawals = new Withdrawals({
      ...{ db, networkLog: log, clock, log: silentLog, onChange: () => () => {} },
    });
    await withdrawals.look();
    t.strictSame(log.commands, []);

    const event = (deleted: boolean): OrderedEvent =>
      ({
        ...{ v: 1, at: AT, trust: 'RRK', epoch: 1, seq: 1, kind: 'study', rev: 2, deleted },
        ...{ studyInstanceUID: STUDY, home: 'RRK', quiet: true, studyDate: '20260131' },
        patient: {
          ...{ patientId: '1001', issuer: 'RRK', nhsNumber: null, name: null },
          ...{ birthDate: null, sex: null },
        },
        ...{ studyTime: null, studyId: null, accessionNumber: null, accessionIssuer: null },
        ...{ description: null, referringPhysician: null, institution: null, instances: 300 },
        ...{ bytes: 1, setHash: 'a'.repeat(64), conflicts: 0, series: [] },
      }) as OrderedEvent;
    const statements = prepareProjection(db);
    const applied = applyEvent(statements, event(true), AT);
    t.match(applied.changes, [{ kind: 'study', isWithdrawn: true }]);
    t.strictSame(searchStudies(db, { studyInstanceUID: STUDY }, page).studies, []);
    t.strictSame([findStudy(db, STUDY), findHolders(db, STUDY)], [[], []]);
    t.match(findWithdrawal(db, STUDY), { home: 'RRK', withdrawnAt: AT });
    for (const path of [`/api/studies/${STUDY}`, `/dicom-web/studies/${STUDY}/metadata`]) {
      const answer = await hub.get(path);
      t.equal(answer.status, 410, path);
      t.match(await answer.json(), { code: 'STUDY_WITHDRAWN', home: 'RRK', withdrawnAt: AT });
    }
    t.match(await (await hub.get(`/studies/${STUDY}`)).text(), 'no longer holds this study');
    for (const _ of [1, 2]) await withdrawals.look();
    t.match(log.commands, [
      { ods: 'RJE', command: { kind: 'withdraw', studyInstanceUID: STUDY, home: 'RRK' } },
    ]);
    t.equal(log.commands.length, 1, 'not again at once');

    db.prepare("DELETE FROM studies WHERE trust = 'RJE'").run();
    const brought = db.prepare('INSERT INTO fetches VALUES (?, 1, ?, ?, ?, ?, ?, 0, ?)');
    for (const to of ['RXK', 'RRK'])
      brought.run(`f-${to}`, STUDY, 'RRK', to, 'RRK', '2025-03-02T10:00:00.000Z', '{}');
    for (const minutes of [0, 30]) {
      clock.now = () => Date.parse(AT) + minutes * 60_000;
      await withdrawals.look();
    }
    t.strictSame(
      log.commands.map(({ ods }) => ods),
      ['RJE', 'RXK'],
      'who was brought it once is told once: its PACS may hold it',
    );

    applyEvent(statements, event(false), AT);
    t.equal(searchStudies(db, { studyInstanceUID: STUDY }, page).studies.length, 1, 'it is back');
    t.strictSame(hub.bugs, []);
  },
);

t.test('a copy that ended at its holder withdraws nothing', async (t) => {
  const hub = await startFakeHub();
  t.teardown(() => hub.stop());
  seedStudy(hub.db, { trust: 'RRK', uid: STUDY });
  const event = {
    ...{ v: 1, at: AT, trust: 'RJE', epoch: 1, seq: 1, kind: 'study', deleted: true },
    ...{ studyInstanceUID: STUDY, home: 'RRK' },
  } as unknown as OrderedEvent;
  applyEvent(prepareProjection(hub.db), event, AT);
  t.equal(findWithdrawal(hub.db, STUDY), undefined);
  t.equal((await hub.get(`/api/studies/${STUDY}`)).status, 200);
});
