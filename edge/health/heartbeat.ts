/**
 * The edge's heartbeat: how it stands, for the hub's fleet view. shared/contract/events.ts.
 *
 *   outbox, index, associations, vitals ─► HealthEvent ─► edge/uplink, every 15 s
 */
import { type Clock, rfc3339 } from '../../shared/clock.ts';
import type {
  CrawlProgress,
  HealthEvent,
  PushedConfiguration,
} from '../../shared/contract/events.ts';
import type { UpgradeTold } from '../../shared/contract/releases.ts';
import { VERSION } from '../../shared/version.ts';
import type { EdgeIndex } from '../index/edge-index.ts';
import type { Outbox } from '../outbox/outbox.ts';
import { PATIENT_MISMATCH, type Quarantine } from '../spool/quarantine.ts';
import type { HealthDetails } from './vitals.ts';

export interface HeartbeatParts {
  readonly trust: string;
  readonly startedAt: number;
  readonly httpUrl: string;
  readonly index: Pick<EdgeIndex, 'counts'>;
  readonly outbox: Outbox;
  readonly quarantine: Quarantine;
  readonly clock: Clock;
  /** Open associations. */
  readonly associations: () => number;
  /** Fetches that are not over. */
  readonly fetches: () => number;
  /** How far each PACS is known. */
  readonly crawl: () => CrawlProgress[];
  readonly vitals: () => HealthDetails;
  /** What became of the last configuration that was pushed. */
  readonly pushedConfiguration: () => PushedConfiguration | undefined;
  /** What became of the last build that the hub told of. */
  readonly upgrade: () => UpgradeTold | undefined;
  /** It takes what is sent to it. */
  readonly isReady: () => boolean;
}

export function heartbeat(parts: HeartbeatParts): HealthEvent {
  const now = parts.clock.now();
  const outbox = parts.outbox.status();
  const counts = parts.index.counts();
  const pushedConfiguration = parts.pushedConfiguration();
  const upgrade = parts.upgrade();
  return {
    v: 1,
    kind: 'health',
    at: rfc3339(now),
    trust: parts.trust,
    version: VERSION,
    startedAt: rfc3339(parts.startedAt),
    httpUrl: parts.httpUrl,
    epoch: outbox.epoch,
    lastSeq: outbox.lastSeq,
    committedSeq: outbox.committedSeq,
    outbox: {
      waiting: outbox.waiting,
      oldestSeconds: outbox.oldestAt === null ? 0 : Math.max(0, (now - outbox.oldestAt) / 1000),
    },
    index: { studies: counts.studies, series: counts.series, instances: counts.instances },
    quarantined: parts.quarantine.counts().entries,
    otherPatient: parts.quarantine.countOf(PATIENT_MISMATCH),
    conflicts: counts.conflicts,
    associations: parts.associations(),
    fetches: parts.fetches(),
    crawl: parts.crawl(),
    ...parts.vitals(),
    ...(pushedConfiguration === undefined ? {} : { pushedConfiguration }),
    ready: parts.isReady(),
    ...(upgrade === undefined ? {} : { upgrade }),
  };
}
