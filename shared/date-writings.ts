/**
 * Dates as people and programs write them: patterns for one that is known, and the days that any text may mean.
 */

/** What stands where an attribute has to have a date and may say nothing. */
export const DUMMY_DATE = '19000101';
const MONTHS = [
  ...['JANUARY', 'FEBRUARY', 'MARCH', 'APRIL', 'MAY', 'JUNE'],
  ...['JULY', 'AUGUST', 'SEPTEMBER', 'OCTOBER', 'NOVEMBER', 'DECEMBER'],
];
/** What stands between the parts: nothing, a space, a dash, `of`, the `th` of 27th. */
const ANY_GAP = '[^\\p{L}\\p{N}]{0,3}';
const SOME_GAP = '[^\\p{L}\\p{N}]{1,3}';
const ORDINAL = '(?:ST|ND|RD|TH)?(?:[^\\p{L}\\p{N}]{1,3}OF)?';

/** A date as it is written. @param date YYYYMMDD, or YYYY.MM.DD as old objects have it; of anything else nothing */
export function writingsOf(date: string): string[] {
  const match = /^(\d{4})[.-]?(\d{2})[.-]?(\d{2})$/.exec(date.trim());
  // As the dummy, it says nothing.
  if (match === null || match.slice(1).join('') === DUMMY_DATE) return [];
  const [, year = '', month = '', day = ''] = match;
  const days = [day, String(Number(day))];
  const months = [month, String(Number(month))];
  const long = MONTHS[Number(month) - 1];
  const names = long === undefined ? [] : [long.slice(0, 3), long];
  const together = [
    ...[
      [year, month, day],
      [day, month, year],
      [month, day, year],
    ],
    ...names.flatMap((name) =>
      days.flatMap((of) => [
        [`${of}${ORDINAL}`, name, year],
        [name, `${of}${ORDINAL}`, year],
      ]),
    ),
  ];
  const apart = days.flatMap((of) =>
    months.flatMap((as) => [
      [of, as, year],
      [as, of, year],
    ]),
  );
  const short = days.flatMap((of) => months.map((as) => [of, as, year.slice(2)]));
  return [
    ...together.map((parts) => dated(parts.join(ANY_GAP))),
    ...apart.map((parts) => dated(parts.join(SOME_GAP))),
    // With a backslash it is two values.
    ...short.map((parts) => dated(parts.join('[-/. ]'))),
    // With the time behind it, as in VR DT.
    dated(`${year}${month}${day}\\d{4}(?:\\d\\d)?`),
  ];
}

/** Not as a part of a longer number; a letter may follow, as in 1947-02-03T10:00. */
const dated = (pattern: string): string => `(?<!\\d)${pattern}(?!\\d)`;

const GAP = '[^\\p{L}\\p{N}]';
const MONTH = `(${MONTHS.map((name) => name.slice(0, 3)).join('|')})[A-Z]{0,6}`;
const DATES = [
  [`(\\d{4})${GAP}{0,3}(\\d{2})${GAP}{0,3}(\\d{2})(?:\\d{4}(?:\\d\\d)?)?`, 'ymd'],
  [`(\\d{2})(\\d{2})(\\d{4})`, 'dmy'],
  [`(\\d{1,2})${GAP}{1,3}(\\d{1,2})${GAP}{1,3}(\\d{4}|\\d{2})`, 'dmy'],
  [`(\\d{1,2})${ORDINAL}${GAP}{0,3}${MONTH}${GAP}{0,3}(\\d{4})`, 'dmy'],
  [`${MONTH}${GAP}{0,3}(\\d{1,2})${ORDINAL}${GAP}{0,3}(\\d{4})`, 'mdy'],
].map(
  ([pattern = '', order = '']) =>
    // Looked ahead only: what begins within another one is found, too.
    [new RegExp(`(?<!\\d)(?=${pattern}(?!\\d))`, 'gu'), order] as const,
);

/** The days that a text may mean. @param folded capitals @returns YYYYMMDD; where day and month can't be told, both ways */
export function daysIn(folded: string): string[] {
  // Most text has no date in it.
  if (!/\d\D{0,12}\d\D{0,12}\d\D{0,12}\d/.test(folded)) return [];
  return DATES.flatMap(([pattern, order]) =>
    [...folded.matchAll(pattern)].flatMap(([, a = '', b = '', c = '']) => {
      if (order === 'ymd') return [`${a}${b}${c}`];
      const [day, month] = order === 'mdy' ? [b, a] : [a, b];
      const year = c.length === 2 ? `20${c}` : c;
      const [of, as] = [numberOf(day), numberOf(month)];
      return [`${year}${as}${of}`, `${year}${of}${as}`];
    }),
  );
}

function numberOf(part: string): string {
  const month = MONTHS.findIndex((name) => name.startsWith(part));
  return (month < 0 ? part : String(month + 1)).padStart(2, '0');
}
