/** The audit trail of the edge, and what writes to it by itself. */
import { AuditCollector } from '../shared/audit/collector.ts';
import { AuditTrail } from '../shared/audit/trail.ts';
import type { Clock } from '../shared/clock.ts';
import type { Lifecycle } from '../shared/lifecycle.ts';
import type { Log } from '../shared/log.ts';
import type { Registry } from '../shared/metrics.ts';
import type { Sqlite } from '../shared/sqlite/open.ts';
import { auditAssociation } from './audit/associations.ts';
import { EdgeAudit } from './audit/edge-audit.ts';
import { alsoInTrail } from './audit/from-log.ts';
import { openSubjects } from './audit/subject-of.ts';
import type { EdgeConfig } from './config.ts';
import type { ListenerOptions } from './dimse/listener.ts';

interface AuditOptions {
  readonly config: EdgeConfig;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Registry;
  readonly lifecycle: Lifecycle;
}

export function startAudit({ config, clock, log, metrics, lifecycle }: AuditOptions, db: Sqlite) {
  const trail = new AuditTrail(config.dataDirectory, clock);
  const audit = new EdgeAudit(trail, { clock, log });
  lifecycle.add('audit', () => {
    audit.stop();
    trail.close();
  });
  const { collector } = config.audit;
  if (collector !== undefined) {
    const passing = new AuditCollector({
      ...{ collector, dataDirectory: config.dataDirectory, of: config.trust, trail, log, metrics },
    });
    passing.start();
    lifecycle.add('audit collector', () => passing.stop());
  }
  audit.configured(config);
  const subjects = openSubjects(db);
  const observe: ListenerOptions['observe'] = (peer, services) =>
    auditAssociation(peer, services, { audit, subjects });
  return {
    ...{ trail, audit, subjects, observe },
    log: alsoInTrail(log, { audit, subjects: () => subjects }),
  };
}
