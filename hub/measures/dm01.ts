/** The monthly DM01 return of one trust: waiting list by weeks at the end of the month, and activity in it. */
import type { FigureRow } from './answer.ts';

/** The imaging tests of DM01, in the order of the return. */
export const DM01_TESTS = [
  'Magnetic Resonance Imaging',
  'Computed Tomography',
  'Non-obstetric Ultrasound',
  'Barium Enema',
  'DEXA Scan',
] as const;

const BANDS = Array.from({ length: 14 }, (_, week) => String(week).padStart(2, '0'));
const bandTitle = (_: string, week: number): string =>
  week < 13
    ? `${String(week).padStart(2, '0')} < ${String(week + 1).padStart(2, '0')} Weeks`
    : '13+ Weeks';

const HEADINGS = [
  ...['Period', 'Provider Org Code', 'Provider Org Name', 'Diagnostic Test Name'],
  ...BANDS.map(bandTitle),
  ...['Total Waiting List', 'Number waiting 6+ Weeks', 'Number waiting 13+ Weeks'],
  ...['Waiting List Activity', 'Planned Activity', 'Unscheduled Activity'],
];

export interface Dm01 {
  readonly month: string;
  readonly trust: { readonly ods: string; readonly name: string };
  /** BI-10 by test and week_band, BI-12 by test; of the trust, whole. */
  readonly waiting: readonly FigureRow[];
  readonly activity: readonly FigureRow[];
}

/** Every test has a line, with zeros where there is nothing. */
export function dm01Csv({ month, trust, waiting, activity }: Dm01): string {
  const lines = DM01_TESTS.map((test) => {
    const weeks = BANDS.map((band) => {
      const row = waiting.find((one) => one['test'] === test && one['week_band'] === band);
      return Number(row?.['waiting'] ?? 0);
    });
    const sum = (from: number): number =>
      weeks.slice(from).reduce((total, count) => total + count, 0);
    const made = activity.find((one) => one['test'] === test);
    const of = (name: string): number => Number(made?.[name] ?? 0);
    return [
      ...[month, trust.ods, trust.name, test, ...weeks, sum(0), sum(6), sum(13)],
      ...[of('waitingList'), of('planned'), of('unscheduled')],
    ];
  });
  return `${[HEADINGS, ...lines].map((line) => line.map(cell).join(',')).join('\r\n')}\r\n`;
}

const cell = (value: string | number): string =>
  typeof value === 'string' && /[",]/.test(value)
    ? `"${value.replaceAll('"', '""')}"`
    : String(value);
