/** The audit trail of the hub, and what writes to it by itself. */
import { HUB_TRAIL } from '../shared/audit/anchors.ts';
import { AuditCollector } from '../shared/audit/collector.ts';
import { ownDoing } from '../shared/audit/own-doing.ts';
import { AuditTrail } from '../shared/audit/trail.ts';
import type { Clock } from '../shared/clock.ts';
import type { Lifecycle } from '../shared/lifecycle.ts';
import type { Log } from '../shared/log.ts';
import type { Registry } from '../shared/metrics.ts';
import { VERSION } from '../shared/version.ts';
import type { HubConfig } from './config.ts';

interface AuditOptions {
  readonly config: HubConfig;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Registry;
  readonly lifecycle: Lifecycle;
}

export function startAudit({ config, clock, log, metrics, lifecycle }: AuditOptions): AuditTrail {
  const { dataDirectory } = config;
  const audit = new AuditTrail(dataDirectory, clock);
  // A full disk keeps nobody from starting the hub, and from looking why.
  const tell = (event: 'start' | 'stop'): void => {
    try {
      audit.append(ownDoing('hub', event, { version: VERSION }));
    } catch (error) {
      log.error('audit.not-written', { entries: 1, error });
    }
  };
  tell('start');
  lifecycle.add('audit', () => {
    tell('stop');
    audit.close();
  });
  const { collector } = config.audit;
  if (collector !== undefined) {
    const passing = new AuditCollector({
      ...{ collector, dataDirectory, of: HUB_TRAIL, trail: audit, log, metrics },
    });
    passing.start();
    lifecycle.add('audit collector', () => passing.stop());
  }
  return audit;
}
