/** What storage is made of; one set a program, made by open-storage.ts. */
import type { Clock } from '../../shared/clock.ts';
import type { Log } from '../../shared/log.ts';
import type { AcceptedObject } from '../index/accept-object.ts';
import type { EdgeIndex } from '../index/edge-index.ts';
import type { PatientKey } from '../index/records/types.ts';
import type { Quarantine } from '../spool/quarantine.ts';
import type { Spool } from '../spool/spool.ts';
import type { ObjectReading } from './object-reading.ts';
import type { StorageCounters } from './storage-counters.ts';

export interface StorageParts {
  /** The edge's ODS code: the home of what its senders send. */
  readonly trust: string;
  /** The issuer of a PatientID whose object names none. */
  readonly namespace: string;
  /** The number under which a person goes now. Absent: nobody tells of merges. */
  readonly inForce?: ((key: PatientKey) => PatientKey) | undefined;
  readonly spool: Spool;
  readonly index: EdgeIndex;
  readonly quarantine: Quarantine;
  readonly reading: ObjectReading;
  readonly clock: Clock;
  readonly log: Log;
  readonly counters: StorageCounters;
  readonly setAside?: SetAside | undefined;
}

/**
 * Makes an object durable in another place than the index.
 *
 * @returns false: it is none of those; nothing was done
 * @throws SpoolError or SQLite's error; then the file is where it was
 */
export type SetAside = (spool: Spool, object: AcceptedObject, now: number) => boolean;
