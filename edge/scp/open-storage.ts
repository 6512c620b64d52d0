/**
 * Puts the storage of an edge together and brings it back into order after whatever ended it last.
 *
 *   configuration ─► spool, index, quarantine, outbox ─► recovery ─► store service
 */
import type { Clock } from '../../shared/clock.ts';
import { codeOf } from '../../shared/errors.ts';
import type { Log } from '../../shared/log.ts';
import type { Registry } from '../../shared/metrics.ts';
import type { Sqlite } from '../../shared/sqlite/open.ts';
import type { EdgeConfig } from '../config.ts';
import type { DimseServices } from '../dimse/service.ts';
import { EdgeIndex, type ObjectListener } from '../index/edge-index.ts';
import { finishDeletions } from '../index/remove-study.ts';
import { Outbox } from '../outbox/outbox.ts';
import { giveUpBallast } from '../spool/ballast.ts';
import { Quarantine } from '../spool/quarantine.ts';
import { type RecoveryReport, recoverSpool } from '../spool/recover.ts';
import type { ReserveStatus } from '../spool/reserve.ts';
import { Spool } from '../spool/spool.ts';
import type { ObjectReading } from './object-reading.ts';
import { recoveryTarget } from './refile.ts';
import { storeService } from './storage.ts';
import { openStorageCounters } from './storage-counters.ts';
import type { SetAside, StorageParts } from './storage-parts.ts';

export interface StorageOptions {
  readonly config: Pick<EdgeConfig, 'trust' | 'dataDirectory' | 'patientIds' | 'storage'>;
  readonly db: Sqlite;
  readonly reading: ObjectReading;
  /** Told of each object within the transaction that records it. */
  readonly onStored?: ObjectListener;
  readonly setAside?: SetAside;
  /** The number under which a person goes now. */
  readonly inForce?: StorageParts['inForce'];
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Registry;
}

export interface OpenStorage extends StorageParts {
  readonly outbox: Outbox;
  readonly store: DimseServices['store'];
  readonly recovered: RecoveryReport;
}

/**
 * Opens and recovers; nothing may write to the data directory before this resolves. The outbox is not
 * started yet.
 *
 * @throws SpoolError when the disk can't be read
 */
export async function openStorage(options: StorageOptions): Promise<OpenStorage> {
  const { config, db, reading, onStored, clock, log, metrics } = options;
  const { trust, dataDirectory, storage, patientIds } = config;
  const spool = new Spool({
    dataDirectory,
    reserveBytes: storage.reserveBytes,
    clock,
    onReserveChange: (status) => tellReserve(log, status),
  });
  const index = new EdgeIndex({
    db,
    trust,
    namespace: patientIds.namespace,
    onStored,
    onPatientConflict: (study) => log.warn('storage.patient-conflict', { ...study }),
  });
  const outbox = new Outbox({
    db,
    index,
    clock,
    quietMs: storage.quietSeconds * 1000,
    quietSecondsByModality: storage.quietSecondsByModality,
    onTickFailure: (error) => log.error('outbox.tick-failed', { error }),
  });
  const quarantine = new Quarantine({ db, spool });
  const counters = openStorageCounters(metrics, () => spool.reserve.status());
  const { setAside, inForce } = options;
  const { namespace } = patientIds;
  const parts: StorageParts = {
    ...{ trust, namespace, inForce, spool, index, quarantine, reading },
    ...{ clock, log, counters, setAside },
  };
  finishDeletions(parts);
  quarantine.reconcile(clock.now());
  const recovered = await recoverEvenWhenFull(dataDirectory, parts);
  log.info('spool.recovered', { ...recovered });
  // Says at start why objects are refused, if they are.
  spool.reserve.status();
  return { ...parts, outbox, recovered, store: storeService(parts) };
}

/** Filing what was found takes a little room in the database; on a full disk the ballast gives it. */
async function recoverEvenWhenFull(
  dataDirectory: string,
  parts: StorageParts,
): Promise<RecoveryReport> {
  try {
    return await recoverSpool(parts.spool, recoveryTarget(parts));
  } catch (error) {
    if (codeOf(error) !== 'SQLITE_FULL' || !giveUpBallast(dataDirectory)) throw error;
    return recoverSpool(parts.spool, recoveryTarget(parts));
  }
}

function tellReserve(log: Log, { reached, freeBytes, reserveBytes }: ReserveStatus): void {
  if (reached) log.error('spool.reserve-reached', { freeBytes, reserveBytes });
  else log.info('spool.reserve-cleared', { freeBytes, reserveBytes });
}
