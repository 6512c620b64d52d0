/** What staff do on this edge from afar: configurations that are tried, builds that are installed, support bundles. */
import type { AuditTrail } from '../shared/audit/trail.ts';
import type { Clock } from '../shared/clock.ts';
import type { HubAccess } from '../shared/hub-access.ts';
import type { Lifecycle } from '../shared/lifecycle.ts';
import type { Log } from '../shared/log.ts';
import { VERSION } from '../shared/version.ts';
import type { EdgeConfig } from './config.ts';
import type { PushedConfigurations } from './configuration/pushed.ts';
import { ConfigurationTrial } from './configuration/trial.ts';
import { SupportDesk } from './support/support-desk.ts';
import { Upgrades } from './upgrade/upgrades.ts';
import type { Uplink } from './uplink/uplink.ts';

export interface RemoteWorkOptions {
  readonly config: EdgeConfig;
  readonly clock: Clock;
  readonly log: Log;
  readonly lifecycle: Lifecycle;
  readonly pushed: PushedConfigurations;
  readonly restart: () => void;
  readonly audit: AuditTrail;
  readonly hub: HubAccess;
}

export interface RemoteWork {
  readonly trial: ConfigurationTrial;
  readonly upgrades: Upgrades;
  readonly support: SupportDesk;
  /** Goes on with what was under way. Not before everything listens: a port that can't be had puts a configuration back, too. */
  start(): void;
}

export function openRemoteWork(
  options: RemoteWorkOptions,
  late: { readonly uplink?: Uplink },
): RemoteWork {
  const { lifecycle, config, pushed } = options;
  const isJoined = (): boolean => late.uplink?.status().connected ?? false;
  const trial = new ConfigurationTrial({ ...options, isJoined });
  lifecycle.add('configuration', () => trial.stop());
  const onChange = (): void => late.uplink?.beatSoon();
  const upgrades = new Upgrades({ ...options, version: VERSION, onChange });
  lifecycle.add('upgrades', () => upgrades.stop());
  const { trust, dataDirectory } = config;
  const support = new SupportDesk({
    ...{ ...options, trust, dataDirectory, configFile: pushed.file },
  });
  lifecycle.add('support', () => support.stop());
  return {
    ...{ trial, upgrades, support },
    start() {
      trial.start();
      upgrades.start();
      support.start();
    },
  };
}
