/** A search for slots as it is asked: of a request, or of an examination alone. SC-14, ID-21. */

import type { Clock } from '../../shared/clock.ts';
import type { Sqlite } from '../../shared/sqlite/open.ts';
import type { Principal } from '../access/rules.ts';
import type { TrustConfig } from '../config.ts';
import { askedBy } from './bookings.ts';
import { type Asked, flagsOf } from './demand.ts';
import { type FoundSlots, findSlots, type TravelTime } from './find-slots.ts';
import { examinationOf } from './rules/examinations.ts';
import { SchedulingError } from './scheduling-error.ts';
import type { ImagingRequest, Resource } from './types.ts';

export interface SlotSearch {
  readonly request: ImagingRequest | null;
  readonly examCode?: string;
  readonly modality?: string;
  readonly from: string;
  readonly to: string;
  readonly postcode?: string;
  readonly transport?: 'car' | 'public';
  readonly maxMinutes?: number;
  readonly trust?: string;
  readonly resource?: string;
  readonly limit: number;
  readonly offset: number;
}

/** As hub/scheduling/travel answers. */
export interface TravelTimes {
  to(trip: { from: string; to: string; by: 'car' | 'public'; start: string }): TravelTime;
}

export interface SearchParts {
  readonly db: Sqlite;
  readonly trusts: readonly TrustConfig[];
  readonly travel: TravelTimes | null;
  readonly clock: Clock;
}

export interface SearchAnswer extends FoundSlots {
  readonly ownTrust: {
    readonly trust: string;
    readonly isShown: boolean;
    readonly reason: string | null;
  } | null;
}

/** @throws SchedulingError `EXAMINATION_UNKNOWN` */
export function searchSlots(parts: SearchParts, search: SlotSearch, by: Principal): SearchAnswer {
  const { db, clock } = parts;
  const { request, from, to, limit, offset } = search;
  const asked = askedOf(search, by);
  const travelTo = travelOf(parts, search, asked);
  const { trust, resource } = search;
  const question = {
    ...{ asked, from, to, travelTo, now: clock.now() },
    ...(trust === undefined ? {} : { trust }),
    ...(resource === undefined ? {} : { resource }),
  };
  const found = findSlots(db, { ...question, limit, offset });
  if (request === null) return { ...found, ownTrust: null };
  const own = findSlots(db, { ...question, trust: request.trust, limit: 1, offset: 0 });
  return withOwnTrust(found, own, request.trust);
}

/** The choice is between going elsewhere and not: the first slot of the own trust is always shown. */
function withOwnTrust(found: FoundSlots, own: FoundSlots, trust: string): SearchAnswer {
  const [first] = own.slots;
  const reason =
    own.notOffered.flatMap(({ reasons }) => reasons.map((one) => one.reason)).join('; ') ||
    'It has no free slot of this kind in this time';
  if (first === undefined) return { ...found, ownTrust: { trust, isShown: false, reason } };
  const isThere = found.slots.some(({ isOwnTrust }) => isOwnTrust);
  const slots = isThere ? found.slots : [...found.slots, first];
  return { ...found, slots, ownTrust: { trust, isShown: true, reason: null } };
}

/** @throws SchedulingError `EXAMINATION_UNKNOWN` */
function askedOf(
  { request, examCode = '', modality, ...search }: SlotSearch,
  by: Principal,
): Asked {
  const { transport, maxMinutes } = search;
  const wished = {
    ...(transport === undefined ? {} : { transport }),
    ...(maxMinutes === undefined ? {} : { maxTravelMinutes: maxMinutes }),
  };
  if (request !== null) {
    const asked = askedBy(request);
    const wishes = { ...asked.demand.wishes, ...wished };
    return { ...asked, demand: { ...asked.demand, wishes } };
  }
  const examination = examinationOf(examCode, modality === undefined ? {} : { modality });
  if (examination === null)
    throw new SchedulingError(
      'EXAMINATION_UNKNOWN',
      'The code does not tell the modality: give it as modality.',
    );
  const demand = {
    ...{ id: '', trust: by.trust ?? '', examination, band: 'P4' as const, since: NEVER },
    ...{ breachAt: NEVER, safety: { vetted: true }, needs: [], wishes: wished },
    consentsElsewhere: true,
  };
  return { demand, minutesTold: false };
}

const NEVER = '9999-12-31T00:00:00.000Z';

/** Where a patient with the S-flag lives is not used, and so stands in no record (ID-21). */
export function travelOf(
  { db, trusts, travel }: Pick<SearchParts, 'db' | 'trusts' | 'travel'>,
  { request, postcode }: Pick<SlotSearch, 'request' | 'postcode'>,
  { demand: { wishes } }: Asked,
): ((resource: Resource, start: string) => TravelTime) | null {
  if (travel === null || (request !== null && flagsOf(db, request).restricted)) return null;
  const from = postcode ?? request?.patient.postcode;
  if (from === undefined || from === null) return null;
  const by = wishes.transport ?? 'car';
  return (resource, start) => {
    const trust = trusts.find(({ ods }) => ods === resource.trust);
    return travel.to({ from, to: resource.postcode ?? trust?.postcode ?? '', by, start });
  };
}
