/**
 * What a trust's DIDS file would be rejected for, from what its RIS has told until now: a list for each day, not for
 * the end of the month. BI-05. Of the fields that no feed tells (practice, postcode, ethnic category, referrer) the file
 * itself has to be checked: `cdip hub dids-check`.
 */
import { inMonths } from '../month-range.ts';
import { quoted, type Row, type Store } from '../store.ts';
import { checkRecords, type DidsReport } from './check.ts';
import { DIDS_FIELDS, type DidsField, type DidsRecord, type DidsReference } from './fields.ts';

/** What the hub hears of an examination; of the birth date the month. */
export const HEARD: readonly DidsField[] = [
  ...(['nhsNumberStatus', 'birthDate', 'gender', 'sourceSetting', 'requestDate'] as const),
  ...(['receivedDate', 'testDate', 'nicip', 'reportDate', 'site', 'accession'] as const),
];

/** PV1-2 as the patient source setting: inpatient, outpatient, emergency. */
const SETTINGS: Readonly<Record<string, string>> = {
  ...{ inpatient: '01', outpatient: '03', emergency: '05' },
};
const GENDERS: Readonly<Record<string, string>> = { M: '1', F: '2', O: '9', U: '0' };

export interface DidsDay extends DidsReport {
  /** Accession numbers by the line of a finding, from 1 on. */
  readonly accessions: readonly string[];
}

/** @param month of the tests, `2026-06` @param submitted the day, `YYYY-MM-DD` */
export async function didsOfDay(
  store: Store,
  trust: string,
  { month, submitted, reference }: { month: string; submitted: string; reference: DidsReference },
): Promise<DidsDay> {
  const rows = await store.ask(`
    SELECT exam, e.nhs_status, strftime(p.birth_month, '%Y-%m-%d') AS birth, e.sex, setting, code, site,
      strftime(day_of(requested_at), '%Y-%m-%d') AS requested, strftime(day_of(received_at), '%Y-%m-%d') AS received,
      strftime(day_of(ended_at), '%Y-%m-%d') AS tested, strftime(day_of(verified_at), '%Y-%m-%d') AS reported
    FROM exam e LEFT JOIN person p USING (trust, patient_key)
    WHERE e.trust = ${quoted(trust)} AND in_ris AND NOT e.restricted AND status <> 'cancelled'
      AND ${inMonths('ended_at', month, month).join(' AND ')}
    ORDER BY ended_at, exam`);
  const lines = rows.map((row, at) => ({ line: at + 1, record: recordOf(row) }));
  const report = checkRecords(lines, { submitted, reference, fields: HEARD });
  return { ...report, accessions: rows.map(({ exam }) => String(exam)) };
}

function recordOf(row: Row): DidsRecord {
  const text = (name: string): string => (row[name] == null ? '' : String(row[name]));
  const none = Object.fromEntries(DIDS_FIELDS.map((field) => [field, ''])) as DidsRecord;
  return {
    ...none,
    nhsNumberStatus: text('nhs_status'),
    birthDate: text('birth'),
    gender: GENDERS[text('sex')] ?? '',
    sourceSetting: SETTINGS[text('setting')] ?? '',
    requestDate: text('requested'),
    receivedDate: text('received'),
    testDate: text('tested'),
    nicip: text('code'),
    reportDate: text('reported'),
    site: text('site'),
    accession: text('exam'),
  };
}
