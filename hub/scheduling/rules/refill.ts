/** How a released slot is offered, by the time that is left: the table of SC-30, and who may be asked (SC-33). */
import { HOUR_MS, hoursTo, type Removal } from './facts.ts';
import { ukDay, ukHour, ukMoment } from './uk-time.ts';

export type OfferChannel = 'app' | 'sms' | 'email' | 'letter' | 'automated-call' | 'phone';

export interface RefillRow {
  /** The row holds from this many hours to the slot on. */
  readonly fromHours: number;
  readonly mode: 'sequential' | 'batch' | 'staff';
  /** Open offers at a time. */
  readonly atOnce: number;
  readonly holdMinutes: number;
  /** The hold runs only in waking hours, 08:00 to 20:00. */
  readonly wakingHoursOnly: boolean;
  readonly channels: readonly OfferChannel[];
}

export const REFILL_TABLE: readonly RefillRow[] = [
  {
    ...{ fromHours: 7 * 24, mode: 'sequential', atOnce: 1, holdMinutes: 24 * 60 },
    ...{ wakingHoursOnly: false, channels: ['app', 'sms', 'email', 'letter'] },
  },
  {
    ...{ fromHours: 48, mode: 'sequential', atOnce: 1, holdMinutes: 4 * 60 },
    ...{ wakingHoursOnly: true, channels: ['sms', 'app', 'email'] },
  },
  {
    ...{ fromHours: 6, mode: 'batch', atOnce: 5, holdMinutes: 60 },
    ...{ wakingHoursOnly: false, channels: ['sms', 'app', 'email', 'automated-call'] },
  },
  {
    ...{ fromHours: Number.NEGATIVE_INFINITY, mode: 'staff', atOnce: 1, holdMinutes: 15 },
    ...{ wakingHoursOnly: false, channels: ['phone'] },
  },
];

/** Staff phone down a list. */
export const STAFF_ROW = REFILL_TABLE.at(-1) as RefillRow;

/** Waking hours in the UK; messages outside of them wait. SC-33. */
export const WAKING_HOURS = [8, 20] as const;
export const MAX_OFFERS_A_DAY = 2;
/** Of one day: a slot that is freed by a refill is refilled itself, but not for ever. SC-31. */
export const MAX_CHAIN = 3;
/** Staff who phone down a list get through it in this, or have no time for it: then the table goes on. */
const PHONE_TURN_MS = 90 * 60_000;
const SHORT_NOTICE_HOURS = 7 * 24;
const NUMBER_GOOD_MS = 365 * 24 * HOUR_MS;

export function refillRow(start: string, now: number): RefillRow {
  const hours = hoursTo(start, now);
  const row = REFILL_TABLE.find(({ fromHours }) => hours >= fromHours);
  return row ?? STAFF_ROW;
}

/** When an offer that is made now ends; never after the slot begins. */
export function holdUntil(
  { holdMinutes, wakingHoursOnly }: RefillRow,
  start: string,
  now: number,
): number {
  const minutes = holdMinutes * 60_000;
  const until = wakingHoursOnly ? afterWakingTime(now, minutes) : now + minutes;
  return Math.min(until, Date.parse(start));
}

export function isQuiet(at: number): boolean {
  const hour = ukHour(at);
  return hour < WAKING_HOURS[0] || hour >= WAKING_HOURS[1];
}

/** The next moment at which a message may be sent; `at` itself in waking hours. */
export function nextWakingMoment(at: number): number {
  if (!isQuiet(at)) return at;
  const day = ukHour(at) < WAKING_HOURS[0] ? ukDay(at) : ukDay(at + 12 * HOUR_MS);
  return ukMoment(day, WAKING_HOURS[0]);
}

/** Until when only those who can only be phoned are asked; a late slot is for all from half of its time on. SC-21. */
export function phoneTurnUntil(startedAt: number, start: string): number {
  const from = nextWakingMoment(startedAt);
  return from + Math.min(PHONE_TURN_MS, (Date.parse(start) - from) / 2);
}

function afterWakingTime(from: number, ms: number): number {
  const start = nextWakingMoment(from);
  const evening = ukMoment(ukDay(start), WAKING_HOURS[1]);
  const left = evening - start;
  return ms <= left ? start + ms : afterWakingTime(evening, ms - left);
}

/** What decides whether a patient may be sent an offer. SC-33, ID-20. */
export interface Reachable {
  readonly sensitive?: boolean;
  readonly deceased?: boolean;
  /** Answered STOP, or told staff so. */
  readonly optedOut?: boolean;
  readonly shortNotice?: boolean;
  readonly offersToday: number;
  /** What the patient can be reached by. */
  readonly channels: readonly OfferChannel[];
  /** YYYY-MM-DD: when the number or address was last found right. */
  readonly verifiedOn?: string;
}

export interface OfferMoment {
  readonly start: string;
  readonly now: number;
  /** Absent: that of the time that is left. */
  readonly row?: RefillRow;
}

/** Why this patient is not sent an offer by a message; staff may still phone those who are `phoneOnly`. */
export function offerRefusals(
  patient: Reachable,
  { start, now, row = refillRow(start, now) }: OfferMoment,
): Removal[] {
  const isShort = hoursTo(start, now) < SHORT_NOTICE_HOURS;
  const checks: [boolean | undefined, string, string][] = [
    [patient.deceased, 'deceased', 'The patient has died'],
    [patient.sensitive, 'sensitive', 'Sensitive record: no offers by message or on a list'],
    [patient.optedOut, 'opted-out', 'The patient does not want offers'],
    [
      isShort && patient.shortNotice !== true,
      'short-notice',
      'The patient has not asked for offers at short notice',
    ],
    [
      patient.offersToday >= MAX_OFFERS_A_DAY,
      'offers-today',
      `${MAX_OFFERS_A_DAY} offers today already`,
    ],
    [
      !row.channels.some((channel) => patient.channels.includes(channel)),
      'channel',
      row.mode === 'staff' ? 'Can not be phoned' : 'Can be reached by phone only: staff call',
    ],
    [
      row.mode !== 'staff' && !isNumberGood(patient.verifiedOn, now),
      'number-old',
      'Number or address not verified for 12 months',
    ],
    [
      row.mode !== 'staff' && isQuiet(now),
      'quiet-hours',
      'Between 20:00 and 08:00: waits until 08:00',
    ],
  ];
  return checks.filter(([isSo]) => isSo === true).map(([, rule, reason]) => ({ rule, reason }));
}

/** Found right within the last 12 months. @param verifiedOn YYYY-MM-DD */
export const isNumberGood = (verifiedOn: string | null | undefined, now: number): boolean =>
  now - Date.parse(verifiedOn ?? '1970-01-01') <= NUMBER_GOOD_MS;

/** Reached by the voice of staff and by nothing else. */
export const isPhoneOnly = ({ channels }: Pick<Reachable, 'channels'>): boolean =>
  channels.includes('phone') && channels.every((one) => one === 'phone' || one === 'letter');
