/** What every part of the edge is started with. */
import type { Clock } from '../shared/clock.ts';
import type { Lifecycle } from '../shared/lifecycle.ts';
import type { Log } from '../shared/log.ts';
import type { Registry } from '../shared/metrics.ts';
import type { SaidNames } from './access/said-names.ts';
import type { EdgeConfig } from './config.ts';
import type { PushedConfigurations } from './configuration/pushed.ts';

export interface StartOptions {
  readonly config: EdgeConfig;
  readonly clock: Clock;
  readonly log: Log;
  /** How names that callers gave themselves are said. */
  readonly says: SaidNames;
  readonly metrics: Registry;
  /** What is started here is stopped by it. */
  readonly lifecycle: Lifecycle;
  readonly pushed: PushedConfigurations;
  /** Stops everything and starts it with what is in the configuration's file. */
  readonly restart: () => void;
}
