/** Routing, put together. The inlet is there before storage opens: recovery files objects, too. */
import type { Clock } from '../../shared/clock.ts';
import type { Lifecycle } from '../../shared/lifecycle.ts';
import type { Log } from '../../shared/log.ts';
import type { Sqlite } from '../../shared/sqlite/open.ts';
import type { EdgeConfig } from '../config.ts';
import type { Deliverer } from '../deliver/deliverer.ts';
import type { DeliveryQueue } from '../deliver/delivery-queue.ts';
import type { ObjectListener } from '../index/edge-index.ts';
import type { Spool } from '../spool/spool.ts';
import { tagsOf } from './conditions.ts';
import { RuleSet } from './decide.ts';
import { FactsReader } from './facts.ts';
import type { RouteStore } from './route-store.ts';
import { Router } from './router.ts';

/** Copies of other trusts' studies go where their fetch says, by no rule. */
export function routeInlet(store: RouteStore, { trust, routes }: EdgeConfig): ObjectListener {
  return (record, now) => {
    if (routes.length > 0 && record.home === trust) store.enqueue(record, now);
  };
}

export interface RoutingOptions {
  readonly config: EdgeConfig;
  readonly db: Sqlite;
  readonly store: RouteStore;
  readonly spool: Spool;
  readonly deliveries: DeliveryQueue;
  readonly deliverer: Deliverer;
  readonly clock: Clock;
  readonly log: Log;
  readonly lifecycle: Lifecycle;
}

export function startRouting(options: RoutingOptions): void {
  const { config, db, store, spool, deliveries, deliverer, clock, log, lifecycle } = options;
  const router = new Router({
    ...{ trust: config.trust, store, deliveries, deliverer, log },
    rules: new RuleSet(config),
    facts: new FactsReader(db, spool, tagsOf(config.routes)),
    quietMs: config.storage.quietSeconds * 1000,
    now: () => clock.now(),
  });
  router.start();
  lifecycle.add('router', () => router.stop());
}
