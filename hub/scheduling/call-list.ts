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

/** Nobody phones more people for one slot. */
export const MOST_CALLED = 50;
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
  /** Who asks: the trust of the slot sees its own patients, and whom it may call of others; another trust its own. */
  readonly trust: string | null;
  readonly now: number;
  readonly travelTo: (request: ImagingRequest) => TravelTime | null;
}

export function callList(
  db: Sqlite,
  { resource, slot, trust, now, travelTo }: CallListQuestion,
): CallList {
  const isSites = trust === resource.trust;
  const { requests: found } = listRequests(
    db,
    { trust: isSites ? null : trust, state: 'waiting', modality: resource.modality },
    { limit: LOOKED_AT, offset: 0 },
  );
  const requests = new Map(found.map(({ request }) => [request.requestId, request]));
  const travel = new Map([...requests].map(([id, request]) => [id, travelTo(request)]));
  const kept = slot.status === 'free' ? 0 : 1;
  const guardrails = guardrailsAt(db, resource, { start: slot.start, kept, now });
  const candidates = [...requests.values()].map(
    (request): Candidate => ({
      demand: demandOf(request),
      travelMinutes: travel.get(request.requestId)?.minutes ?? null,
      removedBy: [
        ...guardrails(request.trust),
        ...notToCall(db, request, { slot, now }),
        ...tooLong(request, resource, slot),
      ],
    }),
  );
  // How long it takes is looked at request by request: where nobody says, a slot is as long as it was cut.
  const opening = openingOf(resource, slot, DAY_MINUTES);
  const all = decideOrder(opening, candidates, { seed: slot.id, now });
  const trustOf = (requestId: string) => requests.get(requestId)?.trust;
  const decision = isSites ? withoutOthersRemoved(all, trustOf, trust) : all;
  return { decision, requests, travel };
}

/** Who of another trust is not to be called, and why, is nothing to the site. */
export function withoutOthersRemoved(
  decision: Decision,
  trustOf: (requestId: string) => string | undefined,
  trust: string,
): Decision {
  const considered = decision.considered.filter(
    ({ requestId, removedBy }) => removedBy.length === 0 || trustOf(requestId) === trust,
  );
  return { ...decision, considered };
}

/** Those who are to be called, in order. */
export const toCall = ({ considered }: Decision): Decision['considered'] =>
  considered.filter(({ removedBy }) => removedBy.length === 0).slice(0, MOST_CALLED);

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
