/**
 * A year of one network under one policy, day by day.
 *
 *   morning: referrals come in, slots are opened, free ones are booked in the order of the rules
 *   then:    slots that are given back, in their order, each tried to be filled again
 *   night:   slots of the day are used or wasted
 *
 * Who is offered what is decided by hub/scheduling/rules, the same that the hub books by.
 */
import { decideOrder } from '../../../hub/scheduling/rules/decide.ts';
import { DAY_MS, HOUR_MS, type Opening, type Place } from '../../../hub/scheduling/rules/facts.ts';
import { guardrailsAgainst, medianWaits } from '../../../hub/scheduling/rules/guardrails.ts';
import { isPhoneOnly, MAX_CHAIN } from '../../../hub/scheduling/rules/refill.ts';
import { ukDay, ukMoment } from '../../../hub/scheduling/rules/uk-time.ts';
import type { Travel } from '../../../hub/scheduling/travel/travel.ts';
import { Behaviour, LATE_HOURS } from './behaviour.ts';
import { Measured, type Outcome } from './measured.ts';
import { FROM, isWeekend, type Patient, type Site, type World, waitsOf } from './population.ts';
import { type GivenBack, Refills } from './refills.ts';
import { ADVISED_EVERY, Sessions } from './sessions.ts';
import { firstOf, WaitingLists } from './waiting-lists.ts';

export interface Policy {
  readonly name: string;
  /** A slot may go to patients of other trusts, by order and guardrails. */
  readonly isShared: boolean;
  /** Slots given back are offered by the table of SC-30; else the site's staff phone its own list. */
  readonly isRefilled: boolean;
  /** Staff take sessions to where the hub advises them to. */
  readonly isMoved?: boolean;
}

export interface SimSlot {
  readonly opening: Opening;
  readonly site: Site;
  readonly start: number;
  takenBy: Patient | null;
  /**
   * Hours before the start at which it was last given back; of one that a patient left for a slot that had been given
   * back, that slot's, when they are fewer: who moves a hole has not filled it.
   */
  releasedHours: number | null;
  /** How many rebookings freed it, one after the other. SC-31. */
  chain: number;
}

interface Release {
  readonly at: number;
  readonly slot: SimSlot;
  readonly patient: Patient;
  readonly booking: number;
  /** The slot that the patient left it for; null: it was given back. */
  readonly leftFor: SimSlot | null;
}

/** Most slots are opened this long before; those kept for the urgent later. */
const OPENED_DAYS = 14;
const KEPT_DAYS = 4;
const KEPT_EVERY = 5;
/** With less time to go a letter and a planned call come too late: the slot has to be refilled. */
export const PLANNED_HOURS = 72;
const SLOT_MINUTES = 60;
const FIRST_HOUR = 8;
const LAST_HOUR = 20;
/** How many are asked for a free slot in one morning. */
const ASKED = 10;
/** Of the share that a trust offers out. */
const COUNTED_DAYS = 28;

export class Simulation {
  readonly lists: WaitingLists;
  /** Those who have a slot, and may be offered an earlier one. */
  readonly #withSlot: WaitingLists;
  readonly #slotOf = new Map<string, SimSlot>();
  readonly behaviour: Behaviour;
  readonly travelTo: (patient: Patient, site: Site) => number | null;
  readonly #world: World;
  readonly #policy: Policy;
  readonly #refills: Refills;
  readonly #measured: Measured;
  readonly #bookings = new Map<string, number>();
  readonly #opened = new Map<string, number>();
  readonly #offeredOut = new Map<string, number>();
  readonly #ownP2 = new Map<string, number>();
  readonly #freeAt = new Map<string, number>();
  readonly #waits = new Map<string, readonly number[]>();
  readonly #sessions: Sessions;
  #free: SimSlot[] = [];
  #booked: SimSlot[] = [];
  #releases: Release[] = [];
  #arrived = 0;

  constructor(world: World, policy: Policy, travel: Travel) {
    this.#world = world;
    this.#policy = policy;
    this.behaviour = new Behaviour(world.seed);
    this.travelTo = remembered(travel);
    const trusts = world.sites.map(({ trust }) => trust);
    const goesTo = this.#sitesFor();
    this.lists = new WaitingLists(trusts, goesTo);
    this.#withSlot = new WaitingLists(trusts, goesTo);
    this.#refills = new Refills(this);
    this.#measured = new Measured(world);
    this.#sessions = new Sessions(world);
  }

  get sites(): readonly Site[] {
    return this.#world.sites;
  }

  get policy(): Policy {
    return this.#policy;
  }

  run(onDay: (day: number) => void = () => {}): Outcome {
    for (let day = 0; day < this.#world.days; day += 1) {
      onDay(day);
      const morning = ukMoment(ukDay(FROM + day * DAY_MS + 12 * HOUR_MS), FIRST_HOUR - 1);
      this.#arrive(morning);
      this.#open(day);
      this.#count(morning);
      if (this.#policy.isMoved === true && day > 0 && day % ADVISED_EVERY === 0)
        this.#sessions.advise(day, this.#waits, this.#world.patients.slice(0, this.#arrived));
      this.#bookFree(morning);
      this.#giveBack(morning + DAY_MS);
      this.#endOf(morning + DAY_MS);
      if (day % 7 === 0) this.#measured.weekly(day, morning, this.lists, this.#booked);
    }
    return { ...this.#measured.outcome(this.#policy.name), sessionsMoved: this.#sessions.moved };
  }

  /** Who may be asked for a slot at a site, with what stands against each; first in order first. */
  candidates(
    slot: SimSlot,
    now: number,
    {
      most,
      isForLater,
      isMeant,
    }: { most: number; isForLater: boolean; isMeant: (patient: Patient) => boolean },
  ): Patient[] {
    const { site } = slot;
    const trusts = this.sites
      .filter((sender) => sender === site || (this.#policy.isShared && this.#mayTake(site, sender)))
      .map(({ trust }) => trust);
    const lists = trusts.map((trust) => this.lists.for(trust, site.trust));
    if (isForLater) lists.push(...trusts.map((trust) => this.#withSlot.for(trust, site.trust)));
    const found = firstOf(lists, most, (patient) => {
      const has = this.#slotOf.get(patient.demand.id);
      return (has === undefined || has.start > slot.start + DAY_MS) && isMeant(patient);
    });
    const { considered } = decideOrder(
      slot.opening,
      found.map((patient) => ({
        demand: patient.demand,
        travelMinutes: this.travelTo(patient, site),
      })),
      { seed: this.#world.seed, now },
    );
    const byId = new Map(found.map((patient) => [patient.demand.id, patient]));
    return considered
      .filter(({ removedBy }) => removedBy.length === 0)
      .flatMap(({ requestId }) => byId.get(requestId) ?? []);
  }

  book(slot: SimSlot, patient: Patient, now: number): void {
    const { site } = slot;
    const { id } = patient.demand;
    const old = this.#slotOf.get(id);
    // SC-31: the new one first, then the old one is free, and is itself offered.
    if (old === undefined) this.lists.remove(patient);
    else this.#releases.push({ at: now, slot: old, patient, booking: 0, leftFor: slot });
    slot.takenBy = patient;
    if (old === undefined) this.#withSlot.add(patient);
    this.#slotOf.set(id, slot);
    this.#booked.push(slot);
    if (patient.demand.trust !== site.trust) add(this.#offeredOut, site.trust, 1);
    add(this.#freeAt, site.trust, -1);
    const booking = (this.#bookings.get(id) ?? 0) + 1;
    this.#bookings.set(id, booking);
    const hours = this.behaviour.cancels(patient, booking);
    const at = slot.start - (hours ?? 0) * HOUR_MS;
    if (hours !== null && at > now)
      this.#releases.push({ at, slot, patient, booking, leftFor: null });
  }

  /** A slot that was given back went to somebody else. @param listShare of those who can only be phoned, then */
  refilled(patient: Patient, listShare: number): void {
    this.#measured.refilled(isPhoneOnly(patient), listShare);
  }

  /** The own, and where each agreed to go that is not too far; the same all year. */
  #sitesFor(): (patient: Patient) => readonly string[] {
    const known = new Map<string, readonly string[]>();
    return (patient) => {
      const { id, trust } = patient.demand;
      let found = known.get(id);
      if (found === undefined) {
        found = this.sites
          .filter((site) => site.trust === trust || this.#mayGo(patient, site))
          .map((site) => site.trust);
        known.set(id, found);
      }
      return found;
    };
  }

  /** Agreed, and not too far. */
  #mayGo(patient: Patient, site: Site): boolean {
    const { consentsElsewhere, wishes } = patient.demand;
    if (consentsElsewhere !== true) return false;
    const minutes = this.travelTo(patient, site);
    return minutes !== null && minutes <= (wishes.maxTravelMinutes ?? Number.POSITIVE_INFINITY);
  }

  #mayTake({ trust }: Site, sender: Site): boolean {
    const against = guardrailsAgainst(trust, {
      slots: this.#opened.get(trust) ?? 0,
      offeredOut: this.#offeredOut.get(trust) ?? 0,
      free: this.#freeAt.get(trust) ?? 0,
      ownP2Waiting: this.#ownP2.get(trust) ?? 0,
      ...medianWaits(this.#waits.get(trust), this.#waits.get(sender.trust)),
    });
    return against.length === 0;
  }

  /** What the guardrails count, once a morning. */
  #count(now: number): void {
    for (const { trust } of this.sites) {
      const list = this.lists.of(trust);
      this.#ownP2.set(trust, list.filter(({ demand }) => demand.band === 'P2').length);
      this.#freeAt.set(trust, this.#free.filter(({ site }) => site.trust === trust).length);
      this.#waits.set(trust, waitsOf(list, now));
    }
  }

  #arrive(until: number): void {
    const { patients } = this.#world;
    for (; this.#arrived < patients.length; this.#arrived += 1) {
      const patient = patients[this.#arrived] as Patient;
      if (Date.parse(patient.demand.since) > until) return;
      this.lists.add(patient);
    }
  }

  #open(day: number): void {
    if (day % COUNTED_DAYS === 0) {
      this.#opened.clear();
      this.#offeredOut.clear();
    }
    for (const site of this.sites) {
      const isKept = (n: number): boolean => n % KEPT_EVERY === 0;
      const slotsOn = (on: number, isWanted: (n: number) => boolean): SimSlot[] =>
        slotsOf(site, on, { slots: this.#sessions.slotsOn(site, on), isWanted });
      const routine = slotsOn(day + OPENED_DAYS, (n) => !isKept(n));
      const kept = slotsOn(day + KEPT_DAYS, isKept);
      this.#free.push(...routine, ...kept);
      add(this.#opened, site.trust, routine.length + kept.length);
    }
    this.#free.sort((a, b) => a.start - b.start);
  }

  #bookFree(now: number): void {
    for (const slot of this.#free) {
      if (slot.start - now < PLANNED_HOURS * HOUR_MS) continue;
      const taker = this.candidates(slot, now, {
        ...{ most: ASKED, isForLater: false, isMeant: () => true },
      }).find((one) =>
        this.behaviour.takesBooking(one, slot.opening.id, one.demand.trust === slot.site.trust),
      );
      if (taker !== undefined) this.book(slot, taker, now);
    }
    this.#free = this.#free.filter(({ takenBy }) => takenBy === null);
  }

  #giveBack(until: number): void {
    for (;;) {
      const due = this.#releases.filter(({ at }) => at <= until);
      if (due.length === 0) return;
      this.#releases = this.#releases.filter(({ at }) => at > until);
      for (const release of due.toSorted((a, b) => a.at - b.at)) this.#release(release);
    }
  }

  #release({ at, slot, patient, booking, leftFor }: Release): void {
    // Given back by somebody who has left it since for an earlier one.
    if (leftFor === null && this.#slotOf.get(patient.demand.id) !== slot) return;
    const hours = (slot.start - at) / HOUR_MS;
    slot.takenBy = null;
    slot.releasedHours = Math.min(hours, leftFor?.releasedHours ?? hours);
    slot.chain = leftFor === null ? 0 : leftFor.chain + 1;
    this.#booked = this.#booked.filter((one) => one !== slot);
    if (patient.demand.trust !== slot.site.trust) add(this.#offeredOut, slot.site.trust, -1);
    if (leftFor === null) this.#gaveBack(patient, booking);
    add(this.#freeAt, slot.site.trust, 1);
    if (leftFor === null && hours <= LATE_HOURS) this.#measured.releasedLate();
    if (slot.chain <= MAX_CHAIN) this.#refill(slot, { now: at, not: patient }, hours);
    if (slot.takenBy === null) this.#free.push(slot);
  }

  #gaveBack(patient: Patient, booking: number): void {
    this.#slotOf.delete(patient.demand.id);
    this.#withSlot.remove(patient);
    if (this.behaviour.needsItStill(patient, booking)) this.lists.add(patient);
  }

  #refill(slot: SimSlot, given: GivenBack, hours: number): void {
    if (this.#policy.isRefilled) this.#refills.byTheTable(slot, given);
    else if (hours < PLANNED_HOURS) this.#refills.byTheSite(slot, given);
  }

  #endOf(until: number): void {
    for (const { start, takenBy, site } of this.#booked)
      if (start <= until && takenBy !== null) {
        this.#slotOf.delete(takenBy.demand.id);
        this.#withSlot.remove(takenBy);
        const travelMinutes = this.travelTo(takenBy, site);
        this.#measured.examined(takenBy, { site, at: start, travelMinutes });
      }
    this.#booked = this.#booked.filter(({ start }) => start > until);
    for (const slot of this.#free)
      if (slot.start <= until) this.#measured.unused(slot.releasedHours);
    this.#free = this.#free.filter(({ start }) => start > until);
  }
}

function slotsOf(
  site: Site,
  day: number,
  { slots, isWanted }: { slots: number; isWanted: (n: number) => boolean },
): SimSlot[] {
  if (isWeekend(day)) return [];
  const place: Place = {
    ...{ resource: `${site.trust}-mr`, trust: site.trust, modality: 'MR', tesla: 1.5 },
    capabilities: ['contrast'],
  };
  const date = ukDay(FROM + day * DAY_MS + 12 * HOUR_MS);
  const found: SimSlot[] = [];
  for (let n = 0; n < slots; n += 1) {
    if (!isWanted(n)) continue;
    const start = ukMoment(date, FIRST_HOUR + (n % (LAST_HOUR - FIRST_HOUR)));
    const opening = {
      ...{ id: `${site.trust} ${day} ${n}`, place, minutes: SLOT_MINUTES },
      start: new Date(start).toISOString(),
    };
    found.push({ opening, site, start, takenBy: null, releasedHours: null, chain: 0 });
  }
  return found;
}

const add = (counts: Map<string, number>, key: string, by: number): void => {
  counts.set(key, (counts.get(key) ?? 0) + by);
};

function remembered(travel: Travel): (patient: Patient, site: Site) => number | null {
  const known = new Map<string, number | null>();
  return ({ postcode, demand }, site) => {
    const by = demand.wishes.transport ?? 'car';
    const key = `${by} ${postcode} ${site.postcode}`;
    let minutes = known.get(key);
    if (minutes === undefined) {
      minutes = travel.to({ from: postcode, to: site.postcode, by, start: demand.since }).minutes;
      known.set(key, minutes);
    }
    return minutes;
  };
}
