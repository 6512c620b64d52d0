/** HL7 time stamps (TS, DTM; HL7 2.5 §2.A.22): local time of the site unless they carry an offset. */
import { utcOfLocal, type ZonedClock } from '../../shared/time-zone.ts';

const STAMP = /^(\d{4})(\d{2})?(\d{2})?(?:(\d{2})(\d{2})?(\d{2})?(?:\.(\d{1,4}))?)?([+-]\d{4})?$/;

/** @returns RFC 3339 in UTC; null for what is no time, or is none that exists */
export function readTime(text: string, zone: ZonedClock): string | null {
  const match = STAMP.exec(text.trim());
  if (match === null) return null;
  const number = (at: number, missing: number): number => Number(match[at] ?? missing);
  const [year, month, day] = [number(1, 0), number(2, 1), number(3, 1)];
  const [hour, minute, second] = [number(4, 0), number(5, 0), number(6, 0)];
  if (month < 1 || month > 12 || day < 1 || day > 31 || hour > 23 || minute > 59 || second > 59)
    return null;
  const millis = Math.trunc(Number(`0.${match[7] ?? '0'}`) * 1000);
  const asUtc = Date.UTC(year, month - 1, day, hour, minute, second, millis);
  const offset = match[8];
  const utc = offset === undefined ? utcOfLocal(asUtc, zone) : asUtc - offsetOf(offset) * 60_000;
  return new Date(utc).toISOString();
}

const offsetOf = (text: string): number =>
  (text.startsWith('-') ? -1 : 1) * (Number(text.slice(1, 3)) * 60 + Number(text.slice(3)));

/** YYYYMMDD of a date; null when it is not a whole one. */
export function readDate(text: string): string | null {
  const match = /^(\d{4})(\d{2})(\d{2})/.exec(text.trim());
  if (match === null) return null;
  const [, year = '', month = '', day = ''] = match;
  const date = new Date(Date.UTC(Number(year), Number(month) - 1, Number(day)));
  const isReal = date.getUTCMonth() + 1 === Number(month) && date.getUTCDate() === Number(day);
  return isReal ? `${year}${month}${day}` : null;
}
