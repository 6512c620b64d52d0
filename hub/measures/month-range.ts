/** Months of the clock on the wall as moments, so that rows are found by where they lie, not by the month of each. */

/**
 * Conditions, SQL, that hold for the rows whose moment lies in the months from `from` to `to`; null: no end.
 *
 * @param at a column, UTC
 */
export function inMonths(at: string, from: string | null, to: string | null): string[] {
  return [
    ...(from === null ? [] : [`${at} >= utc_of_london(DATE '${from}-01'::TIMESTAMP)`]),
    ...(to === null ? [] : [`${at} < utc_of_london(DATE '${to}-01' + INTERVAL 1 MONTH)`]),
  ];
}
