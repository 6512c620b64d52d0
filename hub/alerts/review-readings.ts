/** Emergency accesses that each trust has still to review, as readings: nothing of an edge, and no patient in them. */
import type { Sqlite } from '../../shared/sqlite/open.ts';
import { reviewsOwed } from '../relations/glass.ts';
import { REVIEW_DAYS, reviewDue, workingDaysSince } from '../relations/review-due.ts';
import type { Reading } from './readings.ts';

const REVIEW_SIGNAL = 'glassReview';
const SENSITIVE_SIGNAL = 'sensitiveAccess';
/** Those of privacy officers: of no edge, whatever becomes of it. */
export const REVIEW_SIGNALS: readonly string[] = [REVIEW_SIGNAL, SENSITIVE_SIGNAL];

/** By trust. @param now milliseconds since the epoch */
export function reviewReadings(
  db: Sqlite,
  { now, bankHolidays }: { now: number; bankHolidays: ReadonlySet<string> },
): ReadonlyMap<string, readonly Reading[]> {
  const readings = new Map<string, Reading[]>();
  for (const { trust, id, openedAt, isSensitive } of reviewsOwed(db)) {
    const due = reviewDue(openedAt, bankHolidays);
    const isOverdue = now > due;
    const day = isOverdue ? REVIEW_DAYS + 1 : 1 + workingDaysSince(openedAt, now, bankHolidays);
    const until = new Date(due).toISOString().slice(0, 10);
    const words = isOverdue ? `overdue since ${until}` : `to be reviewed by ${until}`;
    const detail = `a record was opened in an emergency at ${openedAt}: ${words}`;
    const reading: Reading = { signal: REVIEW_SIGNAL, subject: id, value: day, detail };
    const sensitive: Reading = {
      ...{ signal: SENSITIVE_SIGNAL, subject: id, value: 1 },
      detail: `the record of a patient with the S-flag was opened in an emergency at ${openedAt}`,
    };
    const before = readings.get(trust) ?? [];
    readings.set(trust, [...before, reading, ...(isSensitive ? [sensitive] : [])]);
  }
  return readings;
}
