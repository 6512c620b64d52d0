/**
 * The edge joined to its hub.
 *
 *   outbox, heartbeat ─► uplink ─► commands ─► configuration │ directory │ build │ inbox        relay ◄─ who can't dial us
 */
import type { AuditTrail } from '../shared/audit/trail.ts';
import type { Clock } from '../shared/clock.ts';
import type { HealthEvent } from '../shared/contract/events.ts';
import type { HubAccess } from '../shared/hub-access.ts';
import type { Lifecycle } from '../shared/lifecycle.ts';
import type { Log } from '../shared/log.ts';
import type { Registry } from '../shared/metrics.ts';
import type { CommandInbox } from './commands/command-inbox.ts';
import { type EdgeConfig, natsSeedFile } from './config.ts';
import type { ConfigurationTrial } from './configuration/trial.ts';
import type { HttpServer } from './http/server.ts';
import type { Outbox } from './outbox/outbox.ts';
import type { SupportDesk } from './support/support-desk.ts';
import type { DirectoryCache } from './transfer/directory.ts';
import type { UnaidedLog } from './transfer/unaided-log.ts';
import { RelayWait } from './transfer/wait-at-relay.ts';
import type { Upgrades } from './upgrade/upgrades.ts';
import { Uplink } from './uplink/uplink.ts';

export interface JoinOptions {
  readonly config: EdgeConfig;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Registry;
  readonly lifecycle: Lifecycle;
}

/** What is told to the hub and asked by it, and what waits there for those who can't dial this edge. */
export function joinHub(
  { config, clock, log, metrics, lifecycle }: JoinOptions,
  hub: { url: string; nats: string },
  parts: {
    directory: DirectoryCache;
    outbox: Outbox;
    inbox: CommandInbox;
    trial: ConfigurationTrial;
    upgrades: Upgrades;
    support: SupportDesk;
    beat: () => HealthEvent;
    http: HttpServer;
    unaided: UnaidedLog;
    audit: AuditTrail;
    hub: HubAccess;
  },
): Uplink {
  const { trust, dataDirectory } = config;
  const uplink = new Uplink({
    ...{ trust, outbox: parts.outbox, audit: parts.audit, clock, log, metrics },
    servers: hub.nats,
    seedFile: natsSeedFile(dataDirectory),
    heartbeat: parts.beat,
    unaided: parts.unaided,
    onCommand: (command) => {
      if (command.kind === 'configure') return parts.trial.take(command);
      if (command.kind === 'upgrade') return parts.upgrades.take(command);
      if (command.kind === 'withdraw-upgrade') return parts.upgrades.withdraw(command);
      if (command.kind === 'support-bundle') return parts.support.take(command);
      if (command.kind === 'directory') return uplink.refreshDirectory();
      return parts.inbox.take(command);
    },
    onDirectory: (told) => parts.directory.store(told),
  });
  uplink.start();
  lifecycle.add('uplink', () => uplink.stop());
  const relay = new RelayWait({
    hub: parts.hub,
    requestPass: () => uplink.requestRelayPass(),
    serve: parts.http.serveRelayed,
    log,
  });
  relay.start();
  lifecycle.add('relay', () => relay.stop());
  return uplink;
}
