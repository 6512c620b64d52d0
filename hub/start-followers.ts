/**
 * What the hub does by itself when something changes: priors for orders, copies that follow their home, reports that
 * go with them, merges in the audit trail. Each compares what is with what was done, so that none does it twice.
 */
import type { AuditTrail } from '../shared/audit/trail.ts';
import type { Clock } from '../shared/clock.ts';
import type { Lifecycle } from '../shared/lifecycle.ts';
import type { Log } from '../shared/log.ts';
import type { HubConfig } from './config.ts';
import type { FetchOrders } from './fetch/fetch-orders.ts';
import { TopUp } from './fetch/top-up.ts';
import { Withdrawals } from './fetch/withdrawals.ts';
import { MergeAudit } from './identity/merges.ts';
import type { NetworkLog } from './log/network-log.ts';
import { Prefetcher } from './prefetch/prefetcher.ts';
import type { Projection } from './projection/projection.ts';
import type { Disclosure } from './relations/disclosure.ts';
import { ReportCopies } from './reports/report-copies.ts';

export interface FollowerParts {
  readonly projection: Projection;
  readonly networkLog: Pick<NetworkLog, 'append' | 'sendCommand'>;
  readonly fetches: FetchOrders;
  readonly disclosure: Disclosure;
  readonly audit: AuditTrail;
  readonly clock: Clock;
  readonly log: Log;
  readonly lifecycle: Lifecycle;
}

export function startFollowers({ trusts, prefetch }: HubConfig, parts: FollowerParts): void {
  const { projection, lifecycle } = parts;
  const common = {
    ...{ ...parts, db: projection.db },
    onChange: projection.onChange.bind(projection),
    untilDecided: projection.untilDecided.bind(projection),
  };
  const topUp = new TopUp(common);
  topUp.start();
  lifecycle.add('copies follow their home', () => topUp.stop());
  const withdrawals = new Withdrawals(common);
  withdrawals.start();
  lifecycle.add('withdrawals', () => withdrawals.stop());
  const reports = new ReportCopies({
    ...common,
    trustName: (ods) => trusts.find((trust) => trust.ods === ods)?.name ?? ods,
  });
  reports.start();
  lifecycle.add('reports of copies', () => reports.stop());
  const merges = new MergeAudit(common);
  merges.start();
  lifecycle.add('audit of merges', () => merges.stop());
  if (!prefetch.enabled) return;
  const prefetcher = new Prefetcher({ ...common, rules: prefetch });
  prefetcher.start();
  lifecycle.add('prefetch', () => prefetcher.stop());
}
