/**
 * Alerts of the fleet: looked for, told, and what people do about them.
 *
 *   every few seconds: watch.ts, then notifier.ts        API, pages ─► acknowledge, snooze, maintenance
 */
import { randomUUID } from 'node:crypto';
import { type Clock, rfc3339 } from '../../shared/clock.ts';
import { codeOf, GatewayError } from '../../shared/errors.ts';
import type { Log } from '../../shared/log.ts';
import { Gauge, type Registry } from '../../shared/metrics.ts';
import type { Principal } from '../access/rules.ts';
import { type AlertsConfig, limitsOf, SIGNALS, type SignalId } from '../config-alerts.ts';
import type { FleetStore } from '../fleet/fleet-store.ts';
import { LogError, type NetworkLog } from '../log/network-log.ts';
import type { Projection } from '../projection/projection.ts';
import { AlertError } from './alert-error.ts';
import { AlertLog } from './alert-log.ts';
import { type Channel, type ChannelLinks, channelsOf } from './channels.ts';
import { DeadMan } from './dead-man.ts';
import {
  type Alert,
  applyAlertDecision,
  applyMaintenanceDecision,
  type Maintenance,
} from './decisions.ts';
import { EdgeViews, NETWORK } from './edge-views.ts';
import { Notifier } from './notifier.ts';
import { reviewReadings } from './review-readings.ts';
import { type AlertFilter, type AlertRecord, AlertRows } from './rows.ts';
import { AlertWatch } from './watch.ts';

const LOOK_MS = 5_000;
/** A watch that has not looked for so long does not watch. */
const STALE_MS = 60_000;
const MAX_CONFLICTS = 3;

export interface AlertsOptions {
  readonly config: AlertsConfig;
  readonly trusts: readonly { readonly ods: string; readonly name: string }[];
  readonly projection: Pick<
    Projection,
    'db' | 'registerHubAggregate' | 'untilDecided' | 'connected'
  >;
  readonly networkLog: Pick<NetworkLog, 'append'>;
  readonly store: FleetStore;
  readonly links: Pick<ChannelLinks, 'hubUrl'>;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Registry;
  /** Instead of those of the configuration. */
  readonly channels?: readonly Channel[];
}

/** An alert as people and machines see it. */
export interface AlertView extends Omit<Alert, 'telling' | 'told' | 'episode'> {
  readonly title: string;
  readonly unit: string;
  /** The limit of its level; null: it was learnt. */
  readonly limit: number | null;
  readonly runbook: string;
  readonly inMaintenance: boolean;
  /** Channels that were told. */
  readonly toldBy: readonly string[];
}

export class Alerts {
  readonly #options: AlertsOptions;
  readonly #rows: AlertRows;
  readonly #alertLog: AlertLog;
  readonly #watch: AlertWatch;
  readonly #notifier: Notifier;
  readonly #deadMan: DeadMan | undefined;
  #timer: NodeJS.Timeout | undefined;
  #looking: Promise<void> | undefined;
  #lookedAt = Number.NEGATIVE_INFINITY;

  /** Before the projection starts. */
  constructor(options: AlertsOptions) {
    const { config, projection, networkLog, store, clock, log, metrics, trusts } = options;
    this.#options = options;
    projection.registerHubAggregate('alert', applyAlertDecision);
    projection.registerHubAggregate('maintenance', applyMaintenanceDecision);
    this.#rows = new AlertRows(projection.db);
    const untilDecided = (streamSeq: number): Promise<void> => projection.untilDecided(streamSeq);
    this.#alertLog = new AlertLog({ networkLog, untilDecided });
    const views = new EdgeViews(projection.db, store);
    const bankHolidays = new Set(config.bankHolidays);
    const common = { rows: this.#rows, alertLog: this.#alertLog, clock, log, metrics };
    this.#watch = new AlertWatch({
      ...{ ...common, config, trusts: trusts.map(({ ods }) => ods) },
      views: (all, at) => views.list(all, at),
      network: () => views.network(),
      reviews: () => reviewReadings(projection.db, { now: clock.now(), bankHolidays }),
    });
    const links = { ...options.links, runbookUrl: (signal: string) => this.runbookUrl(signal) };
    this.#notifier = new Notifier({
      ...{ ...common, groupSeconds: config.groupSeconds, hubId: randomUUID() },
      channels: options.channels ?? channelsOf(config, links),
      trustName: (trust) => trusts.find(({ ods }) => ods === trust)?.name ?? 'the network',
    });
    const isWatching = (): boolean => this.isWatching();
    this.#deadMan =
      config.deadMan && config.enabled
        ? new DeadMan({ ...config.deadMan, isWatching, log })
        : undefined;
    this.#openGauges(metrics);
  }

  start(): void {
    if (!this.#options.config.enabled) return;
    this.#timer = setInterval(() => void this.look(), LOOK_MS);
    this.#timer.unref();
    this.#deadMan?.start();
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await Promise.all([this.#looking, this.#deadMan?.stop()]);
  }

  /** True while edges are heard and looked at. */
  isWatching(): boolean {
    const { clock, projection } = this.#options;
    return projection.connected() && clock.monotonicMs() - this.#lookedAt < STALE_MS;
  }

  /** One look, then what is due is told; the one that runs, when one does. */
  look(): Promise<void> {
    this.#looking ??= this.#look().finally(() => {
      this.#looking = undefined;
    });
    return this.#looking;
  }

  list(
    filter: AlertFilter,
    page: { limit: number; offset: number },
  ): { readonly alerts: readonly AlertView[]; readonly total: number } {
    const { records, total } = this.#rows.list(filter, page);
    const resting = this.#resting();
    return { alerts: records.map(({ alert }) => this.#view(alert, resting)), total };
  }

  /** Open ones, the worst and then the newest first. */
  openOf(trust?: string): readonly AlertView[] {
    return this.list({ state: 'open', trust }, { limit: 10_000, offset: 0 }).alerts;
  }

  /** Titles of the trust's alerts that page, or did, since then. @param since RFC 3339 */
  pagedSince(trust: string, since: string): string[] {
    const paged = this.#rows.pagedSince(trust, since);
    return paged.map(({ signal }) => SIGNALS[signal as SignalId]?.title ?? signal);
  }

  /** Nobody is told of it any more until it gets worse. @throws AlertError; LogError */
  acknowledge(id: string, note: string, by: Principal): Promise<AlertView> {
    const at = rfc3339(this.#options.clock.now());
    return this.#change(id, by, { acknowledged: { by: by.name, at, note } });
  }

  /** Nobody is told of it for so long. @throws AlertError; LogError */
  snooze(id: string, minutes: number, by: Principal): Promise<AlertView> {
    const until = rfc3339(this.#options.clock.now() + minutes * 60_000);
    return this.#change(id, by, { snoozed: { by: by.name, until } });
  }

  /** Those that are not over, the next first. */
  maintenance(trust?: string): readonly Maintenance[] {
    const now = rfc3339(this.#options.clock.now());
    return this.#rows
      .maintenance(now)
      .map(({ maintenance }) => maintenance)
      .filter((one) => trust === undefined || one.trust === trust);
  }

  /** Nobody is told of the trust's alerts meanwhile; they are shown. @throws AlertError; LogError */
  async planMaintenance(
    planned: Pick<Maintenance, 'trust' | 'from' | 'to' | 'reason'>,
    by: Principal,
  ): Promise<Maintenance> {
    requireOwn(planned.trust, by);
    const maintenance = { id: randomUUID(), ...planned, by: by.name };
    await this.#alertLog.putMaintenance(maintenance, 0);
    return maintenance;
  }

  /** It ends now. @throws AlertError; LogError */
  async endMaintenance(id: string, by: Principal): Promise<void> {
    const record = this.#rows.findMaintenance(id);
    if (record === undefined)
      throw new AlertError('MAINTENANCE_UNKNOWN', 'There is no maintenance with this id.');
    const { maintenance, streamSeq } = record;
    requireOwn(maintenance.trust, by);
    const to = rfc3339(this.#options.clock.now());
    if (maintenance.to <= to) return;
    await this.#alertLog.putMaintenance({ ...maintenance, to }, streamSeq);
  }

  runbookUrl(signal: string): string {
    const { config, links } = this.#options;
    const name = SIGNALS[signal as SignalId]?.runbook ?? 'index';
    return config.runbooks === undefined
      ? `${links.hubUrl()}/runbooks/${name}`
      : `${config.runbooks.replace(/\/+$/, '')}/${name}.md`;
  }

  async #look(): Promise<void> {
    const { projection, clock, log } = this.#options;
    if (!projection.connected()) {
      this.#watch.deaf();
      return;
    }
    try {
      await this.#watch.look();
      await this.#notifier.tell();
      this.#lookedAt = clock.monotonicMs();
    } catch (error) {
      if (error instanceof GatewayError) log.warn('alert.look-failed', { code: codeOf(error) });
      else log.error('program.bug', { where: 'alerts', error });
    }
  }

  async #change(id: string, by: Principal, changed: Partial<Alert>): Promise<AlertView> {
    for (let conflicts = 0; conflicts <= MAX_CONFLICTS; conflicts += 1) {
      const { alert, streamSeq } = this.#require(id, by);
      if (await this.#alertLog.put({ ...alert, ...changed }, streamSeq))
        return this.#view({ ...alert, ...changed }, this.#resting());
    }
    throw new LogError('LOG_CONFLICT', 'the alert is changed again and again; try once more');
  }

  #require(id: string, by: Principal): AlertRecord {
    const record = this.#rows.find(id);
    if (record === undefined)
      throw new AlertError('ALERT_UNKNOWN', 'There is no alert with this id.');
    requireOwn(record.alert.trust, by);
    if (record.alert.state === 'closed') throw new AlertError('ALERT_ENDED', 'The alert is over.');
    return record;
  }

  /** Trusts in maintenance just now. */
  #resting(): ReadonlySet<string> {
    const now = rfc3339(this.#options.clock.now());
    return new Set(
      this.maintenance()
        .filter(({ from }) => from <= now)
        .map(({ trust }) => trust),
    );
  }

  #view(alert: Alert, resting: ReadonlySet<string>): AlertView {
    const { telling: _, told, episode: __, ...shown } = alert;
    const { title = alert.signal, unit = '' } = SIGNALS[alert.signal as SignalId] ?? {};
    const isKnown = alert.signal in SIGNALS;
    const limits = isKnown ? limitsOf(this.#options.config, alert.signal as SignalId) : undefined;
    const isLearnt = ['modalitySilent', 'hl7Idle'].includes(alert.signal);
    return {
      ...{ ...shown, title, unit, runbook: this.runbookUrl(alert.signal) },
      limit: isLearnt ? null : (limits?.[alert.level] ?? null),
      inMaintenance: resting.has(alert.trust),
      toldBy: Object.keys(told),
    };
  }

  #openGauges(metrics: Registry): void {
    const rows = this.#rows;
    new Gauge({
      name: 'cdip_alerts_open',
      help: 'Open alerts by level',
      labelNames: ['level'],
      registers: [metrics],
      collect() {
        const open = rows.open();
        for (const level of ['warn', 'page'] as const)
          this.set({ level }, open.filter(({ alert }) => alert.level === level).length);
      },
    });
    const isWatching = (): boolean => this.isWatching();
    new Gauge({
      name: 'cdip_alerts_watching',
      help: '1 while edges are heard and looked at',
      registers: [metrics],
      collect() {
        this.set(isWatching() ? 1 : 0);
      },
    });
  }
}

/** People of a trust look after their own edge. */
function requireOwn(trust: string, by: Principal): void {
  if (by.trust === null || by.trust === trust) return;
  const whose = trust === NETWORK ? 'the network' : trust;
  throw new AlertError(
    'ALERT_FORBIDDEN',
    `People of ${by.trust} look after its edge, not that of ${whose}.`,
  );
}
