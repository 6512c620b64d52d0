/** The numbers of ingest at /metrics. One line a received object would be too much of a log. */
import { Counter, Gauge, Histogram, type Registry } from '../../shared/metrics.ts';
import type { ReserveStatus } from '../spool/reserve.ts';

export type StorageOutcome =
  | 'stored'
  | 'duplicate'
  | 'conflict'
  | 'quarantined'
  | 'refused'
  | 'aborted';

export interface StorageCounters {
  count(outcome: StorageOutcome, dataSetBytes: number): void;
  /** Begins to measure; the returned function ends it. */
  startAcknowledgement(): () => void;
}

/** @param reserve asked when the numbers are read */
export function openStorageCounters(
  registry: Registry,
  reserve: () => ReserveStatus,
): StorageCounters {
  const registers = [registry];
  const objects = new Counter({
    name: 'cdip_storage_objects_total',
    help: 'Objects received by C-STORE, by what became of them',
    labelNames: ['outcome'],
    registers,
  });
  const bytes = new Counter({
    name: 'cdip_storage_bytes_total',
    help: 'Bytes of data sets received whole, by what became of them',
    labelNames: ['outcome'],
    registers,
  });
  const acknowledgement = new Histogram({
    name: 'cdip_storage_acknowledgement_seconds',
    help: 'From the last byte of an object to its status: fsync, rename, index',
    buckets: [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 5],
    registers,
  });
  new Gauge({
    name: 'cdip_spool_free_bytes',
    help: 'Bytes that the disk of the spool still takes',
    registers,
    collect() {
      this.set(reserve().freeBytes);
    },
  });
  new Gauge({
    name: 'cdip_spool_reserve_reached',
    help: '1 while C-STORE is refused with A700H because the reserve is reached',
    registers,
    collect() {
      this.set(reserve().reached ? 1 : 0);
    },
  });
  return {
    count(outcome, dataSetBytes) {
      objects.inc({ outcome });
      bytes.inc({ outcome }, dataSetBytes);
    },
    startAcknowledgement: () => acknowledgement.startTimer(),
  };
}
