/**
 * Part of what a PACS holds, as one query can name it: days, part of a day, one modality of it. And how to
 * halve it when a query brought less than there is. Pure.
 *
 *   days ─► fewer days ─► one day ─► part of the day ─► … a minute ─► each modality
 */
import { UNDATED } from '../../shared/contract/events.ts';

export interface Slice {
  /** YYYYMMDD, both included; '' is open. */
  readonly from: string;
  readonly to: string;
  /** Seconds of the day, both included. Only of a single day, or of all. */
  readonly time?: readonly [from: number, to: number];
  readonly modality?: string;
}

/** Studies without a date are told with all others alone: no range of dates matches them. */
export const ALL_DAYS: Slice = { from: '', to: '' };
export const isAllDays = ({ from, to }: Slice): boolean => from === '' && to === '';

/** The day that stands for a slice that can't be made smaller. */
export const dayOfSlice = (slice: Slice): string =>
  isAllDays(slice) ? UNDATED : slice.from || slice.to;

const DAY_MS = 86_400_000;
const DAY_SECONDS = 86_400;
const MINUTE = 60;

/** Modalities that studies have, PS3.3 C.7.3.1.1.1, the frequent ones first. */
const MODALITIES = [
  ...['CT', 'MR', 'DX', 'CR', 'US', 'XA', 'RF', 'MG', 'NM', 'PT', 'PX', 'IO', 'OT', 'SC', 'SR'],
  ...['ES', 'XC', 'OP', 'OPT', 'IVUS', 'BMD', 'ECG', 'HD', 'GM', 'SM', 'RTIMAGE', 'RTDOSE'],
  ...['RTSTRUCT', 'RTPLAN', 'DOC', 'KO', 'PR', 'EPS', 'BI', 'DG', 'LS', 'TG', 'RG'],
] as const;

/** `days` may be negative. */
export function addDays(day: string, days: number): string {
  const at = Date.UTC(
    Number(day.slice(0, 4)),
    Number(day.slice(4, 6)) - 1,
    Number(day.slice(6)) + days,
  );
  return new Date(at).toISOString().slice(0, 10).replaceAll('-', '');
}

/** Both days included. */
export function daysBetween(from: string, to: string): number {
  const ms = (day: string): number =>
    Date.UTC(Number(day.slice(0, 4)), Number(day.slice(4, 6)) - 1, Number(day.slice(6)));
  return Math.round((ms(to) - ms(from)) / DAY_MS) + 1;
}

/** The value of StudyDate. PS3.4 C.2.2.2.5. */
export function dateKey({ from, to }: Slice): string {
  return from === to ? from : `${from}-${to}`;
}

/** The value of StudyTime; '' for the whole day. The end holds the fractions of its second. */
export function timeKey({ time }: Slice): string {
  if (time === undefined) return '';
  return `${clockText(time[0])}-${clockText(time[1])}.999999`;
}

function clockText(seconds: number): string {
  const parts = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60];
  return parts.map((part) => String(part).padStart(2, '0')).join('');
}

export interface SplitOptions {
  /** Studies without a StudyTime are in it, which no range of times matches. */
  readonly hasUntimed: boolean;
  /** The PACS does not match on StudyTime. */
  readonly ignoresTime: boolean;
  /** An open end is cut at these days once; what lies beyond is not made smaller. */
  readonly earliest: string;
  readonly today: string;
}

/**
 * Smaller slices that are all of this one together, as far as it can be said in keys; the newest first.
 *
 * @returns none: it can't be made smaller
 */
export function splitSlice(slice: Slice, options: SplitOptions): Slice[] {
  if (slice.modality !== undefined) return [];
  if (slice.from !== slice.to) return splitDays(slice, options);
  const byModality = MODALITIES.map((modality) => ({ ...slice, modality }));
  if (options.ignoresTime) return byModality;
  const [from, to] = slice.time ?? [0, DAY_SECONDS - 1];
  if (to - from + 1 <= MINUTE) return byModality;
  const middle = Math.floor((from + to) / 2);
  const halves: Slice[] = [
    { ...slice, time: [middle + 1, to] },
    { ...slice, time: [from, middle] },
  ];
  return slice.time === undefined && options.hasUntimed ? [...halves, ...byModality] : halves;
}

function splitDays({ from, to }: Slice, { earliest, today }: SplitOptions): Slice[] {
  if (to === '') {
    if (from > today) return [];
    return [
      { from: addDays(today, 1), to: '' },
      { from, to: today },
    ];
  }
  if (from === '') {
    if (to < earliest) return [];
    return [
      { from: earliest, to },
      { from: '', to: addDays(earliest, -1) },
    ];
  }
  const half = Math.floor(daysBetween(from, to) / 2);
  return [
    { from: addDays(from, half), to },
    { from, to: addDays(from, half - 1) },
  ];
}
