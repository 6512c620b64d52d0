/**
 * What becomes of copies after they came: their reports, that their home takes them back, that nobody uses them.
 *
 *   reports, notes ─► documents for the PACS      withdrawals ─► notes, copies go      retention ─► copies go
 */
import type { Sqlite } from '../shared/sqlite/open.ts';
import type { FetchRunner } from './commands/fetch-runner.ts';
import type { FetchStore } from './commands/fetch-store.ts';
import { Withdrawals } from './commands/withdrawals.ts';
import { pacsPeers } from './crawl/progress.ts';
import type { Deliverer } from './deliver/deliverer.ts';
import type { DeliveryQueue } from './deliver/delivery-queue.ts';
import type { AcceptedObject } from './index/accept-object.ts';
import type { StoredInstance } from './index/types.ts';
import { RejectionNotes } from './notes/rejection-notes.ts';
import { ReportCopies } from './reports/report-copies.ts';
import { Copies } from './retention/copies.ts';
import { CopyExpiry } from './retention/expire-copies.ts';
import { ReleaseToPacs } from './retention/release-to-pacs.ts';
import { dicomReading } from './scp/dicom-reading.ts';
import type { OpenStorage } from './scp/open-storage.ts';
import type { Spool } from './spool/spool.ts';
import type { StartOptions } from './start-options.ts';

/** Documents that this edge makes for its PACS. */
export interface MadeDocuments {
  findInstance(sopInstanceUID: string): StoredInstance | undefined;
  /** True: the PACS sends one of them back; it is dropped. */
  takeBack(spool: Spool, object: AcceptedObject): boolean;
}

export interface Following {
  readonly reports: ReportCopies;
  readonly notes: RejectionNotes;
  readonly made: MadeDocuments;
}

export function startFollowing(
  { config, clock, log, lifecycle }: StartOptions,
  {
    db,
    storage: { index, spool },
    queue: deliveries,
    ...fetching
  }: {
    db: Sqlite;
    storage: OpenStorage;
    queue: DeliveryQueue;
    deliverer: Deliverer;
    store: FetchStore;
    runner: FetchRunner;
  },
): Following {
  const { trust, peers } = config;
  const common = { trust, db, index, spool, deliveries, log, now: () => clock.now() };
  const making = { ...common, peers, deliverer: fetching.deliverer };
  const { fileHead } = dicomReading;
  const reports = new ReportCopies({ ...making, fileHead });
  reports.start();
  lifecycle.add('reports of copies', () => reports.stop());
  const notes = new RejectionNotes({ ...making, fileHead });
  notes.start();
  lifecycle.add('rejection notes', () => notes.stop());
  const withdrawals = new Withdrawals({ ...common, ...fetching, notes });
  withdrawals.start();
  lifecycle.add('withdrawals', () => withdrawals.stop());
  const makers = [reports, notes];
  const made: MadeDocuments = {
    findInstance: (uid) => reports.findInstance(uid) ?? notes.findInstance(uid),
    takeBack: (into, object) => makers.some((maker) => maker.takeBack(into, object)),
  };
  return { reports, notes, made };
}

export function startRetention(
  { config, clock, log, metrics, lifecycle }: StartOptions,
  {
    db,
    storage: { index, spool },
    notes,
  }: { db: Sqlite; storage: OpenStorage; notes: RejectionNotes },
): Copies {
  const copies = new Copies({ db, trust: config.trust, clock });
  const { copyRetentionDays } = config.storage;
  const expiry = new CopyExpiry({
    ...{ copies, index, spool, clock, log, metrics, copyRetentionDays },
    onRemoval: (copy) => notes.remember(copy),
  });
  expiry.start();
  lifecycle.add('copy expiry', () => expiry.stop());
  const release = new ReleaseToPacs({
    ...{ db, index, spool, clock, log },
    pacs: pacsPeers(config).map(({ aeTitle }) => aeTitle),
    retentionHours: config.storage.retentionHours,
  });
  release.start();
  lifecycle.add('release to the PACS', () => release.stop());
  return copies;
}
