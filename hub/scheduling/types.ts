/**
 * The words of cross-site scheduling, as they stand in the log. Times are RFC 3339 UTC, days YYYY-MM-DD by
 * Europe/London. What the rules decide on (demand, place, opening) is in rules/facts.ts and made from these.
 *
 *   resource   what can be booked: a scanner, a room, a staffed session of one trust
 *   slot       a time of a resource; several in a row make room for a longer examination
 *   diary      the slots of one resource on one day: decided on at once, `cdip.hub.diary.<resource>.<day>`
 *   request    an examination that a patient waits for, and all that says where it may be done
 *   booking    a request in slots: held until it is confirmed, then booked · offer: a patient asked for a slot
 */
import type { OrderStatus } from '../../shared/contract/events.ts';
import type { Band, Capability, Examination, Place, Safety, Wishes } from './rules/facts.ts';
import type { OfferChannel, RefillRow } from './rules/refill.ts';

/** Who decides on a diary: this network, or the trust's RIS, which has to confirm what is held (SC-01). */
export type Authority = 'cdip' | 'ris';

export interface Resource extends Omit<Place, 'resource'> {
  readonly id: string;
  readonly name: string;
  /** Told as capabilities, and no rule knows them. */
  readonly notUnderstood: readonly string[];
  /** Minutes by examination code, and between two patients; what is absent is as the network says (SC-11). */
  readonly durations: {
    readonly minutes?: Readonly<Record<string, number>>;
    readonly changeoverMinutes?: number;
  };
  /** Null: its trust's. */
  readonly postcode: string | null;
  /** How the trust's RIS names it in AIG-3 or AIL-3, beside `id` and `name`. */
  readonly risName: string | null;
  /** When nothing is done here: closure, quality assurance, breakdown. */
  readonly closures: readonly Closure[];
  /** So much of its slots at most goes to patients of other trusts, 0 to 1 (SC-21). */
  readonly offeredOutShare: number;
}

export interface Closure {
  readonly from: string;
  readonly to: string;
  readonly reason: string;
}

export type SlotStatus =
  | 'free'
  /** For a booking that is not confirmed yet. */
  | 'held'
  /** For those who are offered it. */
  | 'offered'
  | 'booked';

export interface Slot {
  /** Names it in the whole network. */
  readonly id: string;
  readonly resource: string;
  readonly date: string;
  readonly start: string;
  readonly minutes: number;
  readonly status: SlotStatus;
  /** The booking or the refill that has it. */
  readonly owner: string | null;
  /** When a hold ends by itself. */
  readonly until: string | null;
}

export interface RequestPatient {
  readonly patientId: string;
  readonly issuer: string;
  readonly nhsNumber: string | null;
  /** As DICOM PN. */
  readonly name: string | null;
  /** YYYY-MM-DD. */
  readonly birthDate: string;
  readonly sex: 'M' | 'F' | null;
  readonly postcode: string | null;
  /** Of deprivation: 1 the most deprived tenth of all addresses. */
  readonly decile: number | null;
  readonly email: string | null;
  readonly phone: string | null;
  /** YYYY-MM-DD when phone and e-mail were last found right: after 12 months they are not used (SC-33). */
  readonly verifiedOn: string | null;
  /** S-flag: no place is told, nothing is offered (ID-21). */
  readonly restricted: boolean;
  readonly deceased: boolean;
}

export interface ImagingRequest {
  readonly requestId: string;
  /** The trust that it was referred to, and where its report goes back to. */
  readonly trust: string;
  readonly patient: RequestPatient;
  readonly examination: Examination;
  /** The request itself says how long it takes. */
  readonly minutesTold: boolean;
  /** Set by the vetting clinician; never lowered here (SC-15). */
  readonly band: Band;
  /** With `vetted`: nothing is confirmed before the examination is justified (IR(ME)R). */
  readonly safety: Safety;
  /** Capabilities that the patient needs: wheelchair, hoist, female-operator, … */
  readonly needs: readonly Capability[];
  readonly interpreter: boolean;
  readonly language: string | null;
  readonly wishes: Wishes;
  /** How the patient can be reached, best first; only `phone`: a phone-only patient (SC-21). */
  readonly channels: readonly OfferChannel[];
  /** Agreed to be offered other trusts, and to the referral going there (SC-13). */
  readonly consentsElsewhere: boolean;
  /** Asked for offers at short notice (SC-33). */
  readonly shortNotice: boolean;
  /** Answered STOP, or told staff so: no offers at all. */
  readonly optedOut: boolean;
  readonly since: string;
  readonly breachAt: string;
  /** Of P5: when it is due. */
  readonly dueAt: string | null;
  /** The trust's order that it came from. */
  readonly orderId: string | null;
  readonly accessionNumber: string | null;
  readonly referrer: string | null;
  readonly createdBy: string;
  readonly createdAt: string;
  readonly cancelled: { readonly by: string; readonly at: string; readonly reason: string } | null;
  readonly transfer: Transfer | null;
  /** What its order last told; absent: it came otherwise. */
  readonly order?: OrderTold;
  /** By which the patient chooses; absent: none was given. */
  readonly link?: PatientLink;
}

export interface OrderTold {
  /** RFC 3339, when the RIS says that it was so. */
  readonly asOf: string;
  readonly status: OrderStatus;
  readonly band: Band;
  readonly code: string;
}

export interface PatientLink {
  /** SHA-256 of its secret. */
  readonly hash: string;
  /** Of the passes that the right birth date gives. */
  readonly key: string;
  readonly expiresAt: string;
  readonly wrongAnswers: number;
}

/** The referral on its way to another trust: more than a move in a calendar (SC-13). */
export interface Transfer {
  readonly to: string;
  readonly bookingId: string;
  readonly state: 'asked' | 'accepted' | 'refused';
  readonly at: string;
  readonly reason: string | null;
}

export const BOOKING_STATES = [
  'held',
  'booked',
  'cancelled',
  /** Not confirmed in time, or let go. */
  'expired',
  /** By the RIS. */
  'refused',
  'missed',
  'attended',
] as const;
export type BookingState = (typeof BOOKING_STATES)[number];

export interface Booking {
  readonly bookingId: string;
  /** Null: the RIS booked it by itself. */
  readonly requestId: string | null;
  readonly trust: string;
  readonly resource: string;
  readonly date: string;
  /** In order of time, each beginning where the one before ends. */
  readonly slotIds: readonly string[];
  readonly start: string;
  readonly minutes: number;
  readonly state: BookingState;
  /** Why it is in this state, in words. */
  readonly reason: string | null;
  readonly heldUntil: string | null;
  /** Of what is held: who has to confirm it. It stays, so that it is known whether the RIS was told. */
  readonly awaits: 'person' | 'ris' | null;
  /** The booking whose place it takes; freed once this one is booked (SC-31). */
  readonly replaces: string | null;
  /** Of one that was freed for another: it counts only while that one is booked when it comes to the log. */
  readonly freedFor?: string;
  readonly offerId: string | null;
  /**
   * Whoever booked was answered that it waits, and is told that it is not booked; or the RIS took or moved what was
   * booked, and the patient is told. Absent: nothing is owed.
   */
  readonly notice?: BookingNotice;
  /** `ris`: it ended it, and need not be told. */
  readonly endedBy?: 'ris';
  /** The RIS's own number of it. */
  readonly risAppointmentId: string | null;
  /** When the RIS says that what it last said of it was so. */
  readonly risAsOf?: string;
  readonly idempotency: { readonly key: string; readonly request: string } | null;
  readonly by: string;
  readonly at: string;
}

export interface BookingNotice {
  /** `staff`: no message reaches the patient, who has to be phoned. `none`: there is nobody to be told any more. */
  readonly state: 'due' | 'sending' | 'sent' | 'staff' | 'none';
  /** Since when it is so. */
  readonly at: string;
  readonly channel: OfferChannel | null;
}

export type OfferMode = RefillRow['mode'];
export type OfferState =
  | 'open'
  | 'accepted'
  | 'declined'
  | 'expired'
  /** It was accepted, and the RIS did not book it. */
  | 'refused'
  /** Somebody was quicker, or the slot went otherwise. */
  | 'superseded';

export interface Offer {
  readonly offerId: string;
  readonly refillId: string;
  readonly requestId: string;
  readonly mode: OfferMode;
  readonly channel: OfferChannel;
  readonly state: OfferState;
  readonly offeredAt: string;
  readonly expiresAt: string;
  readonly endedAt: string | null;
  /** SHA-256 of the secret in the link; null: none was sent. */
  readonly linkHash: string | null;
  /** When its message went out; null: not yet, or none is sent. */
  readonly sentAt: string | null;
  /** How often the link was tried with another birth date. */
  readonly wrongAnswers: number;
}

/** What is done with slots that were given back. */
export interface PhoneTurn {
  /** Theirs of the list: what is due to them when this slot is filled again. */
  readonly share: number;
  /** Staff phone them first. */
  readonly isTurn: boolean;
}

export interface Refill {
  readonly refillId: string;
  readonly trust: string;
  readonly resource: string;
  readonly date: string;
  readonly slotIds: readonly string[];
  readonly start: string;
  readonly minutes: number;
  /** Rebookings that led here: each acceptance of a patient who had a slot frees another (SC-31). */
  readonly chain: number;
  readonly state: 'running' | 'filled' | 'ended';
  readonly reason: string | null;
  readonly offers: readonly Offer[];
  readonly startedAt: string;
  /** How those who can only be phoned stood when it began; absent: it began before that was looked at. */
  readonly phoneOnly?: PhoneTurn;
}
