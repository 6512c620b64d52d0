/**
 * What is decided of resources, diaries, requests and refills, as it stands in the log. The order of the
 * stream is the same for every hub, so what follows from it is too: see apply.ts.
 *
 *   cdip.hub.resource.<id>   cdip.hub.diary.<resource>.<day>   cdip.hub.request.<id>   cdip.hub.refill.<id>
 */
import * as z from 'zod';
import type { Decision } from './rules/decide.ts';
import type { Authority, Booking, ImagingRequest, Refill, Resource } from './types.ts';

export interface SlotTime {
  readonly id: string;
  readonly start: string;
  readonly minutes: number;
}

interface OfDiary {
  readonly v: 1;
  readonly resource: string;
  readonly date: string;
  readonly trust: string;
}

export type DiaryDecision =
  /** The diary as it is planned. Slots that somebody has stay, listed or not. */
  | (OfDiary & {
      readonly kind: 'planned';
      readonly authority: Authority;
      readonly slots: readonly SlotTime[];
    })
  /** Bookings as they are now, whole; `added`: slots that the RIS made for what it booked. */
  | (OfDiary & {
      readonly kind: 'booked';
      readonly bookings: readonly Booking[];
      readonly added?: readonly SlotTime[];
    })
  /** Free slots are kept for those who are offered them, until a moment; null: they are free again. */
  | (OfDiary & {
      readonly kind: 'offered';
      readonly refillId: string;
      readonly slotIds: readonly string[];
      readonly until: string | null;
    });

export interface ResourceDecision {
  readonly v: 1;
  readonly resource: Resource;
}
export interface RequestDecision {
  readonly v: 1;
  readonly request: ImagingRequest;
}
export interface RefillDecision {
  readonly v: 1;
  readonly refill: Refill;
  /** Why these offers were made: every candidate, what removed it, or its score (SC-23). */
  readonly decision?: Decision;
}

const Version = z.literal(1);
const Id = z.string().min(1);
const Slots = z.array(z.object({ id: Id, start: z.iso.datetime(), minutes: z.int().positive() }));
const ofDiary = { v: Version, resource: Id, date: Id, trust: Id };

/** Checks what the rows stand on; the rest is read as it was written. */
export const DiaryDecisionSchema = z.discriminatedUnion('kind', [
  z.looseObject({
    ...ofDiary,
    kind: z.literal('planned'),
    authority: z.enum(['cdip', 'ris']),
    slots: Slots,
  }),
  z.looseObject({
    ...ofDiary,
    kind: z.literal('booked'),
    bookings: z.array(
      z.looseObject({ bookingId: Id, state: Id, start: z.iso.datetime(), slotIds: z.array(Id) }),
    ),
    added: Slots.optional(),
  }),
  z.looseObject({
    ...ofDiary,
    kind: z.literal('offered'),
    refillId: Id,
    slotIds: z.array(Id),
    until: z.iso.datetime().nullable(),
  }),
]);
export const ResourceDecisionSchema = z.object({
  v: Version,
  resource: z.looseObject({ id: Id, trust: Id, modality: Id }),
});
export const RequestDecisionSchema = z.object({
  v: Version,
  request: z.looseObject({ requestId: Id, trust: Id, band: Id, since: z.iso.datetime() }),
});
export const RefillDecisionSchema = z.object({
  v: Version,
  refill: z.looseObject({ refillId: Id, start: z.iso.datetime(), state: Id }),
});

/** An id as one token of a subject: the broker gives a meaning to dots and stars. */
export const tokenOf = (id: string): string =>
  encodeURIComponent(id).replaceAll('.', '%2E').replaceAll('*', '%2A');
