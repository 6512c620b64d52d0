/**
 * Whom staff phone to fill a slot, in the order of the rules, and who is not called and why. SC-20, SC-21, SC-30, SC-33.
 *
 *   those who wait for this modality ─► may be offered at all ─► may be called ─► order
 */
import type { Sqlite } from '../../shared/sqlite/open.ts';
import { demandOf, flagsOf, openingOf } from './demand.ts';
import type { TravelTime } from './find-slots.ts';
import { listRequests } from './lists.ts';
import { type Candidate, type Decision, decideOrder } from './rules/decide.ts';
import type { Removal } from './rules/facts.ts';
import { offerRefusals, STAFF_ROW } from './rules/refill.ts';
import { guardrailsAt, tooLong } from './slot-limits.ts';
import type { ImagingRequest, Resource, Slot } from './types.ts';

/** The most urgent of those who wait: nobody phones further down a list in one day. */
const LOOKED_AT = 500;
const DAY_MINUTES = 1_440;

export interface CallList {
  readonly decision: Decision;
  readonly requests: ReadonlyMap<string, ImagingRequest>;
  readonly travel: ReadonlyMap<string, TravelTime | null>;
}

export interface CallListQuestion {
  readonly resource: Resource;
  readonly slot: Slot;
  /** The trust whose patients are looked at; null: those of all. */
  readonly trust: string | null;
  readonly now: number;
  readonly travelTo: (request: ImagingRequest) => TravelTime | null;
}

export function callList(
  db: Sqlite,
  { resource, slot, trust, now, travelTo }: CallListQuestion,
): CallList {
  const { requests: found } = listRequests(
    db,
    { trust, state: 'waiting', modality: resource.modality },
    { limit: LOOKED_AT, offset: 0 },
  );
  const requests = new Map(found.map(({ request }) => [request.requestId, request]));
  const travel = new Map([...requests].map(([id, request]) => [id, travelTo(request)]));
  const kept = slot.status === 'free' ? 0 : 1;
  const guardrails = guardrailsAt(db, resource, { start: slot.start, kept });
  const candidates = [...requests.values()].map(
    (request): Candidate => ({
      demand: demandOf(request),
      travelMinutes: travel.get(request.requestId)?.minutes ?? null,
      removedBy: [
        ...(request.trust === resource.trust ? [] : guardrails),
        ...notToCall(db, request, { slot, now }),
        ...tooLong(request, resource, slot),
      ],
    }),
  );
  // How long it takes is looked at request by request: where nobody says, a slot is as long as it was cut.
  const opening = openingOf(resource, slot, DAY_MINUTES);
  const decision = decideOrder(opening, candidates, { seed: slot.id, now });
  return { decision, requests, travel };
}

function notToCall(
  db: Sqlite,
  request: ImagingRequest,
  { slot: { start }, now }: { slot: Slot; now: number },
): Removal[] {
  const { channels, shortNotice, optedOut } = request;
  const { deceased, restricted } = flagsOf(db, request);
  const reachable = { channels, shortNotice, optedOut, deceased, sensitive: restricted };
  // A call is no message: how many of them came today does not count.
  return offerRefusals({ ...reachable, offersToday: 0 }, { start, now, row: STAFF_ROW });
}
