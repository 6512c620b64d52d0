/** Routing, put together. Inlet and inbox are there before storage opens: recovery files objects, too. */
import type { Clock } from '../../shared/clock.ts';
import type { Lifecycle } from '../../shared/lifecycle.ts';
import type { Log } from '../../shared/log.ts';
import type { Registry } from '../../shared/metrics.ts';
import type { Sqlite } from '../../shared/sqlite/open.ts';
import type { EdgeConfig } from '../config.ts';
import type { Deliverer } from '../deliver/deliverer.ts';
import { DEIDENTIFIED, type DeliveryQueue } from '../deliver/delivery-queue.ts';
import type { EdgeIndex, ObjectListener } from '../index/edge-index.ts';
import type { Spool } from '../spool/spool.ts';
import type { SealedFile } from '../spool/write-instance.ts';
import type { Transcoder } from '../transcode/transcoder.ts';
import { tagsOf } from './conditions.ts';
import { RuleSet } from './decide.ts';
import { FactsReader } from './facts.ts';
import { Gate } from './gate.ts';
import { Outages } from './outages.ts';
import { Outgoing } from './outgoing.ts';
import { Preparer } from './preparer.ts';
import { PseudonymStore } from './pseudonym-store.ts';
import { ResultDesk, type ResultReading } from './result-desk.ts';
import { ResultInbox } from './result-inbox.ts';
import { openRouteCounters } from './route-metrics.ts';
import { RouteStore } from './route-store.ts';
import { Router } from './router.ts';
import { Switches } from './switches.ts';

/** The tables of routing, and what keeps it from working on them. */
export interface RouteTables {
  readonly outages: Outages;
  readonly store: RouteStore;
  readonly inbox: ResultInbox;
  readonly switches: Switches;
}

export const openRouteTables = (db: Sqlite, config: EdgeConfig): RouteTables => ({
  outages: new Outages(),
  store: new RouteStore(db),
  inbox: new ResultInbox(db, config),
  switches: new Switches(db),
});

/**
 * Copies of other trusts' studies go where their fetch says, results where their model says, and what is brought
 * from the trust's own PACS to whoever asked for it: by no rule.
 */
export function routeInlet(
  { store }: RouteTables,
  { trust, routes }: EdgeConfig,
  isBringing: (studyInstanceUID: string) => boolean,
): ObjectListener {
  return (record, now) => {
    const isOwn = record.home === trust && record.callingAETitle !== '';
    if (routes.length === 0 || !isOwn) return;
    if (!isBringing(record.attributes.studyInstanceUID)) store.enqueue(record, now);
  };
}

export interface RoutingOptions {
  readonly config: EdgeConfig;
  readonly db: Sqlite;
  readonly tables: RouteTables;
  readonly index: EdgeIndex;
  readonly spool: Spool;
  readonly reading: ResultReading;
  readonly deliveries: DeliveryQueue;
  readonly deliverer: Deliverer;
  readonly transcoder: Transcoder;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Registry;
  readonly lifecycle: Lifecycle;
}

export function startRouting(options: RoutingOptions): void {
  const { config, db, tables, index, spool, reading, deliveries, deliverer, clock, log } = options;
  const { lifecycle, transcoder } = options;
  const { models } = config;
  const gate = new Gate(db, config.projects, config.secondaryUse);
  const outgoing = new Outgoing(db, spool);
  const rules = new RuleSet(config);
  const pseudonyms = new PseudonymStore(db);
  const counters = openRouteCounters(options.metrics, tables);
  const common = { ...tables, rules, deliveries, log, counters, now: () => clock.now() };
  const router = new Router({
    ...{ ...common, trust: config.trust, deliverer, models, gate, outgoing, index },
    facts: new FactsReader(db, spool, tagsOf(config.routes)),
    quietMs: config.storage.quietSeconds * 1000,
  });
  router.start();
  lifecycle.add('router', () => router.stop());
  const preparer = new Preparer({
    ...{ ...common, db, gate, outgoing, index, spool, deliverer, transcoder, models, pseudonyms },
  });
  preparer.start();
  lifecycle.add('de-identification', () => preparer.stop());
  const desk = new ResultDesk({ ...common, config, db, index, spool, reading, pseudonyms });
  desk.start();
  lifecycle.add('result desk', () => desk.stop());
}

/** Where deliveries find objects: in the index, and what is on its way to a project, beside it. */
export function deliveredObjects(
  db: Sqlite,
  { index, spool }: Pick<RoutingOptions, 'index' | 'spool'>,
): Pick<EdgeIndex, 'findInstance'> {
  const outgoing = new Outgoing(db, spool);
  return {
    findInstance: (uid, home) =>
      home === DEIDENTIFIED ? outgoing.findInstance(uid) : index.findInstance(uid, home),
  };
}

/** Results that a power cut took from the inbox are taken again. */
export async function recoverResults(
  { inbox }: RouteTables,
  spool: Spool,
  file: (sealed: SealedFile) => Promise<unknown>,
): Promise<void> {
  for (const sealed of await inbox.lost(spool)) await file(sealed);
}
