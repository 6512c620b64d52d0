/**
 * Figures by e-mail, weekly or monthly: what a person looked at, as far as they may see it when it is sent.
 *
 *   page, API ─► subscription, durable ─► due ─► who is it now ─► figures ─► audit ─► mail server ─► done with this period
 *
 * Once for each period, however often the hub was started in it; after downtime the period that runs, not those that
 * were missed: figures are those of now. Never to who has no account any more.
 */
import { randomBytes, randomUUID } from 'node:crypto';
import type { AuditEntry } from '../../../shared/audit/entry.ts';
import { sleep } from '../../../shared/backoff.ts';
import { type Clock, rfc3339 } from '../../../shared/clock.ts';
import { codeOf, GatewayError } from '../../../shared/errors.ts';
import type { Log } from '../../../shared/log.ts';
import type { Sqlite } from '../../../shared/sqlite/open.ts';
import { checkQuestion, type Question } from '../answer.ts';
import type { Measure } from '../measure.ts';
import { MeasureError } from '../measure-error.ts';
import type { MeasureAnswer } from '../measures.ts';
import type { Asked } from '../question-link.ts';
import { figuresMail, type MailConfig, sendFigures } from './figures-mail.ts';
import { type Every, periodOf } from './periods.ts';
import { type Owner, type Subscription, SubscriptionStore } from './subscription-store.ts';

/** Of one person. */
const MOST = 20;
const LOOK_MS = 60_000;
const FIRST_AGAIN_MS = 5 * 60_000;
const LAST_AGAIN_MS = 3_600_000;
/** Of whom nothing but an identity provider knows whether they are still here: so long after they looked last. */
const PROVIDED_MS = 90 * 86_400_000;

/** The person who asks. */
export interface Subscriber {
  readonly name: string;
  readonly role: string;
  readonly trust: string | null;
  readonly method?: string;
}

export interface SubscriptionsOptions {
  readonly db: Sqlite;
  /** Undefined: nothing is sent from here. */
  readonly config: MailConfig | undefined;
  readonly measures: {
    readonly definitions: readonly Measure[];
    answer(id: string, question: Question): Promise<MeasureAnswer>;
  };
  readonly people: {
    /** An account of this hub; undefined: it has ended. */
    find(name: string): { readonly role: string; readonly trust: string | null } | undefined;
    /** Null: somebody of that role may read measures. */
    refusal(person: { name: string; role: string; trust: string | null }): string | null;
  };
  readonly audit: { append(entry: AuditEntry): void };
  readonly hubUrl: () => string;
  readonly clock: Clock;
  readonly log: Log;
}

export class Subscriptions {
  readonly #options: SubscriptionsOptions;
  readonly #store: SubscriptionStore;
  readonly #ending = new AbortController();
  #running: Promise<void> = Promise.resolve();

  constructor(options: SubscriptionsOptions) {
    this.#options = options;
    this.#store = new SubscriptionStore(options.db);
  }

  /** False: no mail server is configured, and nobody can subscribe. */
  get isOn(): boolean {
    return this.#options.config !== undefined;
  }

  start(): void {
    this.#running = this.#run();
  }

  async stop(): Promise<void> {
    this.#ending.abort();
    await this.#running;
    this.#options.db.close();
  }

  /**
   * Durable when it returns; first sent when the next period begins.
   *
   * @throws MeasureError `SUBSCRIPTION_OFF`, `SUBSCRIPTION_ADDRESS`, `SUBSCRIPTION_MANY`,
   *   `MEASURE_UNKNOWN`, `MEASURE_DIMENSION`
   */
  add(
    by: Subscriber,
    {
      measure: id,
      asked,
      every,
      email,
    }: { measure: string; asked: Asked; every: Every; email: string },
  ): Subscription {
    const { config, clock, measures } = this.#options;
    if (config === undefined)
      throw new MeasureError(
        'SUBSCRIPTION_OFF',
        'No mail server for figures is configured: `measures.email`.',
      );
    const owner = ownerOf(by);
    requireDomain(email, config.domains);
    const measure = measures.definitions.find((one) => one.id === id.toUpperCase());
    if (measure === undefined)
      throw new MeasureError('MEASURE_UNKNOWN', 'There is no such measure.');
    checkQuestion(measure, { ...asked, own: null });
    if (this.#store.of(owner).length >= MOST)
      throw new MeasureError('SUBSCRIPTION_MANY', `You have ${MOST} already; stop one first.`);
    const now = clock.now();
    const one: Subscription = {
      ...{ id: randomUUID(), secret: randomBytes(24).toString('base64url'), ...owner },
      ...{ role: by.role, trust: by.trust, seenAt: now, measure: measure.id, asked, every, email },
      ...{ createdAt: now, donePeriod: periodOf(now, every, config.hour), sentAt: null },
      ...{ fault: null, failures: 0, notBefore: 0 },
    };
    this.#store.add(one);
    return one;
  }

  list(by: Subscriber): Subscription[] {
    return this.#store.of(ownerOf(by));
  }

  /** @throws MeasureError `SUBSCRIPTION_UNKNOWN`; for that of somebody else too */
  drop(by: Subscriber, id: string): Subscription {
    const one = this.#store.of(ownerOf(by)).find((own) => own.id === id);
    if (one === undefined || !this.#store.drop(id))
      throw new MeasureError('SUBSCRIPTION_UNKNOWN', 'You have no such subscription.');
    return one;
  }

  bySecret(secret: string): Subscription | undefined {
    return this.#store.bySecret(secret);
  }

  /** By the link in the e-mail; once more does no harm. */
  dropBySecret(secret: string): Subscription | undefined {
    const one = this.#store.bySecret(secret);
    if (one !== undefined) this.#store.drop(one.id);
    return one;
  }

  /** A person looks at measures: what their identity provider says of them now is what counts. */
  saw({ name: person, role, trust, method }: Subscriber): void {
    if (method === 'oidc') this.#store.see({ person, role, trust }, this.#options.clock.now());
  }

  /** Sends what is due. @returns how many were sent */
  async sendDue(): Promise<number> {
    const { config, clock } = this.#options;
    if (config === undefined) return 0;
    let sent = 0;
    for (const one of this.#store.all()) {
      if (this.#ending.signal.aborted) break;
      const now = clock.now();
      const who = this.#whoNow(one, now);
      const period = periodOf(now, one.every, config.hour);
      if (who === null || period <= one.donePeriod || now < one.notBefore) continue;
      if (await this.#send(one, { who, period, config })) sent += 1;
    }
    return sent;
  }

  /** Null: nobody any more, and the subscription has ended with them. */
  #whoNow(one: Subscription, now: number): { role: string; trust: string | null } | null {
    const { people, log } = this.#options;
    const isHere = !one.isProvided || now - one.seenAt <= PROVIDED_MS;
    const who = one.isProvided ? one : people.find(one.person);
    const isAllowed =
      who !== undefined &&
      people.refusal({ name: one.person, role: who.role, trust: who.trust }) === null;
    if (who !== undefined && isHere && isAllowed) return who;
    this.#store.drop(one.id);
    const why = who === undefined || !isHere ? 'account' : 'role';
    log.info('subscription.ended', { subscription: one.id, why });
    return null;
  }

  async #send(
    one: Subscription,
    {
      who,
      period,
      config,
    }: { who: { role: string; trust: string | null }; period: string; config: MailConfig },
  ): Promise<boolean> {
    const { measures, log, clock, hubUrl } = this.#options;
    try {
      const answer = await measures.answer(one.measure, { ...one.asked, own: who.trust });
      const mail = figuresMail(one, answer, { hubUrl: hubUrl(), period });
      this.#record(one, { who, period, code: null });
      await sendFigures(config, one.email, mail).catch((error: unknown) => {
        this.#record(one, { who, period, code: codeOf(error) });
        throw error;
      });
    } catch (error) {
      const wait = Math.min(FIRST_AGAIN_MS * 2 ** one.failures, LAST_AGAIN_MS);
      const notBefore = clock.now() + wait;
      const fault = error instanceof GatewayError ? error.message : 'the hub failed; see its log';
      this.#store.failed(one.id, { fault, notBefore });
      const again = rfc3339(notBefore);
      log.warn('subscription.not-sent', {
        subscription: one.id,
        code: codeOf(error),
        again,
        error,
      });
      return false;
    }
    this.#store.done(one.id, { period, at: clock.now() });
    log.info('subscription.sent', { subscription: one.id, measure: one.measure, period });
    return true;
  }

  /** Who gets what, before it leaves; and that it did not. */
  #record(
    one: Subscription,
    {
      who,
      period,
      code,
    }: { who: { role: string; trust: string | null }; period: string; code: string | null },
  ): void {
    this.#options.audit.append({
      ...{ event: 'export', action: 'E', outcome: code === null ? 0 : 12, code },
      ...{ user: one.person, role: who.role, trust: who.trust, what: 'figures by e-mail' },
      ...{ address: null, purpose: null, patients: [], studies: [], homes: [] },
      query: { measure: one.measure, ...one.asked, every: one.every, period, email: one.email },
      moved: { from: 'here', to: { kind: 'email', id: one.email, address: one.email } },
    });
  }

  async #run(): Promise<void> {
    const { signal } = this.#ending;
    while (!signal.aborted) {
      await this.sendDue().catch((error: unknown) =>
        this.#options.log.error('program.bug', { where: 'subscriptions', error }),
      );
      await sleep(LOOK_MS, signal);
    }
  }
}

const ownerOf = ({ name, method }: Subscriber): Owner => ({
  person: name,
  isProvided: method === 'oidc',
});

function requireDomain(email: string, domains: readonly string[]): void {
  const domain = /^[^@\s<>,;"]+@([^@\s<>,;"]+)$/.exec(email)?.[1]?.toLowerCase();
  const isKnown = domains.some((one) => domain === one || domain?.endsWith(`.${one}`) === true);
  if (!isKnown)
    throw new MeasureError(
      'SUBSCRIPTION_ADDRESS',
      `Enter an e-mail address of your own at ${domains.join(', ')}: figures are sent nowhere else.`,
    );
}
