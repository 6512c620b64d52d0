/** The audit trail of the edge, and what writes to it by itself. */
import { AuditCollector } from '../shared/audit/collector.ts';
import { ownDoing } from '../shared/audit/own-doing.ts';
import { AuditTrail } from '../shared/audit/trail.ts';
import type { Clock } from '../shared/clock.ts';
import type { Lifecycle } from '../shared/lifecycle.ts';
import type { Log } from '../shared/log.ts';
import type { Registry } from '../shared/metrics.ts';
import type { Sqlite } from '../shared/sqlite/open.ts';
import { VERSION } from '../shared/version.ts';
import { auditAssociation } from './audit/associations.ts';
import { EdgeAudit } from './audit/edge-audit.ts';
import { alsoInTrail } from './audit/from-log.ts';
import { nodesOf } from './audit/nodes.ts';
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
      aeTitle: config.dicom.aeTitle,
    });
    passing.start();
    lifecycle.add('audit collector', () => passing.stop());
  }
  audit.configured(config);
  audit.soon(ownDoing('edge', 'start', { version: VERSION }));
  const subjects = openSubjects(db);
  const nodes = nodesOf(config);
  const observe: ListenerOptions['observe'] = (peer, services) =>
    auditAssociation(peer, services, { audit, subjects, nodeOf: nodes.called });
  return {
    ...{ trail, audit, subjects, observe },
    log: alsoInTrail(log, { audit, subjects, nodes }),
  };
}
