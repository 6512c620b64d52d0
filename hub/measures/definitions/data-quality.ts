import type { Measure } from '../measure.ts';

export const dataQuality: Measure = {
  id: 'BI-29',
  version: 2,
  name: 'Data quality',
  question: 'Can the figures of a site be trusted?',
  formula:
    'Of the examinations that ended in the month: NHS number verified (status 01), code mapped, T0 ≤ T1 ≤ T3 ≤ T4 ≤ T6 ' +
    'as far as told, a report linked, a study linked; without a fault = all of these',
  grain: 'site, month',
  exclusions: ['images of which the RIS told no order'],
  source: 'domain notes, section 6: below 95 % a site is not published',
  target: { share: 'shareTimesInOrder', atLeast: 0.95, source: 'domain notes, section 6' },
  kind: 'events',
  at: 'ended_at',
  fact: 'exam',
  relation: `
    SELECT trust, site, modality, exam, person, ended_at,
      coalesce(nhs_status = '01', false) AS is_verified, is_mapped, has_report,
      study_uid IS NOT NULL AS has_study,
      requested_at IS NOT NULL
        AND requested_at <= coalesce(received_at, requested_at)
        AND coalesce(received_at, requested_at) <= coalesce(started_at, ended_at)
        AND coalesce(started_at, ended_at) <= ended_at
        AND ended_at <= coalesce(verified_at, ended_at) AS is_in_order
    FROM exam WHERE in_ris AND ended_at IS NOT NULL`,
  dimensions: ['site', 'modality'],
  counts: [
    { name: 'exams', title: 'Examinations' },
    { name: 'nhsVerified', title: 'NHS number verified', where: 'is_verified' },
    { name: 'codeMapped', title: 'Code mapped', where: 'is_mapped' },
    { name: 'timesInOrder', title: 'Times in order', where: 'is_in_order' },
    // What is left of it are those that BI-14 has as not reported.
    { name: 'reportLinked', title: 'Report linked', where: 'has_report', isGuarded: true },
    { name: 'studyLinked', title: 'Study linked', where: 'has_study' },
    {
      ...{ name: 'faultless', title: 'Without a fault', isGuarded: true, since: 2 },
      where: 'is_verified AND is_mapped AND is_in_order AND has_report AND has_study',
    },
  ],
  shares: [
    { name: 'shareNhsVerified', title: 'Share verified', of: 'nhsVerified', per: ['exams'] },
    { name: 'shareCodeMapped', title: 'Share mapped', of: 'codeMapped', per: ['exams'] },
    { name: 'shareTimesInOrder', title: 'Share in order', of: 'timesInOrder', per: ['exams'] },
    { name: 'shareReportLinked', title: 'Share with report', of: 'reportLinked', per: ['exams'] },
    { name: 'shareStudyLinked', title: 'Share with study', of: 'studyLinked', per: ['exams'] },
    {
      ...{ name: 'shareFaultless', title: 'Share without a fault', since: 2 },
      ...{ of: 'faultless', per: ['exams'] },
    },
  ],
  isAboutRecords: true,
  row: ['exam', 'ended_at', 'is_verified', 'is_mapped', 'is_in_order', 'has_report', 'has_study'],
  earlier: [
    {
      version: 1,
      formula:
        'Of the examinations that ended in the month: NHS number verified (status 01), code mapped, T0 ≤ T1 ≤ T3 ≤ T4 ≤ ' +
        'T6 as far as told, a report linked, a study linked',
      exclusions: ['images of which the RIS told no order'],
      target: { share: 'shareTimesInOrder', atLeast: 0.95, source: 'domain notes, section 6' },
      changed: 'With those that have no fault at all',
    },
  ],
};
