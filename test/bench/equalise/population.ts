/**
 * A network of sites whose pressure differs, and a year of patients, from a seed. What a patient does (takes
 * an offer, cancels, replies late) comes from the patient and the slot, not from the policy: so all policies
 * meet the same people.
 */

import { examinationOf } from '../../../hub/scheduling/rules/examinations.ts';
import {
  type Band,
  DAY_MS,
  type Demand,
  type Examination,
} from '../../../hub/scheduling/rules/facts.ts';
import { tieBreak } from '../../../hub/scheduling/rules/order.ts';
import type { OfferChannel } from '../../../hub/scheduling/rules/refill.ts';
import { metresBetween } from '../../../hub/scheduling/travel/distance.ts';
import { DISTRICTS } from '../../../hub/scheduling/travel/districts.ts';

export const FROM = Date.parse('2025-09-01T00:00:00Z');

export interface Site {
  readonly trust: string;
  readonly postcode: string;
  readonly slotsADay: number;
  /** Of demand to capacity; above 1 its list grows. */
  readonly pressure: number;
  readonly backlogDays: number;
  /** Where its patients live. */
  readonly homes: readonly string[];
  /** Deprivation of its patients in the middle: 1 the most deprived. */
  readonly decile: number;
}

export interface Patient {
  readonly demand: Demand;
  readonly postcode: string;
  readonly decile: number;
  readonly channels: readonly OfferChannel[];
  readonly shortNotice: boolean;
}

export interface World {
  readonly seed: string;
  readonly days: number;
  readonly sites: readonly Site[];
  /** In the order of `since`. */
  readonly patients: readonly Patient[];
}

export interface WorldOptions {
  readonly seed: string;
  readonly days: number;
  readonly siteCount: number;
  readonly slotsADay: number;
}

/** Districts with a hospital. */
const SITE_DISTRICTS = [
  ...['B15', 'B9', 'B66', 'B71', 'B75', 'CV2', 'CV11', 'CV34'],
  ...['DY1', 'WS2', 'WV10', 'ST4', 'TF1', 'WR5', 'HR1'],
];
/** The region's districts, over so many sites. */
const HOMES_PER_SITE = 12;
/** Of all sites together: a little less demand than capacity, as it has to be for a list to end. */
const LEAST_PRESSURE = 0.82;
const MOST_PRESSURE = 1.08;
const MOST_BACKLOG_DAYS = 45;
/** Days until breach by band, and how many of a hundred patients have it. SC-15. */
const BAND_MIX: readonly { band: Band; percent: number; days: number }[] = [
  { band: 'P2', percent: 12, days: 14 },
  { band: 'P3', percent: 20, days: 28 },
  { band: 'P4', percent: 58, days: 42 },
  { band: 'P5', percent: 10, days: 84 },
];
const EXAMINATIONS = ['MSKUH', 'MSPLU', 'MKNEL', 'MKNER', 'MSPIN', 'MPROS', 'MSKUHC'];

export function makeWorld({ seed, days, siteCount, slotsADay }: WorldOptions): World {
  const draw = (...what: (string | number)[]): number => tieBreak(seed, what.join(' '));
  const sites = SITE_DISTRICTS.slice(0, siteCount).map((district, at) =>
    makeSite(district, { at, slotsADay, size: draw('size', district) }),
  );
  const ranked = sites
    .toSorted((a, b) => draw('rank', a.trust) - draw('rank', b.trust))
    .map((site, rank): Site => {
      const share = rank / Math.max(1, siteCount - 1);
      return {
        ...site,
        pressure: LEAST_PRESSURE + share * (MOST_PRESSURE - LEAST_PRESSURE),
        backlogDays: Math.round(share * MOST_BACKLOG_DAYS),
      };
    });
  const patients = ranked.flatMap((site) => patientsOf(site, days, draw));
  patients.sort((a, b) => (a.demand.since < b.demand.since ? -1 : 1));
  return { seed, days, sites: ranked, patients };
}

function makeSite(
  district: string,
  { at, slotsADay, size }: { at: number; slotsADay: number; size: number },
): Site {
  const [latitude = 0, longitude = 0] = DISTRICTS.get(district) ?? [];
  const homes = [...DISTRICTS]
    .map(([name, [lat, long]]) => ({
      name,
      metres: metresBetween({ latitude, longitude }, { latitude: lat, longitude: long }),
    }))
    .toSorted((a, b) => a.metres - b.metres)
    .slice(0, HOMES_PER_SITE)
    .map(({ name }) => name);
  return {
    trust: `T${String(at + 1).padStart(2, '0')}`,
    postcode: `${district} 1AA`,
    slotsADay: Math.max(2, Math.round(slotsADay * (0.6 + 0.8 * size))),
    ...{ pressure: 1, backlogDays: 0, homes, decile: 2 + Math.round(size * 6) },
  };
}

type Draw = (...what: (string | number)[]) => number;

/** Those who waited already when the year begins, then each weekday's. */
function patientsOf(site: Site, days: number, draw: Draw): Patient[] {
  const patients: Patient[] = [];
  const perDay = site.slotsADay * site.pressure;
  for (let day = -site.backlogDays; day < days; day += 1) {
    if (isWeekend(day)) continue;
    const count = Math.floor(perDay + draw('arrivals', site.trust, day));
    for (let n = 0; n < count; n += 1) patients.push(makePatient(site, { day, n, draw }));
  }
  return patients;
}

function makePatient(
  site: Site,
  { day, n, draw }: { day: number; n: number; draw: Draw },
): Patient {
  const id = `${site.trust}-${day}-${n}`;
  const is = (what: string, share: number): boolean => draw(what, id) < share;
  const decile = clamp(site.decile + Math.floor(draw('decile', id) * 5) - 2, 1, 10);
  const { band, days } = bandOf(draw('band', id));
  const since = FROM + day * DAY_MS + 9 * 3_600_000;
  const isPublic = is('transport', 0.45 - 0.035 * decile);
  const isPhoneOnly = is('phone-only', 0.06 + 0.015 * (10 - decile));
  return {
    demand: {
      ...{ id, trust: site.trust, band, examination: examinationDrawn(draw('examination', id)) },
      since: new Date(since).toISOString(),
      breachAt: new Date(since + days * DAY_MS).toISOString(),
      ...{ birthDate: '1970-01-01', sex: is('sex', 0.5) ? 'F' : 'M', needs: [] },
      interpreter: is('interpreter', 0.04),
      consentsElsewhere: is('elsewhere', 0.65),
      wishes: {
        transport: isPublic ? 'public' : 'car',
        maxTravelMinutes: (is('far', 0.5) ? 60 : 45) + (isPublic ? 15 : 0),
      },
      safety: {
        ...{ vetted: true, contrastReaction: 'none', metformin: false, capacity: 'has' },
        // Some are screened only when they are booked: they can not take a late slot.
        mri: is('screened', 0.85)
          ? { pacemaker: 'none', implant: 'none', aneurysmClip: false, metalInEye: false }
          : {},
      },
    },
    postcode: `${site.homes[Math.floor(draw('home', id) * site.homes.length)]} 1AA`,
    decile,
    channels: isPhoneOnly ? ['phone', 'letter'] : ['sms', 'phone', 'letter'],
    shortNotice: is('short-notice', 0.5),
  };
}

function examinationDrawn(draw: number): Examination {
  const found = examinationOf(EXAMINATIONS[Math.floor(draw * EXAMINATIONS.length)] ?? '');
  if (found === null) throw new Error('an examination of the simulator is not in the catalogue');
  return found;
}

function bandOf(draw: number): { band: Band; days: number } {
  let left = draw * 100;
  for (const one of BAND_MIX) {
    if (left < one.percent) return one;
    left -= one.percent;
  }
  return BAND_MIX[2] as (typeof BAND_MIX)[number];
}

/** Surveillance has its own clock: it waits from its due date on (SC-15), as the hub counts it. */
export const waitsSince = ({ demand: { band, since, breachAt } }: Patient): number =>
  Date.parse(band === 'P5' ? breachAt : since);

/** Days, the shortest first; without those who are not due yet. */
export const waitsOf = (patients: readonly Patient[], now: number): number[] =>
  patients
    .map((patient) => (now - waitsSince(patient)) / DAY_MS)
    .filter((days) => days >= 0)
    .toSorted((a, b) => a - b);

/** The year begins on a Monday. */
export const isWeekend = (day: number): boolean => ((day % 7) + 7) % 7 >= 5;

const clamp = (value: number, low: number, high: number): number =>
  Math.min(high, Math.max(low, value));
