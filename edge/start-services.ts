/**
 * What the DICOM port serves beside storage and verification, and what goes on by itself for it.
 *
 *   query/retrieve, storage commitment, performed procedure steps, worklist ─► ServedClass[]
 */
import type { Clock } from '../shared/clock.ts';
import type { Lifecycle } from '../shared/lifecycle.ts';
import type { Log } from '../shared/log.ts';
import type { Registry } from '../shared/metrics.ts';
import type { Sqlite } from '../shared/sqlite/open.ts';
import { zoneOf } from '../shared/time-zone.ts';
import { openBroughtSeries } from './commands/brought-series.ts';
import type { FetchStore } from './commands/fetch-store.ts';
import type { EdgeConfig } from './config.ts';
import { Crawler } from './crawl/crawler.ts';
import type { DeliveryCounters } from './deliver/delivery-counters.ts';
import type { ServedClass } from './dimse/service.ts';
import type { Records } from './index/records/records.ts';
import type { Copies } from './retention/copies.ts';
import { Commitments } from './scp/commitment/commitments.ts';
import { OpenAskers } from './scp/commitment/open-askers.ts';
import { CommitmentReporter } from './scp/commitment/reporter.ts';
import { storageCommitment } from './scp/commitment/service.ts';
import { dicomReading } from './scp/dicom-reading.ts';
import { StepForwarder } from './scp/mpps/forwarder.ts';
import { PerformedSteps } from './scp/mpps/performed-steps.ts';
import { performedProcedureStep } from './scp/mpps/service.ts';
import type { OpenStorage } from './scp/open-storage.ts';
import type { LocalPacs } from './scp/query/local-pacs.ts';
import type { Network } from './scp/query/network.ts';
import { queryRetrieve } from './scp/query/query-retrieve.ts';
import { orderedItems } from './scp/worklist/ordered-items.ts';
import { modalityWorklist } from './scp/worklist/service.ts';
import { WorklistItems } from './scp/worklist/worklist-items.ts';
import type { Transcoder } from './transcode/transcoder.ts';
import type { Uplink } from './uplink/uplink.ts';

export interface ServiceOptions {
  readonly config: EdgeConfig;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Registry;
  readonly lifecycle: Lifecycle;
  readonly db: Sqlite;
  readonly storage: OpenStorage;
  readonly records: Records;
  readonly store: FetchStore;
  readonly pacs: LocalPacs;
  readonly copies: Pick<Copies, 'markUsed'>;
  readonly transcoder: Transcoder;
  readonly deliveryCounters: DeliveryCounters;
  /** Absent: the trust works alone. */
  readonly uplink: Uplink | undefined;
}

/** What the status page shows of them. */
export interface Services {
  readonly served: readonly ServedClass[];
  readonly commitments: Commitments;
  readonly steps: PerformedSteps;
  readonly worklist: WorklistItems;
}

export function startServices(options: ServiceOptions): Services {
  const { config, clock, log, metrics, lifecycle } = options;
  const { db, storage, records, store, pacs, uplink } = options;
  const { trust, peers, patientIds, dicom } = config;
  const { index, spool } = storage;
  const now = (): number => clock.now();
  const common = { peers, log, now, random: Math.random, ownAETitle: dicom.aeTitle };

  const commitments = new Commitments(db);
  const askers = new OpenAskers();
  const reporter = new CommitmentReporter({ ...common, commitments, askers, index, spool });
  reporter.start();
  lifecycle.add('commitment reporter', () => reporter.stop());

  const steps = new PerformedSteps(db, (studyInstanceUID, at) =>
    storage.outbox.markStudyDirty({ studyInstanceUID, home: trust }, at, 'nearline'),
  );
  storage.outbox.askSteps((studyInstanceUID) => steps.stepsOf(studyInstanceUID));
  const forwarder = new StepForwarder({ ...common, steps });
  forwarder.start();
  lifecycle.add('step forwarder', () => forwarder.stop());
  const receivers = peers.filter(({ receivesMpps }) => receivesMpps).map(({ name }) => name);

  const crawler = new Crawler({
    ...{ config, db, index, clock, log, metrics, reading: dicomReading },
    random: Math.random,
  });
  crawler.start();
  lifecycle.add('crawl', () => crawler.stop());

  const zone = zoneOf(config.hl7.timeZone);
  const ordered = orderedItems({ trust, records, now, zone });
  const worklist = new WorklistItems(ordered, config.worklist.folder);
  const served = [
    ...queryRetrieve({
      ...{ db, trust, index, spool, log, metrics, peers, zone },
      namespace: patientIds.namespace,
      ownAETitle: dicom.aeTitle,
      markUsed: (study) => options.copies.markUsed(study),
      network: uplink && networkFor(uplink, store, openBroughtSeries(db)),
      pacs,
      ...{ transcoder: options.transcoder, counters: options.deliveryCounters },
    }),
    storageCommitment({ commitments, askers, peers, now }),
    performedProcedureStep({ steps, receivers, zone, now }),
    modalityWorklist(worklist),
  ];
  return { served, commitments, steps, worklist };
}

/** What a workstation of this trust may ask of the others. */
function networkFor(uplink: Uplink, store: FetchStore, brought: Network['brought']): Network {
  return {
    brought,
    query: (request) => uplink.query(request),
    contents: (request) => uplink.contents(request),
    orderFetch: (request) => uplink.orderFetch(request),
    fetchStand(fetchId) {
      const row = store.find(fetchId);
      if (row === undefined) return undefined;
      const { state, endedAt, instancesDone, instancesExpected, reason } = row;
      const failed = store.failures(fetchId).map(({ sopInstanceUID }) => sopInstanceUID);
      const isOver = endedAt !== null;
      return { state, isOver, instancesDone, instancesExpected, reason, failed };
    },
  };
}
