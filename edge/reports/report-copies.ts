/**
 * Brings the reports of a copy to where the copy goes: each version in force as a document, ahead of the images.
 *
 *   command ─► copy_reports ─► the copy is filed ─► SR in spool/reports ─► Deliverer ─► done
 *
 * The documents stand beside the index: the copy stays what its home has, and nobody takes them for objects of
 * this trust. What a kill -9 interrupts is made again, the same to the byte.
 */
import { randomUUID } from 'node:crypto';
import { rfc3339 } from '../../shared/clock.ts';
import type { ReportCommand } from '../../shared/contract/commands.ts';
import { codeOf } from '../../shared/errors.ts';
import type { Log } from '../../shared/log.ts';
import type { Sqlite } from '../../shared/sqlite/open.ts';
import type { Peer } from '../config.ts';
import type { Deliverer } from '../deliver/deliverer.ts';
import type { DeliveryQueue } from '../deliver/delivery-queue.ts';
import { type FileHead, writeDocument } from '../documents/write-document.ts';
import type { AcceptedObject } from '../index/accept-object.ts';
import type { EdgeIndex } from '../index/edge-index.ts';
import type { StoredInstance } from '../index/types.ts';
import type { Spool } from '../spool/spool.ts';
import { BASIC_TEXT_SR, reportDocument } from './report-document.ts';
import { type ReportRow, ReportRows } from './report-rows.ts';

const LOOK_MS = 1_000;
const DEADLINE_MS = 7 * 86_400_000;
/** A report goes before the images of the same urgency; nothing but the immediate goes before it. */
const URGENT = 1;
const FOLDER = 'reports';

export interface ReportCopiesOptions {
  readonly trust: string;
  readonly db: Sqlite;
  readonly index: Pick<EdgeIndex, 'studyState'>;
  readonly spool: Spool;
  readonly peers: readonly Peer[];
  readonly deliverer: Pick<Deliverer, 'add' | 'wake'>;
  readonly deliveries: Pick<DeliveryQueue, 'find'>;
  readonly fileHead: FileHead;
  readonly now: () => number;
  readonly log: Log;
}

export class ReportCopies {
  readonly #options: ReportCopiesOptions;
  readonly #rows: ReportRows;
  #timer: NodeJS.Timeout | undefined;
  #running: Promise<void> | undefined;

  constructor(options: ReportCopiesOptions) {
    this.#options = options;
    this.#rows = new ReportRows(options.db);
  }

  start(): void {
    this.#timer = setInterval(() => this.wake(), LOOK_MS);
    this.#timer.unref();
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await this.#running;
  }

  /** Within the transaction that makes the command durable. */
  keep(command: ReportCommand): void {
    this.#rows.put(command, this.#options.now());
  }

  /** Within the transaction that begins a fetch of the study. */
  fetchedAgain({ studyInstanceUID, home }: { studyInstanceUID: string; home: string }): void {
    this.#rows.reopen(studyInstanceUID, home);
  }

  wake(): void {
    this.#running ??= this.look()
      .catch((error: unknown) =>
        this.#options.log.error('report.look-failed', { code: codeOf(error), error }),
      )
      .finally(() => {
        this.#running = undefined;
      });
  }

  /** Where deliveries find the documents. */
  findInstance(sopInstanceUID: string): StoredInstance | undefined {
    return this.#rows.findInstance(sopInstanceUID);
  }

  /** True: it is one of ours, which the PACS sends back; it is dropped. */
  takeBack(spool: Spool, { sealed, attributes }: AcceptedObject): boolean {
    // Every image comes through here: its class says that it is none.
    if (attributes.sopClassUID !== BASIC_TEXT_SR) return false;
    if (this.#rows.findInstance(attributes.sopInstanceUID) === undefined) return false;
    spool.dropTemporary(sealed.temporaryPath);
    return true;
  }

  /** Hands over what can go, and ends what has gone. */
  async look(): Promise<void> {
    for (const row of this.#rows.open())
      if (row.deliveryId === null) await this.#handOver(row);
      else this.#follow(row, row.deliveryId);
  }

  /** Waits while the copy is not filed, or goes nowhere. */
  async #handOver(row: ReportRow): Promise<void> {
    const { index, db, deliverer, now, trust, spool, fileHead } = this.#options;
    const { studyInstanceUID, home, reportKey } = row;
    const study = index.studyState(studyInstanceUID, home);
    const to = this.#rows.destinationOf(row);
    const peer = to?.isDelivered ? this.#peer(to.peer) : undefined;
    if (study === undefined || to === undefined || peer === undefined) return;
    const document = reportDocument({
      ...{ report: row.report, study, trust },
      retrievedAt: rfc3339(row.receivedAt),
      replaces: this.#rows.deliveredBefore(row),
    });
    const place = { trust, spool, fileHead, folder: FOLDER, now: now() };
    const file = await writeDocument(document, place);
    const deliveryId = `report-${randomUUID()}`;
    db.transaction(() => {
      this.#rows.setDocument(reportKey, file, deliveryId);
      deliverer.add({
        ...{ deliveryId, peer: peer.name, studyInstanceUID, home },
        priority: Math.min(to.priority, URGENT),
        deadlineAt: now() + DEADLINE_MS,
        instances: [{ sopInstanceUID: file.sopInstanceUID, dataSetBytes: file.dataSetBytes }],
      });
    }).immediate();
    deliverer.wake(peer.name);
  }

  #peer(named: string | null): Peer | undefined {
    const { peers } = this.#options;
    return named === null
      ? peers.find(({ importsTo }) => importsTo)
      : peers.find(({ name }) => name === named);
  }

  #follow(row: ReportRow, deliveryId: string): void {
    const { deliveries, spool, now, log } = this.#options;
    const delivery = deliveries.find(deliveryId);
    if (delivery !== undefined && delivery.endedAt === null) return;
    const path = this.#rows.done(row, now());
    if (path !== null) spool.dropTemporary(spool.absolute(path));
    const { studyInstanceUID } = row;
    const state = delivery?.state ?? 'failed';
    log.info('report.delivered', { studyInstanceUID, source: row.report.trust, state });
  }
}
