/**
 * Why bookings are cancelled, as one list for all trusts. BI-18. What a RIS says (SCH-6) is words or a code of its
 * own: `reason.csv` says which of the list a trust's own means; else its words decide, the first that fits.
 */
interface Reason {
  readonly reason: string;
  readonly by: 'patient' | 'hospital';
  /** Of what is told, in small letters; regular expression. */
  readonly words: string;
}

const REASONS: readonly Reason[] = [
  {
    ...{ reason: 'equipment', by: 'hospital' },
    words: 'scanner|machine|equipment|breakdown|broken|fault|repair',
  },
  {
    ...{ reason: 'staff', by: 'hospital' },
    words: '\\bstaff|radiographer|sonographer|radiologist|\\bstrike\\b|industrial action',
  },
  {
    ...{ reason: 'no capacity', by: 'hospital' },
    words: 'capacity|overbook|over-run|overrun|urgent case|emergency|list full',
  },
  {
    ...{ reason: 'booking error', by: 'hospital' },
    words: 'booking error|booked in error|in error|duplicate|wrong (exam|slot|site|patient)',
  },
  {
    ...{ reason: 'not prepared', by: 'hospital' },
    words:
      '\\bprep|not fasted|not starved|contraindicat|contra-indicat|allerg|implant|pacemaker|egfr',
  },
  {
    ...{ reason: 'no longer needed', by: 'hospital' },
    words: 'no longer|not needed|not required|not indicated|already (done|had|imaged)',
  },
  { reason: 'patient unwell', by: 'patient', words: 'unwell|\\bill\\b|illness|\\bsick|covid' },
  {
    ...{ reason: 'patient declines', by: 'patient' },
    words: 'declin|refus|does not want|\\bdnw\\b',
  },
  {
    ...{ reason: 'patient can not come', by: 'patient' },
    words: 'can ?not|can.t\\b|unable|unavailable|holiday|\\bwork\\b|transport|travel|rearrang',
  },
  { reason: 'other of the patient', by: 'patient', words: 'patient|^pt\\b' },
  { reason: 'other of the hospital', by: 'hospital', words: 'hospital|clinic|trust' },
];

const quoted = (text: string): string => `'${text}'`;

export const REASON_NAMES: readonly string[] = REASONS.map(({ reason }) => reason);

/** SQL of the reason, one of the list, `other`, or `not told`. */
export const reasonSql = (told: string): string => `CASE
  WHEN ${told} IS NULL OR trim(${told}) = '' THEN 'not told'
  ${REASONS.map(
    ({ reason, words }) =>
      `WHEN regexp_matches(lower(${told}), ${quoted(words)}) THEN ${quoted(reason)}`,
  ).join(' ')}
  ELSE 'other' END`;

/** SQL of who cancelled, by the reason. */
export const byWhomSql = (reason: string): string => {
  const of = (by: Reason['by']): string =>
    REASONS.filter((one) => one.by === by)
      .map((one) => quoted(one.reason))
      .join(', ');
  return `CASE WHEN ${reason} IN (${of('patient')}) THEN 'patient'
    WHEN ${reason} IN (${of('hospital')}) THEN 'hospital' ELSE 'not told' END`;
};
