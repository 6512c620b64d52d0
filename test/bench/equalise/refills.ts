/** What becomes of a slot that was given back: offers by the table, or the site's staff at the telephone. */
import { HOUR_MS } from '../../../hub/scheduling/rules/facts.ts';
import { isPhoneTurn, phoneOnlyShare } from '../../../hub/scheduling/rules/guardrails.ts';
import {
  holdUntil,
  isPhoneOnly,
  nextWakingMoment,
  offerRefusals,
  REFILL_TABLE,
  type Reachable,
  refillRow,
} from '../../../hub/scheduling/rules/refill.ts';
import { ukDay, ukHour, ukMoment, ukWeekday } from '../../../hub/scheduling/rules/uk-time.ts';
import type { Patient } from './population.ts';
import type { SimSlot, Simulation } from './simulation.ts';

const MINUTE_MS = 60_000;
/** From the call to the scan there has to be the way, and this. */
const GET_READY_MS = 30 * MINUTE_MS;
/** Who is looked at for the next offers. */
const SHORTLIST = 12;
/** Staff who work by their own list: office hours, and this many calls for one slot. */
const OFFICE_HOURS = [9, 17] as const;
const OFFICE_CALLS = 6;
/** A call that is answered; one that is not. */
const CALL_MS = 10 * MINUTE_MS;
const RING_MS = 3 * MINUTE_MS;
/** Calls to those who can only be phoned, before messages go out: less than an hour and a half. */
const PHONE_TURN_CALLS = 12;

export interface GivenBack {
  readonly now: number;
  /** Who gave it back. */
  readonly not: Patient;
}

export class Refills {
  readonly #simulation: Simulation;
  readonly #offers = new Map<string, number>();
  #byPhoneOnly = 0;
  #due = 0;

  constructor(simulation: Simulation) {
    this.#simulation = simulation;
  }

  /** Each site by itself, as it is done without the network. */
  byTheSite(slot: SimSlot, { now, not }: GivenBack): void {
    const asked = new Set([not.demand.id]);
    let at = now;
    for (let call = 0; call < OFFICE_CALLS; call += 1) {
      at = nextOfficeMoment(at);
      if (at > slot.start - GET_READY_MS) return;
      const taker = this.#call(slot, { at, asked, isMeant: () => true });
      if (taker === 'nobody') return;
      if (typeof taker === 'object') {
        this.#fill(slot, taker, at);
        return;
      }
      at += taker === 'no' ? CALL_MS : RING_MS;
    }
  }

  /** SC-30, with the hold-back for those who can only be phoned. */
  byTheTable(slot: SimSlot, { now, not }: GivenBack): void {
    const asked = new Set([not.demand.id]);
    let at = now;
    if (this.#isPhoneTurn()) at = this.#phoneOnlyFirst(slot, { at, asked });
    while (slot.takenBy === null && at < slot.start - GET_READY_MS) {
      const row = refillRow(slot.opening.start, at);
      at = nextWakingMoment(at);
      at =
        row.mode === 'staff'
          ? this.#staff(slot, { at, asked })
          : this.#messages(slot, { at, asked });
    }
  }

  #isPhoneTurn(): boolean {
    return isPhoneTurn({ byPhoneOnly: this.#byPhoneOnly, due: this.#due, ...this.#list() });
  }

  #list(): { waiting: number; waitingPhoneOnly: number } {
    const { lists } = this.#simulation;
    return { waiting: lists.size, waitingPhoneOnly: lists.count(isPhoneOnly) };
  }

  #phoneOnlyFirst(slot: SimSlot, { at, asked }: { at: number; asked: Set<string> }): number {
    let moment = nextWakingMoment(at);
    for (let call = 0; call < PHONE_TURN_CALLS; call += 1) {
      if (moment >= slot.start - GET_READY_MS) return moment;
      const taker = this.#call(slot, {
        ...{ at: moment, asked },
        isMeant: (one) => one.shortNotice && isPhoneOnly(one),
      });
      if (taker === 'nobody') return moment;
      if (typeof taker === 'object') {
        this.#fill(slot, taker, moment);
        return moment;
      }
      moment = nextWakingMoment(moment + (taker === 'no' ? CALL_MS : RING_MS));
    }
    return moment;
  }

  /** One call after the other; who says no on the telephone keeps nobody waiting. */
  #staff(slot: SimSlot, { at, asked }: { at: number; asked: Set<string> }): number {
    const taker = this.#call(slot, { at, asked, isMeant: ({ shortNotice }) => shortNotice });
    if (taker === 'nobody') return slot.start;
    if (typeof taker === 'object') this.#fill(slot, taker, at);
    return nextWakingMoment(at + (taker === 'no answer' ? RING_MS : CALL_MS));
  }

  #messages(slot: SimSlot, { at, asked }: { at: number; asked: Set<string> }): number {
    const { behaviour } = this.#simulation;
    const row = refillRow(slot.opening.start, at);
    const standing = this.#simulation.candidates(slot, at, {
      ...{ most: SHORTLIST, isForLater: true },
      isMeant: (one) => !asked.has(one.demand.id) && this.#mayBeSent(one, slot, at),
    });
    const band = standing[0]?.demand.band;
    const batch = standing.filter(({ demand }) => demand.band === band).slice(0, row.atOnce);
    // Nobody left to send to: what remains is the staff's.
    const staffFrom = slot.start - (REFILL_TABLE.at(-2)?.fromHours ?? 0) * HOUR_MS + 1;
    if (batch.length === 0) return Math.max(staffFrom, at + CALL_MS);
    const until = holdUntil(row, slot.opening.start, at);
    const accepted: { patient: Patient; when: number }[] = [];
    for (const patient of batch) {
      asked.add(patient.demand.id);
      this.#countOffer(patient, at);
      const when = at + behaviour.replyMinutes(patient, slot.opening.id) * MINUTE_MS;
      const hours = (slot.start - at) / HOUR_MS;
      if (when <= until && behaviour.takesLate(patient, slot.opening.id, hours))
        accepted.push({ patient, when });
    }
    const [first] = accepted.toSorted((a, b) => a.when - b.when);
    if (first === undefined) return until;
    this.#fill(slot, first.patient, first.when);
    return first.when;
  }

  #mayBeSent({ demand, channels, shortNotice }: Patient, slot: SimSlot, now: number): boolean {
    const reachable: Reachable = {
      ...{ channels, shortNotice, verifiedOn: ukDay(now) },
      offersToday: this.#offers.get(`${demand.id} ${ukDay(now)}`) ?? 0,
    };
    return offerRefusals(reachable, { start: slot.opening.start, now }).length === 0;
  }

  #countOffer({ demand }: Patient, at: number): void {
    const key = `${demand.id} ${ukDay(at)}`;
    this.#offers.set(key, (this.#offers.get(key) ?? 0) + 1);
  }

  #call(
    slot: SimSlot,
    { at, asked, isMeant }: { at: number; asked: Set<string>; isMeant: (one: Patient) => boolean },
  ): Patient | 'no' | 'no answer' | 'nobody' {
    const { behaviour, travelTo } = this.#simulation;
    const inTime = (one: Patient): boolean =>
      at + (travelTo(one, slot.site) ?? 0) * MINUTE_MS + GET_READY_MS <= slot.start;
    const [patient] = this.#simulation.candidates(slot, at, {
      ...{ most: SHORTLIST, isForLater: true },
      isMeant: (one) => !asked.has(one.demand.id) && isMeant(one) && inTime(one),
    });
    if (patient === undefined) return 'nobody';
    asked.add(patient.demand.id);
    if (!behaviour.picksUp(patient, slot.opening.id)) return 'no answer';
    const hours = (slot.start - at) / HOUR_MS;
    return behaviour.takesLate(patient, slot.opening.id, hours) ? patient : 'no';
  }

  #fill(slot: SimSlot, patient: Patient, at: number): void {
    const share = phoneOnlyShare(this.#list());
    this.#due += share;
    if (isPhoneOnly(patient)) this.#byPhoneOnly += 1;
    this.#simulation.book(slot, patient, at);
    this.#simulation.refilled(patient, share);
  }
}

function nextOfficeMoment(at: number): number {
  const [opens, closes] = OFFICE_HOURS;
  const isOpen = ukWeekday(at) <= 5 && ukHour(at) >= opens && ukHour(at) < closes;
  if (isOpen) return at;
  const today = ukMoment(ukDay(at), opens);
  if (at < today && ukWeekday(at) <= 5) return today;
  let next = today + 24 * HOUR_MS;
  while (ukWeekday(next) > 5) next += 24 * HOUR_MS;
  return next;
}
