/**
 * What patients do, the same under every policy. These shares are assumptions of the simulator, written
 * here so that they can be changed: nobody has measured them for this network.
 */
import { tieBreak } from '../../../hub/scheduling/rules/order.ts';
import type { Patient } from './population.ts';

/** Of bookings: given back within 48 hours of the slot, or earlier. */
const CANCEL_LATE = 0.06;
const CANCEL_EARLY = 0.06;
export const LATE_HOURS = 48;
/** Of those who give back: need it still. */
const STILL_NEEDS = 0.85;
const TAKES_OWN_SITE = 0.95;
const TAKES_OTHER_SITE = 0.7;
const PICKS_UP = 0.6;
/** Who did not ask for short notice, and is phoned all the same. */
const UNASKED = 0.4;
/** Minutes until half of those who reply to a message have. */
const REPLY_MINUTES = 25;

export class Behaviour {
  readonly #seed: string;

  constructor(seed: string) {
    this.#seed = seed;
  }

  takesBooking({ demand }: Patient, slot: string, isOwn: boolean): boolean {
    return this.#draw('takes', demand.id, slot) < (isOwn ? TAKES_OWN_SITE : TAKES_OTHER_SITE);
  }

  /** Hours before the slot at which it is given back; null: the patient comes. */
  cancels({ demand }: Patient, booking: number): number | null {
    const draw = this.#draw('cancels', demand.id, booking);
    const when = this.#draw('cancels when', demand.id, booking);
    if (draw < CANCEL_LATE) return when * LATE_HOURS;
    if (draw < CANCEL_LATE + CANCEL_EARLY) return LATE_HOURS + when * 10 * 24;
    return null;
  }

  needsItStill({ demand }: Patient, booking: number): boolean {
    return this.#draw('needs', demand.id, booking) < STILL_NEEDS;
  }

  picksUp({ demand }: Patient, slot: string): boolean {
    return this.#draw('picks up', demand.id, slot) < PICKS_UP;
  }

  /** @param hours to the slot: the later, the fewer can come */
  takesLate({ demand, shortNotice }: Patient, slot: string, hours: number): boolean {
    const share = hours >= 48 ? 0.4 : hours >= 6 ? 0.3 : 0.2;
    return this.#draw('takes', demand.id, slot) < share * (shortNotice ? 1 : UNASKED);
  }

  /** After a message. */
  replyMinutes({ demand }: Patient, slot: string): number {
    return -Math.log2(1 - this.#draw('reply', demand.id, slot)) * REPLY_MINUTES;
  }

  #draw(...what: (string | number)[]): number {
    return tieBreak(this.#seed, what.join(' '));
  }
}
