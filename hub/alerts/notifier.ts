/**
 * Tells people of alerts, once: each hub first writes that it is about to, and only one of them can.
 *
 *   rows ─► what each channel has still to be told ─► telling, in the log ─► send ─► told, in the log
 *
 * A hub that dies between sending and writing so leaves a claim that ends after some minutes; then it is told
 * again, with the same message id. What comes together at a trust is one message.
 */
import { type Clock, rfc3339 } from '../../shared/clock.ts';
import { codeOf, GatewayError } from '../../shared/errors.ts';
import type { Log } from '../../shared/log.ts';
import { Counter, type Registry } from '../../shared/metrics.ts';
import type { AlertLog } from './alert-log.ts';
import type { Channel, Told } from './channels.ts';
import type { Alert, Maintenance } from './decisions.ts';
import { REVIEW_SIGNALS } from './review-readings.ts';
import type { AlertRecord, AlertRows } from './rows.ts';

/** Sending takes no longer; after it the claim is nobody's. */
const CLAIM_MS = 120_000;
/** Who could not be told that it is over by then is not told any more. */
const OVER_MS = 3_600_000;
const RETRY_MS = 30_000;
const MAX_CONFLICTS = 5;

export interface NotifierOptions {
  readonly channels: readonly Channel[];
  readonly groupSeconds: number;
  readonly rows: AlertRows;
  readonly alertLog: Pick<AlertLog, 'put'>;
  readonly trustName: (trust: string) => string;
  /** Of this hub, and this run of it. */
  readonly hubId: string;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Registry;
}

export class Notifier {
  readonly #options: NotifierOptions;
  readonly #sent: Counter;
  /** By channel: not tried before. */
  readonly #waiting = new Map<string, number>();

  constructor(options: NotifierOptions) {
    this.#options = options;
    this.#sent = new Counter({
      name: 'cdip_alert_messages_total',
      help: 'Messages about alerts by channel and what became of them',
      labelNames: ['channel', 'outcome'],
      registers: [options.metrics],
    });
  }

  /** Tells what is due. @throws LogError `LOG_UNAVAILABLE` */
  async tell(): Promise<void> {
    const { channels, rows, clock } = this.#options;
    if (channels.length === 0) return;
    const now = clock.now();
    const inMaintenance = trustsIn(rows.maintenance(rfc3339(now)), now);
    const since = rfc3339(now - OVER_MS);
    const due = [...rows.open(), ...rows.closedUntold(since)]
      .filter(({ alert }) => this.#isDue(alert, inMaintenance))
      .filter(({ alert }) => this.#channelsFor(alert).length > 0);
    for (const records of Map.groupBy(due, ({ alert }) => alert.trust).values())
      await this.#tellOf(records);
  }

  #isDue(alert: Alert, inMaintenance: ReadonlySet<string>): boolean {
    const { clock, groupSeconds } = this.#options;
    const now = clock.now();
    const { telling, snoozed, acknowledged, state, levelAt } = alert;
    if (telling !== null && now - Date.parse(telling.at) < CLAIM_MS) return false;
    if (state === 'closed') return true;
    if (acknowledged !== null) return false;
    // Work on an edge is no reason not to tell its trust who looked at whom.
    if (inMaintenance.has(alert.trust) && !REVIEW_SIGNALS.includes(alert.signal)) return false;
    if (snoozed !== null && Date.parse(snoozed.until) > now) return false;
    return now - Date.parse(levelAt) >= groupSeconds * 1000;
  }

  /** Who has still to be told how it stands. */
  #channelsFor(alert: Alert): Channel[] {
    const now = this.#options.clock.now();
    const what = whatOf(alert);
    return this.#options.channels.filter((channel) => {
      const { name, level } = channel;
      if (!isAbout(channel, alert) || (this.#waiting.get(name) ?? 0) > now) return false;
      const before = alert.told[name];
      // Whoever heard nothing of it need not hear that it is over; nor, once told, that it is less bad.
      if (what === 'closed') return before === 'warn' || before === 'page';
      if (before === 'page') return false;
      return what === 'page' ? true : level === 'warn' && before === undefined;
    });
  }

  async #tellOf(records: readonly AlertRecord[]): Promise<void> {
    const claimed: AlertRecord[] = [];
    for (const record of records) {
      const mine = await this.#claim(record);
      if (mine !== undefined) claimed.push(mine);
    }
    const told = new Map<string, Record<string, Told['what']>>();
    const names = new Set(claimed.flatMap(({ alert }) => this.#channelsFor(alert)));
    for (const channel of names) {
      const mine = claimed.filter(({ alert }) => this.#channelsFor(alert).includes(channel));
      if (!(await this.#send(channel, mine))) continue;
      for (const { alert } of mine)
        told.set(alert.id, { ...told.get(alert.id), [channel.name]: whatOf(alert) });
    }
    for (const { alert } of claimed) await this.#note(alert.id, told.get(alert.id) ?? {});
  }

  /** What was told stands in the log, whoever changed the alert meanwhile. */
  async #note(id: string, told: Alert['told']): Promise<void> {
    const { rows, alertLog } = this.#options;
    for (let conflicts = 0; conflicts <= MAX_CONFLICTS; conflicts += 1) {
      const record = rows.find(id);
      if (record === undefined) return;
      const { alert, streamSeq } = record;
      const noted = { ...alert, telling: null, told: { ...alert.told, ...told } };
      if (await alertLog.put(noted, streamSeq)) return;
    }
  }

  /** Undefined: another hub tells it, or somebody changed it just now. */
  async #claim({ alert, streamSeq }: AlertRecord): Promise<AlertRecord | undefined> {
    const { alertLog, hubId, clock, rows } = this.#options;
    const telling = { by: hubId, at: rfc3339(clock.now()) };
    const isMine = await alertLog.put({ ...alert, telling }, streamSeq);
    const record = isMine ? rows.find(alert.id) : undefined;
    return record?.alert.telling?.by === hubId ? record : undefined;
  }

  async #send(channel: Channel, records: readonly AlertRecord[]): Promise<boolean> {
    const { trustName, log, clock } = this.#options;
    const [
      {
        alert: { trust },
      } = { alert: { trust: '' } },
    ] = records;
    const told = records.map(({ alert }) => ({ alert, what: whatOf(alert) }));
    try {
      await channel.send({ trust, trustName: trustName(trust), told });
      this.#sent.inc({ channel: channel.name, outcome: 'sent' });
      log.info('alert.told', { trust, channel: channel.name, alerts: told.length });
      return true;
    } catch (error) {
      if (!(error instanceof GatewayError)) log.error('program.bug', { where: 'alerts', error });
      this.#sent.inc({ channel: channel.name, outcome: 'failed' });
      this.#waiting.set(channel.name, clock.now() + RETRY_MS);
      log.warn('alert.not-told', { trust, channel: channel.name, code: codeOf(error) });
      return false;
    }
  }
}

const isAbout = ({ trusts, signals }: Channel, { trust, signal }: Alert): boolean =>
  (trusts?.includes(trust) ?? true) && (signals?.includes(signal) ?? true);

const whatOf = ({ state, level }: Alert): Told['what'] => (state === 'closed' ? 'closed' : level);

const trustsIn = (
  records: readonly { readonly maintenance: Maintenance }[],
  now: number,
): ReadonlySet<string> =>
  new Set(
    records
      .filter(({ maintenance }) => Date.parse(maintenance.from) <= now)
      .map(({ maintenance }) => maintenance.trust),
  );
