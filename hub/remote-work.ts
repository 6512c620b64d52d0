/**
 * What staff of the network do on edges from afar: configurations and builds, each proposed and approved by two people;
 * support bundles.
 */
import type { AuditTrail } from '../shared/audit/trail.ts';
import type { Clock } from '../shared/clock.ts';
import type { Lifecycle } from '../shared/lifecycle.ts';
import type { Log } from '../shared/log.ts';
import type { EdgeCredentials } from './access/edge-credentials.ts';
import type { TicketSigner } from './access/tickets.ts';
import type { Alerts } from './alerts/alerts.ts';
import type { HubConfig } from './config.ts';
import { Configurations } from './configuration/configurations.ts';
import { applyConfigurationDecision } from './configuration/decisions.ts';
import type { Fleet } from './fleet/fleet.ts';
import type { NetworkLog } from './log/network-log.ts';
import type { Projection } from './projection/projection.ts';
import { ReleaseStore } from './releases/release-store.ts';
import type { EdgeNow } from './releases/rollout.ts';
import { applyRollout } from './releases/rollout-rows.ts';
import { Rollouts } from './releases/rollouts.ts';
import { SupportBundles } from './support/support-bundles.ts';

export interface RemoteWorkOptions {
  readonly config: HubConfig;
  readonly projection: Projection;
  readonly networkLog: Pick<NetworkLog, 'append' | 'sendCommand'>;
  readonly fleet: Fleet;
  readonly alerts: Pick<Alerts, 'pagedSince'>;
  readonly audit: AuditTrail;
  readonly credentials: Pick<EdgeCredentials, 'keyInUse'>;
  readonly tickets: TicketSigner;
  readonly clock: Clock;
  readonly log: Log;
  readonly lifecycle: Lifecycle;
}

export interface RemoteWork {
  readonly configurations: Configurations;
  readonly releases: ReleaseStore;
  readonly rollouts: Rollouts;
  readonly support: SupportBundles;
  start(): void;
}

/** Before the projection starts. */
export function openRemoteWork(options: RemoteWorkOptions): RemoteWork {
  const { config, projection, networkLog, fleet, alerts, clock, log, lifecycle } = options;
  const { trusts, dataDirectory } = config;
  projection.registerHubAggregate('configuration', applyConfigurationDecision);
  projection.registerHubAggregate('rollout', applyRollout);
  const untilDecided = (streamSeq: number): Promise<void> => projection.untilDecided(streamSeq);
  const deciding = { db: projection.db, trusts, networkLog, untilDecided, clock, log };
  const toldBy = (ods: string) => fleet.configurationOf(ods);
  const configurations = new Configurations({ ...deciding, toldBy });
  lifecycle.add('configurations', () => configurations.stop());
  const releases = new ReleaseStore(dataDirectory);
  const rollouts = new Rollouts({
    ...deciding,
    edgeNow: (trust, since) => edgeNow(fleet, { trust, pages: alerts.pagedSince(trust, since) }),
    isEnrolled: (ods) => fleet.urlOf(ods) !== null,
    findRelease: (sha256) => releases.find(sha256),
  });
  lifecycle.add('rollouts', () => rollouts.stop());
  const support = new SupportBundles({
    ...{ ...options, dataDirectory, trusts },
    isEnrolled: (ods) => options.credentials.keyInUse(ods) !== null,
  });
  lifecycle.add('support', () => support.stop());
  return {
    ...{ configurations, releases, rollouts, support },
    start() {
      configurations.start();
      rollouts.start();
      support.start();
    },
  };
}

function edgeNow(fleet: Fleet, of: Pick<EdgeNow, 'trust' | 'pages'>): EdgeNow {
  const health = fleet.health(of.trust);
  const heardAt = fleet.lastHeardAt(of.trust);
  return {
    ...of,
    lastHeardAt: heardAt === null ? null : Date.parse(heardAt),
    isLive: fleet.isLive(of.trust),
    version: health?.version ?? null,
    isReady: health?.ready ?? false,
    upgrade: health?.upgrade,
  };
}
