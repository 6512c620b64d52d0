/**
 * Priors are brought before they are needed: an order at one trust fetches the patient's related studies
 * of the others, scheduled behind whatever is urgent; its cancellation stops them. So does that of a booking
 * elsewhere, which priors followed: one that is moved at the same trust still needs them.
 *
 *   order ─► person (class A, B, merge, decision) ─► relevant priors ─► fetch orders, ready by the time
 *
 * Looks at what the rows say, so that a restart, a second hub or a rebuilt view asks for nothing twice.
 */
import { type Clock, rfc3339 } from '../../shared/clock.ts';
import type { OrderEvent } from '../../shared/contract/events.ts';
import { codeOf } from '../../shared/errors.ts';
import type { Log } from '../../shared/log.ts';
import type { Sqlite } from '../../shared/sqlite/open.ts';
import type { Principal } from '../access/rules.ts';
import type { FetchRequest } from '../fetch/order.ts';
import { findIdentity } from '../identity/identities.ts';
import { personOf } from '../identity/persons.ts';
import type { Disclosure } from '../relations/disclosure.ts';
import { studiesOfPatients } from '../search/studies.ts';
import { REFERRAL } from './bring-to.ts';
import { type RelevanceRules, relevantPriors } from './relevant.ts';

const LOOK_EVERY_MS = 5_000;
const DAY_MS = 86_400_000;
const MAX_ORDERS = 2_000;
/** A prefetch is of no concern any more after so long. */
const KEPT_DAYS = 30;
export const PREFETCH = 'prefetch';
const UNDER_WAY = `coalesce(r.state, 'requested') NOT IN ('available', 'partial', 'failed', 'cancelled', 'expired')`;
const BY: Principal = { name: 'prefetch', role: 'admin', trust: null };

export interface PrefetchOptions {
  readonly db: Sqlite;
  readonly disclosure: Pick<Disclosure, 'to'>;
  readonly rules: RelevanceRules & { readonly daysAhead: number };
  readonly fetches: {
    request(request: FetchRequest, by: Principal): Promise<unknown>;
    cancel(fetchId: string, by: Principal): Promise<unknown>;
  };
  readonly clock: Clock;
  readonly log: Log;
}

interface Wanted {
  readonly order: OrderEvent;
  readonly happensAt: string;
}

export class Prefetcher {
  readonly #options: PrefetchOptions;
  /** What an order said when it was looked at. */
  readonly #seen = new Map<string, string>();
  #timer: NodeJS.Timeout | undefined;
  #look: Promise<void> = Promise.resolve();
  #isLooking = false;

  constructor(options: PrefetchOptions) {
    this.#options = options;
  }

  start(): void {
    this.#timer = setInterval(() => this.#begin(), LOOK_EVERY_MS);
    this.#timer.unref();
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await this.#look;
  }

  #begin(): void {
    if (this.#isLooking) return;
    this.#isLooking = true;
    this.#look = this.look()
      .catch((error: unknown) =>
        this.#options.log.error('prefetch.failed', { code: codeOf(error) }),
      )
      .finally(() => {
        this.#isLooking = false;
      });
  }

  /** One look at all orders of the coming days, and at prefetches whose order was cancelled. */
  async look(): Promise<void> {
    const now = this.#options.clock.now();
    for (const wanted of this.#orders(now)) {
      const { order } = wanted;
      const key = `${order.trust} ${order.orderId}`;
      const said = JSON.stringify([order.status, order.patient, wanted.happensAt, order.modality]);
      if (this.#seen.get(key) === said) continue;
      if (await this.#bring(wanted)) this.#seen.set(key, said);
    }
    for (const fetchId of [...this.#cancelled(), ...this.#unbooked()])
      await this.#attempt(() => this.#options.fetches.cancel(fetchId, BY));
  }

  #orders(now: number): Wanted[] {
    return this.#options.db
      .prepare<[string, string, number], { body: string; happensAt: string }>(
        `SELECT body, happens_at AS happensAt FROM orders
         WHERE status IN ('requested', 'scheduled') AND happens_at BETWEEN ? AND ?
         ORDER BY happens_at LIMIT ?`,
      )
      .all(rfc3339(now - DAY_MS), rfc3339(now + this.#options.rules.daysAhead * DAY_MS), MAX_ORDERS)
      .map(({ body, happensAt }) => ({ order: JSON.parse(body) as OrderEvent, happensAt }));
  }

  /** @returns false when something could not be asked for now */
  async #bring({ order, happensAt }: Wanted): Promise<boolean> {
    const { db, rules, fetches } = this.#options;
    const { trust, patient, modality } = order;
    const identity = findIdentity(db, { ...patient, trust });
    if (identity === undefined) return true;
    const { members } = personOf(db, identity);
    const discloser = this.#options.disclosure.to(BY);
    const elsewhere = studiesOfPatients(db, members)
      .filter(
        ({ home, copies }) =>
          home !== trust && !copies.some((copy) => copy.trust === trust && copy.complete),
      )
      // What is restricted goes nowhere by itself.
      .filter((study) => discloser.study(study).kind === 'shown');
    const { patientId, issuer } = identity.mergedInto ?? identity;
    let isDone = true;
    for (const { studyInstanceUID, home } of relevantPriors(
      elsewhere,
      { modality, on: happensAt },
      rules,
    )) {
      if (this.#isAsked({ studyInstanceUID, home, trust })) continue;
      const request: FetchRequest = {
        ...{ studyInstanceUID, home, to: { trust }, priority: 'scheduled', purpose: PREFETCH },
        ...{ reason: reasonOf(order), localPatient: { patientId, issuer } },
        ...(order.scheduledAt === null ? {} : { neededBy: order.scheduledAt }),
      };
      if (!(await this.#attempt(() => fetches.request(request, BY)))) isDone = false;
    }
    return isDone;
  }

  /** By whomever: what was brought once, and went again unopened, is not brought for the same order again. */
  #isAsked({
    studyInstanceUID,
    home,
    trust,
  }: {
    studyInstanceUID: string;
    home: string;
    trust: string;
  }): boolean {
    const since = rfc3339(this.#options.clock.now() - KEPT_DAYS * DAY_MS);
    const sql =
      'SELECT 1 FROM fetches WHERE study_uid = ? AND home = ? AND to_trust = ? AND requested_at > ?';
    return this.#options.db.prepare(sql).get(studyInstanceUID, home, trust, since) !== undefined;
  }

  #cancelled(): string[] {
    return this.#options.db
      .prepare<[string, string], string>(
        `SELECT f.fetch_id FROM fetches f LEFT JOIN fetch_receipts r USING (fetch_id)
         JOIN orders o ON o.trust = f.to_trust AND f.body ->> 'reason' = 'order ' || o.order_id
         WHERE f.requested_at > ? AND f.is_cancelled = 0 AND f.body ->> 'purpose' = ? AND o.status = 'cancelled'
           AND ${UNDER_WAY}`,
      )
      .pluck()
      .all(rfc3339(this.#options.clock.now() - KEPT_DAYS * DAY_MS), PREFETCH);
  }

  /** Brought for a booking that has ended, while its request has no other one at that trust. */
  #unbooked(): string[] {
    return this.#options.db
      .prepare<[string, string], string>(
        `SELECT f.fetch_id FROM fetches f LEFT JOIN fetch_receipts r USING (fetch_id)
         JOIN bookings b ON b.trust = f.to_trust AND f.body ->> 'reason' = 'booking ' || b.booking_id
         WHERE f.requested_at > ? AND f.is_cancelled = 0 AND f.body ->> 'purpose' = ?
           AND b.state IN ('cancelled', 'expired', 'refused') AND ${UNDER_WAY}
           AND NOT EXISTS (SELECT 1 FROM bookings o WHERE o.request_id = b.request_id AND o.trust = b.trust
             AND o.state IN ('held', 'booked'))`,
      )
      .pluck()
      .all(rfc3339(this.#options.clock.now() - KEPT_DAYS * DAY_MS), REFERRAL);
  }

  async #attempt(work: () => Promise<unknown>): Promise<boolean> {
    try {
      await work();
      return true;
    } catch (error) {
      this.#options.log.warn('prefetch.refused', { code: codeOf(error) });
      return false;
    }
  }
}

const reasonOf = ({ orderId }: OrderEvent): string => `order ${orderId}`;
