/**
 * Tells the PACS and workstations that were given a copy that its home has withdrawn it: a rejection note to each.
 *
 *   withdrawal ─► withdrawal_notes, as the copy goes ─► KOS in spool/notes ─► Deliverer ─► done
 *
 * The notes stand beside the index, as documents of copies do. What a kill -9 interrupts is made again, the same to
 * the byte.
 */
import { randomUUID } from 'node:crypto';
import { rfc3339 } from '../../shared/clock.ts';
import { codeOf } from '../../shared/errors.ts';
import type { Log } from '../../shared/log.ts';
import type { Sqlite } from '../../shared/sqlite/open.ts';
import type { Peer } from '../config.ts';
import type { Deliverer } from '../deliver/deliverer.ts';
import type { DeliveryQueue } from '../deliver/delivery-queue.ts';
import { type FileHead, writeDocument } from '../documents/write-document.ts';
import type { AcceptedObject } from '../index/accept-object.ts';
import type { EdgeIndex, StudyKey } from '../index/edge-index.ts';
import type { StoredInstance } from '../index/types.ts';
import type { Spool } from '../spool/spool.ts';
import { DeliveredCopies } from './delivered.ts';
import { KEY_OBJECT_SELECTION, rejectionNote } from './note-document.ts';
import { type NoteRow, NoteRows } from './note-rows.ts';

const LOOK_MS = 1_000;
/** A PACS that is away for longer than a report may wait must still be told. */
const DEADLINE_MS = 60 * 86_400_000;
/** Before all images but the most urgent. */
const URGENT = 1;
const FOLDER = 'notes';
/** What hides or drops objects by a note; modalities and AI nodes keep none. */
const TOLD: ReadonlySet<Peer['role']> = new Set(['pacs', 'archive', 'workstation']);

export interface RejectionNotesOptions {
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

export class RejectionNotes {
  readonly #options: RejectionNotesOptions;
  readonly #rows: NoteRows;
  readonly #copies: DeliveredCopies;
  #timer: NodeJS.Timeout | undefined;
  #running: Promise<void> | undefined;

  constructor(options: RejectionNotesOptions) {
    this.#options = options;
    this.#rows = new NoteRows(options.db);
    this.#copies = new DeliveredCopies(options.db, options.index);
  }

  start(): void {
    this.#copies.forgetOld(this.#options.now());
    this.#timer = setInterval(() => this.wake(), LOOK_MS);
    this.#timer.unref();
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await this.#running?.catch(() => {});
  }

  /** Before a copy goes for want of use or room: what its PACS was given is remembered. */
  remember(copy: StudyKey): void {
    this.#copies.remember(copy, this.#options.now());
  }

  /**
   * Before a withdrawn copy goes, when nothing of it is sent any more: writes down what each of those who have it
   * is to be told. The same command again changes nothing.
   */
  keep(commandId: string, copy: StudyKey): void {
    const { db, peers, now } = this.#options;
    db.transaction(() => {
      const delivered = this.#copies.deliveredOf(copy);
      const code = this.#copies.codeOf(copy);
      const told = peers.filter(({ role }) => TOLD.has(role));
      for (const { name: peer } of delivered === undefined ? [] : told) {
        const references = delivered?.byPeer.get(peer) ?? [];
        if (references.length > 0 && delivered !== undefined)
          this.#rows.put({ commandId, peer, code, study: delivered.study, references }, now());
      }
      this.#copies.forget(copy);
    }).immediate();
  }

  wake(): void {
    this.look().catch((error: unknown) =>
      this.#options.log.error('note.look-failed', { code: codeOf(error), error }),
    );
  }

  /** Hands over what can go, and ends what has gone; one look at a time. */
  look(): Promise<void> {
    this.#running ??= this.#lookOnce().finally(() => {
      this.#running = undefined;
    });
    return this.#running;
  }

  /** Where deliveries find the notes. */
  findInstance(sopInstanceUID: string): StoredInstance | undefined {
    return this.#rows.findInstance(sopInstanceUID);
  }

  /** True: it is one of ours, which the PACS sends back; it is dropped. */
  takeBack(spool: Spool, { sealed, attributes }: AcceptedObject): boolean {
    // Every image comes through here: its class says that it is none.
    if (attributes.sopClassUID !== KEY_OBJECT_SELECTION) return false;
    if (this.#rows.findInstance(attributes.sopInstanceUID) === undefined) return false;
    spool.dropTemporary(sealed.temporaryPath);
    return true;
  }

  async #lookOnce(): Promise<void> {
    for (const row of this.#rows.open())
      if (row.deliveryId === null) await this.#handOver(row);
      else this.#follow(row, row.deliveryId);
  }

  async #handOver({ noteKey, body, madeAt }: NoteRow): Promise<void> {
    const { db, deliverer, now, trust, spool, fileHead } = this.#options;
    const { peer, study } = body;
    const note = rejectionNote({ ...body, trust, at: rfc3339(madeAt) });
    const place = { trust, spool, fileHead, folder: FOLDER, now: now() };
    const file = await writeDocument(note, place);
    const { sopInstanceUID, dataSetBytes } = file;
    const deliveryId = `note-${randomUUID()}`;
    db.transaction(() => {
      this.#rows.setDocument(noteKey, file, deliveryId);
      deliverer.add({
        ...{ deliveryId, peer, studyInstanceUID: study.studyInstanceUID, home: study.home },
        ...{ priority: URGENT, deadlineAt: now() + DEADLINE_MS },
        instances: [{ sopInstanceUID, dataSetBytes }],
      });
    }).immediate();
    deliverer.wake(peer);
  }

  #follow({ noteKey, path, body: { peer, study } }: NoteRow, deliveryId: string): void {
    const { deliveries, spool, now, log } = this.#options;
    const delivery = deliveries.find(deliveryId);
    if (delivery !== undefined && delivery.endedAt === null) return;
    this.#rows.done(noteKey, now());
    if (path !== null) spool.dropTemporary(spool.absolute(path));
    const { studyInstanceUID, home } = study;
    const state = delivery?.state ?? 'failed';
    log.info('note.delivered', { studyInstanceUID, home, peer, state });
  }
}
