/** Merges that trusts tell, in the audit trail and in searches by number. hub/identity/merges.ts. */
import t from 'tap';
import { MergeAudit } from '../../../../hub/identity/merges.ts';
import { applyEvent } from '../../../../hub/projection/apply-event.ts';
import { prepareProjection } from '../../../../hub/projection/statements.ts';
import { searchStudies } from '../../../../hub/search/studies.ts';
import type { OrderedEvent } from '../../../../shared/contract/events.ts';
import { silentLog } from '../../../../shared/log.ts';
import { startFakeHub } from '../http/fake-hub.ts';
import { seedStudy } from '../http/seed-study.ts';

const AT = '2026-03-02T10:00:00.000Z';

t.test(
  'a merge finds the studies of both numbers until it is undone; the trail tells of each once',
  async (t) => {
    const hub = await startFakeHub();
    t.teardown(() => hub.stop());
    const { db, audit } = hub;
    const statements = prepareProjection(db);
    let seq = 0;
    const tell = (trust: string, patientId: string, into: string | null, asOf = AT): void => {
      seq += 1;
      const patient = { patientId, issuer: trust, nhsNumber: null, name: 'SMITH^ANNA' };
      applyEvent(
        statements,
        {
          ...{ v: 1, at: AT, trust, epoch: 1, seq, kind: 'patient', nhsNumberStatus: null, asOf },
          patient: { ...patient, birthDate: '19580131', sex: 'F' },
          ...{ postcode: null, deceased: false, restricted: false, deleted: false },
          mergedInto: into === null ? null : { patientId: into, issuer: trust },
        } as OrderedEvent,
        AT,
      );
    };
    const numbers = ['OLD', 'NEW', 'OTHER'] as const;
    for (const [at, patientId] of numbers.entries())
      seedStudy(db, { trust: 'RRK', uid: `1.2.${at}`, patientId, nhsNumber: null });
    seedStudy(db, { trust: 'RJE', uid: '1.2.9', patientId: 'OLD', nhsNumber: null });
    const found = (patientId: string, issuer = 'RRK'): string[] =>
      searchStudies(db, { patientId, issuer }, { limit: 10, offset: 0 })
        .studies.map(({ studyInstanceUID }) => studyInstanceUID)
        .sort();
    for (const number of numbers) tell('RRK', number, null);
    t.strictSame([found('OLD'), found('NEW')], [['1.2.0'], ['1.2.1']]);
    tell('RRK', 'OLD', 'NEW');
    t.strictSame([found('OLD'), found('NEW')], Array(2).fill(['1.2.0', '1.2.1']));
    t.strictSame([found('OTHER'), found('OLD', 'RJE')], [['1.2.2'], ['1.2.9']], 'nobody else');
    tell('RRK', 'NEW', 'OTHER', '2026-03-02T10:05:00.000Z');
    t.strictSame(found('OLD'), ['1.2.0', '1.2.1', '1.2.2'], 'a chain');
    tell('RRK', 'NEW', null, '2026-03-02T10:06:00.000Z');
    tell('RRK', 'OLD', null, '2026-03-02T10:07:00.000Z');
    t.strictSame([found('OLD'), found('NEW')], [['1.2.0'], ['1.2.1']]);

    const merges = new MergeAudit({ db, audit, log: silentLog });
    const told = (): object[] =>
      audit
        .find({ patient: 'OLD^^^RRK' }, { limit: 10, offset: 0 })
        .events.map(({ what, query, user }) => ({ what, query, user }));
    merges.look();
    merges.look();
    // The view is built anew: it records nothing twice.
    db.prepare('UPDATE patient_merges SET is_audited = 0').run();
    merges.look();
    const user = 'PAS of RRK';
    t.strictSame(told(), [
      {
        ...{ what: 'patient unmerge', user },
        query: { prior: 'OLD^^^RRK', from: 'NEW^^^RRK', asOf: '2026-03-02T10:07:00.000Z' },
      },
      {
        ...{ what: 'patient merge', user },
        query: { prior: 'OLD^^^RRK', into: 'NEW^^^RRK', asOf: AT },
      },
    ]);
  },
);
