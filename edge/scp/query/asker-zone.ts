/**
 * Queries by another clock than the one on the wall: Timezone Offset From UTC (0008,0201) of the identifier says
 * which. PS3.3 C.12.1.1.8. Dates and times of studies are local ones; a study without a time keeps its date.
 *
 *   keys ─► looked for a day around ─► study ─► its date and time by the asker's clock ─► matched, answered
 */

import { rangeOf } from '../../../shared/dicom/match-value.ts';
import { utcOfLocal, type ZonedClock } from '../../../shared/time-zone.ts';
import type { Values } from './found-study.ts';

const STUDY_DATE = 0x0008_0020;
const STUDY_TIME = 0x0008_0030;
const DAY_MS = 86_400_000;
const MINUTE_MS = 60_000;
/** PS3.5 §6.2, DT: from -1200 to +1400. */
const FIRST = -720;
const LAST = 840;

export type AskerZone =
  | { readonly kind: 'local' }
  | { readonly kind: 'offset'; readonly minutes: number }
  /** What stands there is no offset. */
  | { readonly kind: 'malformed' };

export function askerZone(offset: string | undefined): AskerZone {
  const text = offset?.trim() ?? '';
  if (text === '') return { kind: 'local' };
  const [, sign, hours, rest] = /^([+-])(\d{2})([0-5]\d)$/.exec(text) ?? [];
  const minutes = (sign === '-' ? -1 : 1) * (Number(hours) * 60 + Number(rest));
  const isOffset = minutes >= FIRST && minutes <= LAST && text !== '-0000';
  return isOffset ? { kind: 'offset', minutes } : { kind: 'malformed' };
}

/** Keys that find every study whose date matches by some clock. */
export function aroundDays(keys: Values): Values {
  const range = rangeOf(keys.get(STUDY_DATE)?.trim() ?? '', 'DA');
  if (range === undefined) return keys;
  const moved = (date: string, days: number): string =>
    /^\d{8}$/.test(date) ? dateOf(msOf(date, '000000') + days * DAY_MS) : date;
  return new Map([...keys, [STUDY_DATE, `${moved(range.from, -1)}-${moved(range.to, 1)}`]]);
}

/** A study's values with its date and time by the asker's clock. */
export function byClock(values: Values, minutes: number, zone: ZonedClock): Values {
  const date = values.get(STUDY_DATE) ?? '';
  const time = values.get(STUDY_TIME) ?? '';
  const [, hhmmss = '', fraction = ''] = /^(\d{6})(\.\d+)?$/.exec(time) ?? [];
  if (!/^\d{8}$/.test(date) || hhmmss === '') return values;
  const asked = utcOfLocal(msOf(date, hhmmss), zone) + minutes * MINUTE_MS;
  return new Map([
    ...values,
    [STUDY_DATE, dateOf(asked)],
    [STUDY_TIME, `${digitsOf(asked).slice(8, 14)}${fraction}`],
  ]);
}

function msOf(date: string, time: string): number {
  const [year, month, day] = [date.slice(0, 4), date.slice(4, 6), date.slice(6, 8)];
  return Date.parse(
    `${year}-${month}-${day}T${time.slice(0, 2)}:${time.slice(2, 4)}:${time.slice(4, 6)}Z`,
  );
}

const digitsOf = (ms: number): string => new Date(ms).toISOString().replace(/[-:T]/g, '');
const dateOf = (ms: number): string => digitsOf(ms).slice(0, 8);
