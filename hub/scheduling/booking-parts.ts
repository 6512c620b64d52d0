/** What the parts of scheduling that decide share. */
import type { Clock } from '../../shared/clock.ts';
import type { Log } from '../../shared/log.ts';
import type { Sqlite } from '../../shared/sqlite/open.ts';
import type { TrustConfig } from '../config.ts';
import type { NetworkLog } from '../log/network-log.ts';
import type { Change } from '../projection/change.ts';
import type { DecisionWriter } from './decision-writer.ts';

export interface SchedulingParts {
  readonly db: Sqlite;
  readonly trusts: readonly TrustConfig[];
  readonly writer: DecisionWriter;
  readonly networkLog: Pick<NetworkLog, 'sendCommand'>;
  readonly clock: Clock;
  readonly log: Log;
  /** @returns how to stop listening */
  readonly onChange: (listener: (change: Change) => void) => () => void;
}
