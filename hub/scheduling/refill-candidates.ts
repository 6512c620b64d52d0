/**
 * Who is asked for a slot that was given back, in the order of the rules, with the reason for everybody
 * else. SC-20, SC-21, SC-23, SC-33.
 */
import { rfc3339 } from '../../shared/clock.ts';
import type { Sqlite } from '../../shared/sqlite/open.ts';
import type { TrustConfig } from '../config.ts';
import { demandOf, flagsOf, openingOf } from './demand.ts';
import { candidateRequests, offersSince } from './refill-rows.ts';
import { findBooking } from './rows.ts';
import { type Candidate, type Decision, decideOrder } from './rules/decide.ts';
import { DAY_MS, type Removal } from './rules/facts.ts';
import { isPhoneOnly, type OfferChannel, offerRefusals, type RefillRow } from './rules/refill.ts';
import { ukDay, ukMoment } from './rules/uk-time.ts';
import type { TravelTimes } from './search.ts';
import { guardrailsAt, tooLong } from './slot-limits.ts';
import type { ImagingRequest, Refill, Resource } from './types.ts';

/** The most urgent of those who wait. */
const LOOKED_AT = 500;
const GAVE_IT_BACK: Removal = { rule: 'gave-back', reason: 'The patient gave this slot back' };
const TAKEN_AWAY: Removal = {
  rule: 'gave-back',
  reason: 'The RIS took this slot from the patient',
};
const PHONE_TURN: Removal = {
  rule: 'phone-turn',
  reason: 'First those who can only be phoned are asked',
};
const DAY_MINUTES = 1_440;

export interface CandidateParts {
  readonly db: Sqlite;
  readonly trusts: readonly TrustConfig[];
  readonly travel: TravelTimes | null;
  /** What a message can be sent by; `phone`: staff. */
  readonly channels: ReadonlySet<OfferChannel>;
}

export interface RefillQuestion {
  readonly refill: Refill;
  readonly resource: Resource;
  readonly row: RefillRow;
  /** Only those who can be reached by nothing else. */
  readonly isPhoneTurn: boolean;
}

export function decideCandidates(
  parts: CandidateParts,
  { refill, resource, row, isPhoneTurn }: RefillQuestion,
  now: number,
): { decision: Decision; requests: ReadonlyMap<string, ImagingRequest> } {
  const { db } = parts;
  const after = rfc3339(Date.parse(refill.start) + DAY_MS);
  const found = candidateRequests(db, { modality: resource.modality, after }, LOOKED_AT);
  const requests = new Map(found.map((request) => [request.requestId, request]));
  const { start, slotIds } = refill;
  const guardrails = guardrailsAt(db, resource, { start, kept: slotIds.length, now });
  const given = findBooking(db, refill.refillId);
  const candidates = found.map((request): Candidate => {
    const removedBy = [
      ...(request.requestId === given?.requestId
        ? [given.endedBy === 'ris' ? TAKEN_AWAY : GAVE_IT_BACK]
        : []),
      ...guardrails(request.trust),
      ...(isPhoneTurn && !isReachedByPhoneOnly(parts, request) ? [PHONE_TURN] : []),
      ...notReached(parts, request, { refill, row, now }),
      ...tooLong(request, resource, refill),
    ];
    const travelMinutes = travelMinutesOf(parts, request, { refill, resource });
    return { demand: demandOf(request), travelMinutes, removedBy };
  });
  // How long it takes is looked at request by request: where nobody says, a slot is as long as it was cut.
  const slot = { id: refill.slotIds[0] ?? '', start: refill.start };
  const opening = openingOf(resource, slot, DAY_MINUTES);
  const decision = decideOrder(opening, candidates, { seed: refill.refillId, now });
  return { decision, requests };
}

/** The channel of the row that suits the patient best and that a message can be sent by. */
export const channelFor = (
  { channels }: Pick<ImagingRequest, 'channels'>,
  row: RefillRow,
  sendable: ReadonlySet<OfferChannel>,
): OfferChannel | undefined =>
  channels.find((channel) => row.channels.includes(channel) && sendable.has(channel));

/** By nothing else that this hub can send by. */
export const isReachedByPhoneOnly = (
  { channels: sendable }: Pick<CandidateParts, 'channels'>,
  { channels }: Pick<ImagingRequest, 'channels'>,
): boolean => isPhoneOnly({ channels: channels.filter((channel) => sendable.has(channel)) });

function notReached(
  { db, channels }: CandidateParts,
  request: ImagingRequest,
  { refill, row, now }: { refill: Refill; row: RefillRow; now: number },
): Removal[] {
  const { deceased, restricted } = flagsOf(db, request);
  const { shortNotice, optedOut, patient } = request;
  const midnight = rfc3339(ukMoment(ukDay(now), 0));
  const verified = patient.verifiedOn === null ? {} : { verifiedOn: patient.verifiedOn };
  const reachable = {
    ...{ deceased, sensitive: restricted, optedOut, shortNotice, ...verified },
    channels: request.channels.filter((channel) => channels.has(channel)),
    // Staff who phone do not count what was sent.
    offersToday: row.mode === 'staff' ? 0 : offersSince(db, request, midnight),
  };
  return offerRefusals(reachable, { start: refill.start, now, row });
}

function travelMinutesOf(
  { trusts, travel }: CandidateParts,
  { patient, wishes }: ImagingRequest,
  { refill, resource }: { refill: Refill; resource: Resource },
): number | null {
  const site = resource.postcode ?? trusts.find(({ ods }) => ods === resource.trust)?.postcode;
  if (travel === null || patient.postcode === null || site === undefined) return null;
  const by = wishes.transport ?? 'car';
  return travel.to({ from: patient.postcode, to: site, by, start: refill.start }).minutes;
}
