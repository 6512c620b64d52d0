/** How values look on a page: in the words and order that NHS staff know. */
import { printNhsNumber } from '../../shared/nhs-number.ts';

const ZONE = 'Europe/London';
const dayFormat = new Intl.DateTimeFormat('en-GB', {
  day: 'numeric',
  month: 'short',
  year: 'numeric',
  timeZone: 'UTC',
});
const clockFormat = new Intl.DateTimeFormat('en-GB', {
  hour: '2-digit',
  minute: '2-digit',
  second: '2-digit',
  timeZone: ZONE,
});
const dayInZone = new Intl.DateTimeFormat('en-GB', {
  day: 'numeric',
  month: 'short',
  year: 'numeric',
  timeZone: ZONE,
});
const numberFormat = new Intl.NumberFormat('en-GB');

/** `SMITH, John Adam (Mr)`. PS3.5 §6.2.1: family, given, middle, prefix, suffix; first component group. */
export function personName(stored: string | null | undefined): string {
  const [family = '', given = '', middle = '', prefix = '', suffix = ''] = (
    (stored ?? '').split('=').find((group) => group.replace(/\^/g, '').trim() !== '') ?? ''
  )
    .split('^')
    .map((part) => part.trim());
  const first = [given, middle].filter(Boolean).map(capitalise).join(' ');
  const name = [family.toUpperCase(), first].filter(Boolean).join(', ');
  const marks = [prefix, suffix].filter(Boolean).map(capitalise).join(', ');
  return [name || 'No name', marks && `(${marks})`].filter(Boolean).join(' ');
}

/** Only what is all capitals is made quieter; what was written with care stays. */
const capitalise = (text: string): string =>
  text === text.toUpperCase()
    ? text.toLowerCase().replace(/(^|[\s'-])\p{L}/gu, (letter) => letter.toUpperCase())
    : text;

/** `2026-01-31` as `31 Jan 2026`. */
export function day(iso: string | null | undefined): string {
  return iso ? dayFormat.format(new Date(`${iso}T00:00:00Z`)) : 'Not known';
}

/** `10:15` of `10:15:00`. */
export const minutes = (time: string | null | undefined): string => (time ?? '').slice(0, 5);

/** A moment in UK time: the time of day, and the date unless that is today. */
export function moment(at: string | null | undefined, now: number): string {
  if (!at) return 'never';
  const date = new Date(at);
  const isToday = dayInZone.format(date) === dayInZone.format(new Date(now));
  return isToday
    ? clockFormat.format(date)
    : `${dayInZone.format(date)}, ${clockFormat.format(date)}`;
}

export const count = (value: number | null | undefined): string =>
  value === null || value === undefined ? '–' : numberFormat.format(value);

const UNITS = ['bytes', 'kB', 'MB', 'GB', 'TB', 'PB'] as const;

/** Decimal units, three digits: `158 MB`. */
export function bytes(value: number | null | undefined): string {
  if (value === null || value === undefined) return '–';
  let scaled = value;
  let unit = 0;
  while (scaled >= 999.5 && unit < UNITS.length - 1) {
    scaled /= 1000;
    unit += 1;
  }
  return `${unit > 0 && scaled < 9.95 ? scaled.toFixed(1) : Math.round(scaled)} ${UNITS[unit]}`;
}

/** `8 seconds`, `4 minutes`, `2 hours`. */
export function duration(seconds: number | null | undefined): string {
  if (seconds === null || seconds === undefined) return '–';
  const steps = [
    [90, 1, 'second'],
    [90 * 60, 60, 'minute'],
    [36 * 3600, 3600, 'hour'],
    [Number.POSITIVE_INFINITY, 86_400, 'day'],
  ] as const;
  const [, size, word] = steps.find(([limit]) => seconds < limit) ?? steps[3];
  const whole = Math.max(0, Math.round(seconds / size));
  return `${whole} ${word}${whole === 1 ? '' : 's'}`;
}

export const nhsNumber = (digits: string | null | undefined): string =>
  digits ? printNhsNumber(digits) : 'Not known';

/** `1 image`, `2 images`; an unknown number is said to be so. */
export const plural = (value: number | null, word: string): string => {
  const words = `${word}${value === 1 || word === 'series' ? '' : 's'}`;
  return value === null ? `unknown number of ${words}` : `${numberFormat.format(value)} ${words}`;
};

const longDay = new Intl.DateTimeFormat('en-GB', {
  ...{ weekday: 'long', day: 'numeric', month: 'long', year: 'numeric' },
  timeZone: ZONE,
});
const clock12 = new Intl.DateTimeFormat('en-GB', {
  ...{ hour: 'numeric', minute: '2-digit', hour12: true },
  timeZone: ZONE,
});

/** `10:30am`, `9am`, `midday`: the NHS's way of times, in UK time. */
export function timeOfDay(at: string | null | undefined): string {
  if (!at) return '';
  const [time = '', half = ''] = clock12
    .format(new Date(at))
    .toLowerCase()
    .split(/[\s\u202f]+/);
  if (time === '12:00' || time === '0:00') return half === 'pm' ? 'midday' : 'midnight';
  return `${time.replace(':00', '')}${half}`;
}

/** `Tuesday 1 December 2026`, in UK time. */
export const dayInFull = (at: string | null | undefined): string =>
  at ? longDay.format(new Date(at)).replace(',', '') : '';
