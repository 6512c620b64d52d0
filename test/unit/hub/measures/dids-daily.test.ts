/** What a trust's DIDS file would be rejected for, found the day it is told. BI-05. */
import t from 'tap';
import { build } from '../../../../hub/measures/build.ts';
import { didsOfDay } from '../../../../hub/measures/dids/daily.ts';
import { Store } from '../../../../hub/measures/store.ts';
import { appendTold } from '../../../../hub/measures/take.ts';
import type { ToldRow } from '../../../../hub/measures/told.ts';

const CLEAN = {
  ...{
    trust: 'RRK',
    status: 'completed',
    patient_key: 'k1',
    nhs_key: 'n1',
    code: 'CTHOR',
    modality: 'CT',
  },
  ...{ as_of: '2026-06-02T09:00:00Z', requested_at: '2026-06-02T08:00:00Z', setting: 'outpatient' },
  ...{ site: 'RRK15', started_at: '2026-06-10T09:00:00Z', ended_at: '2026-06-10T09:20:00Z' },
};

t.test("a day's list has what is at fault, of the own trust and month alone", async (t) => {
  const store = await Store.open({ directory: t.testdir(), memoryMegabytes: 256, threads: 1 });
  t.teardown(() => store.close());
  const orders: ToldRow[] = [
    { ...CLEAN, exam: 'CLEAN' },
    { ...CLEAN, exam: 'NOCODE', code: null },
    { ...CLEAN, exam: 'NOSETTING', setting: null },
    ...['requested', 'completed'].map((status, at) => ({
      ...{ ...CLEAN, exam: 'LATER', status, requested_at: '2026-06-11T08:00:00Z' },
      as_of: `2026-06-02T09:0${at}:00Z`,
    })),
    { ...CLEAN, exam: 'NOSITE', site: null },
    { ...CLEAN, exam: 'AN-ACCESSION-NUMBER-TOO-LONG' },
    { ...CLEAN, exam: 'HIDDEN', patient_key: 'k2', nhs_key: 'n2', code: null },
    { ...CLEAN, exam: 'CANCELLED', status: 'cancelled', code: null },
    { ...CLEAN, exam: 'OTHER', trust: 'RJE', code: null },
    { ...CLEAN, exam: 'MAY', ended_at: '2026-05-31T22:00:00Z', code: null },
  ];
  await appendTold(store, 'order', orders);
  await appendTold(store, 'patient', [
    { trust: 'RRK', patient_key: 'k1', as_of: '2026-06-01T00:00:00Z', nhs_status: '01', sex: 'F' },
    {
      trust: 'RRK',
      patient_key: 'k2',
      as_of: '2026-06-01T00:00:00Z',
      nhs_status: '01',
      restricted: true,
    },
  ]);
  await build({ store, trusts: ['RRK', 'RJE'], now: Date.parse('2026-06-20T06:00:00Z') });
  const day = await didsOfDay(store, 'RRK', {
    ...{ month: '2026-06', submitted: '2026-06-20', reference: {} },
  });
  const found = day.findings.map(({ line, code }) => `${day.accessions[line - 1]} ${code}`).sort();
  t.strictSame(
    found,
    [
      'AN-ACCESSION-NUMBER-TOO-LONG DIDS072',
      'LATER DIDS034',
      'LATER DIDS027',
      'NOCODE DIDS056',
      'NOSETTING DIDS020',
      'NOSITE DIDS069',
    ].sort(),
  );
  t.strictSame([day.records, day.rejected], [6, 5]);
});
