/**
 * Random operations of many people at several hubs, under faults of the log and of the hubs; what may never be is looked
 * for after every decision, by a reader of its own: a slot with two bookings, a patient without the booking that
 * nobody took from them, a confirmation that is not so. A run is a function of its seed, but for what the clock of
 * this machine does to the order of timers.
 */
import { randomUUID } from 'node:crypto';
import { randomFrom } from '../../../demo/phantom/random.ts';
import { examinationOf } from '../../../hub/scheduling/rules/examinations.ts';
import type { Booking, ImagingRequest } from '../../../hub/scheduling/types.ts';
import { codeOf, GatewayError } from '../../../shared/errors.ts';
import { statement } from '../../../shared/sqlite/statement.ts';
import { SchedulingHub, SharedLog } from '../../support/scheduling-hubs.ts';
import { atATime } from './at-a-time.ts';
import { BookingWatch } from './watch.ts';

const BY = { name: 'booker', role: 'booker', trust: null };
const HUBS = 3;
const SCANNERS = 8;
const SLOTS = 3;
const PATIENTS = 40;
const AT_ONCE = 24;
/** After so many a new network begins, so that rows stay few. */
const WORLD = 1_000;
const START = Date.parse('2026-12-01T09:00:00Z');
const MINUTE_MS = 60_000;

export interface OperationsResult {
  readonly operations: number;
  readonly decisions: number;
  readonly booked: number;
  readonly refused: number;
  readonly faults: number;
  readonly killedHubs: number;
  readonly doubleBookings: number;
  readonly patientsLeftWithNone: number;
  readonly lostConfirmations: number;
  readonly hubsThatDiffer: number;
}

const NOTHING: OperationsResult = {
  ...{ operations: 0, decisions: 0, booked: 0, refused: 0, faults: 0, killedHubs: 0 },
  ...{ doubleBookings: 0, patientsLeftWithNone: 0, lostConfirmations: 0, hubsThatDiffer: 0 },
};

/**
 * @param seed of the run
 * @param onProgress hears what was found so far, after every thousand operations
 */
export async function randomOperations(
  count: number,
  seed: string,
  onProgress: (sum: OperationsResult) => void = () => {},
): Promise<OperationsResult> {
  let sum = NOTHING;
  for (let done = 0; done < count; done += WORLD) {
    const one = await new World(`${seed} ${done}`).run(Math.min(WORLD, count - done));
    const keys = Object.keys(NOTHING) as (keyof OperationsResult)[];
    sum = Object.fromEntries(
      keys.map((key) => [key, sum[key] + one[key]]),
    ) as unknown as OperationsResult;
    onProgress(sum);
  }
  return sum;
}

class World {
  readonly #random: () => number;
  readonly #log: SharedLog;
  readonly #hubs: SchedulingHub[];
  readonly #watch: BookingWatch;
  readonly #slots: string[] = [];
  readonly #requests: string[] = [];
  readonly #confirmed: string[] = [];
  #isFaulty = false;
  #counts = { booked: 0, refused: 0, faults: 0, killedHubs: 0 };

  constructor(seed: string) {
    this.#random = randomFrom(seed);
    this.#log = new SharedLog(
      { ms: START },
      () => this.#fault(),
      () => this.#watch.read(),
    );
    this.#watch = new BookingWatch(new SchedulingHub(this.#log));
    this.#hubs = Array.from({ length: HUBS }, () => new SchedulingHub(this.#log));
  }

  async run(count: number): Promise<OperationsResult> {
    await this.#fill();
    this.#isFaulty = true;
    await atATime(count, AT_ONCE, () => this.#operation());
    this.#isFaulty = false;
    for (const hub of this.#hubs) hub.read();
    const { doubleBookings, patientsLeftWithNone } = this.#watch;
    const differ = this.#hubs.filter((hub) => !this.#watch.isSameAs(hub.db)).length;
    for (const hub of this.#hubs) hub.close();
    const lostConfirmations = this.#confirmed.filter((id) => !this.#watch.wasBooked(id)).length;
    this.#watch.close();
    return {
      ...{ operations: count, decisions: this.#log.entries.length, ...this.#counts },
      ...{ doubleBookings, patientsLeftWithNone, lostConfirmations, hubsThatDiffer: differ },
    };
  }

  #fault() {
    const chance = this.#isFaulty ? this.#random() : 1;
    if (chance > 0.04) return 'none';
    this.#counts.faults += 1;
    return chance < 0.02 ? 'lost' : 'answer-lost';
  }

  #one<T>(of: readonly T[]): T {
    return of[Math.floor(this.#random() * of.length)] as T;
  }

  async #fill(): Promise<void> {
    const [{ scheduling }] = this.#hubs as [SchedulingHub];
    for (let at = 0; at < SCANNERS; at += 1) {
      const id = `MR${at}`;
      await scheduling.capacity.putResource(
        {
          ...{ id, trust: 'RRK', name: id, modality: 'MR', capabilities: [], notUnderstood: [] },
          ...{ durations: {}, postcode: null, risName: null, closures: [], offeredOutShare: 1 },
        },
        BY,
      );
      const date = `2026-12-${10 + at}`;
      const slots = Array.from({ length: SLOTS }, (_, slot) => ({
        id: `${id}-${slot}`,
        start: `${date}T${10 + slot}:00:00.000Z`,
        minutes: 30,
      }));
      await scheduling.capacity.putDiary({ resource: id, date, slots, authority: undefined }, BY);
      this.#slots.push(...slots.map((slot) => slot.id));
    }
    for (let at = 0; at < PATIENTS; at += 1)
      this.#requests.push((await scheduling.requests.add(requestOf(`P${at}`), BY)).requestId);
    for (const hub of this.#hubs) hub.read();
  }

  /** One of them, at one hub, which may not have read all. What the rules refuse is refused; anything else is a bug. */
  async #operation(): Promise<void> {
    const hub = this.#one(this.#hubs);
    const chance = this.#random();
    try {
      if (chance < 0.01) this.#kill(hub);
      else if (chance < 0.25) hub.read();
      else if (chance < 0.27) await this.#settle(hub);
      else if (chance < 0.67) await this.#book(hub, chance < 0.32);
      else if (chance < 0.72) await this.#confirm(hub);
      else if (chance < 0.92) await this.#cancel(hub);
      else if (chance < 0.96) await this.#answerOffer(hub);
      else this.#log.clock.ms += this.#random() * 3 * MINUTE_MS;
    } catch (error) {
      if (!(error instanceof GatewayError)) throw error;
      this.#counts.refused += 1;
    }
    await new Promise(setImmediate);
  }

  #kill(hub: SchedulingHub): void {
    this.#counts.killedHubs += 1;
    hub.kill();
  }

  async #settle(hub: SchedulingHub): Promise<void> {
    hub.read();
    await hub.scheduling.settle();
  }

  /** Whoever gets no sure answer asks again with the same key, mostly at another hub. */
  async #book(hub: SchedulingHub, hold: boolean): Promise<void> {
    const [slotId, requestId] = [this.#one(this.#slots), this.#one(this.#requests)];
    const wish = { slotId, requestId, hold, idempotencyKey: randomUUID() };
    const booking = await hub.scheduling.bookings.book(wish, BY).catch((error: unknown) => {
      if (codeOf(error) !== 'LOG_UNAVAILABLE') throw error;
      const other = this.#one(this.#hubs);
      other.read();
      return other.scheduling.bookings.book(wish, BY);
    });
    this.#confirmedIs(booking);
  }

  async #confirm(hub: SchedulingHub): Promise<void> {
    const id = this.#bookingOf(hub, 'held');
    if (id !== null) this.#confirmedIs(await hub.scheduling.bookings.confirm(id, BY));
  }

  async #cancel(hub: SchedulingHub): Promise<void> {
    const id = this.#bookingOf(hub, 'booked');
    if (id !== null) await hub.scheduling.bookings.cancel(id, BY, 'asked for');
  }

  async #answerOffer(hub: SchedulingHub): Promise<void> {
    const ids = statement<string>(hub.db, `SELECT offer_id FROM offers WHERE state = 'open'`)
      .pluck()
      .all();
    if (ids.length === 0) return;
    if (this.#random() < 0.3)
      await hub.scheduling.offers.decline(this.#one(ids), BY, { stop: false });
    else this.#confirmedIs(await hub.scheduling.offers.accept(this.#one(ids), BY));
  }

  #confirmedIs({ bookingId, state }: Booking): void {
    if (state !== 'booked') return;
    this.#counts.booked += 1;
    this.#confirmed.push(bookingId);
  }

  #bookingOf(hub: SchedulingHub, state: string): string | null {
    const ids = statement<string>(
      hub.db,
      'SELECT booking_id FROM bookings WHERE state = ? AND request_id IS NOT NULL',
    )
      .pluck()
      .all(state);
    return ids.length === 0 ? null : this.#one(ids);
  }
}

function requestOf(patientId: string) {
  const mri = { pacemaker: 'none', implant: 'none', aneurysmClip: false, metalInEye: false };
  return {
    trust: 'RRK',
    patient: {
      ...{ patientId, issuer: 'RRK', nhsNumber: null, name: null, sex: 'F' as const },
      ...{ birthDate: '1970-02-03', postcode: null, decile: null, phone: '0121 496 0000' },
      ...{ email: 'a@example.org', verifiedOn: '2026-11-30', restricted: false, deceased: false },
    },
    examination: examinationOf('MSKUH') as ImagingRequest['examination'],
    ...{ minutesTold: false, band: 'P4' as const, needs: [], interpreter: false, language: null },
    safety: { vetted: true as const, mri: mri as NonNullable<ImagingRequest['safety']['mri']> },
    ...{ wishes: {}, channels: ['email' as const, 'phone' as const], consentsElsewhere: true },
    ...{ shortNotice: true, optedOut: false, since: null, breachAt: null, dueAt: null },
    ...{ orderId: null, accessionNumber: null, referrer: null },
  };
}
