/**
 * Looks through the results of AI nodes, one by one: what is of what was sent is marked, filed and sent to
 * the model's peers; everything else is held, and shown.
 *
 *   inbox ─► read ─► check-result.ts ─┬─ mark ─► incoming/ ─► index, inbox, jobs: one transaction
 *                                     └─ held, with its reason
 */
import { PRIORITIES } from '../../shared/contract/commands.ts';
import type { DataSetSource } from '../../shared/dicom/rewrite.ts';
import { codeOf, GatewayError } from '../../shared/errors.ts';
import type { Log } from '../../shared/log.ts';
import type { Sqlite } from '../../shared/sqlite/open.ts';
import type { EdgeConfig } from '../config.ts';
import type { Model } from '../config-routes.ts';
import { restoreObject } from '../deidentify/restore-object.ts';
import type { DeliveryQueue, Reason } from '../deliver/delivery-queue.ts';
import { acceptObject } from '../index/accept-object.ts';
import type { InstanceAttributes } from '../index/attributes.ts';
import type { EdgeIndex } from '../index/edge-index.ts';
import { readDataSet } from '../spool/read-instance.ts';
import type { Spool } from '../spool/spool.ts';
import { SpoolError } from '../spool/spool-error.ts';
import type { SealedFile } from '../spool/write-instance.ts';
import { REFERENCES_OTHER, whyHeld } from './check-result.ts';
import type { RuleSet } from './decide.ts';
import { markResult } from './mark-result.ts';
import type { Outages } from './outages.ts';
import type { PseudonymStore } from './pseudonym-store.ts';
import { type ResultFacts, readResult } from './read-result.ts';
import type { ResultInbox, ResultRow } from './result-inbox.ts';
import { type Origin, originOf, PROJECT_KEY_GONE } from './result-origin.ts';
import type { JobRow } from './route-statements.ts';
import type { RouteStore } from './route-store.ts';
import { MODEL_OFF, type Switches } from './switches.ts';

const LOOK_MS = 500;

/** Reads attributes for the index, and writes the head of a file. */
export interface ResultReading {
  openReader(transferSyntaxUID: string): {
    write(chunk: Buffer): Promise<void> | undefined;
    end(): InstanceAttributes | Promise<InstanceAttributes>;
    abort(): void;
  };
  fileHead(identity: {
    sopClassUID: string;
    sopInstanceUID: string;
    transferSyntaxUID: string;
  }): Buffer;
}

export interface ResultDeskParts {
  readonly config: Pick<EdgeConfig, 'trust' | 'peers' | 'models' | 'projects'>;
  readonly db: Sqlite;
  readonly inbox: ResultInbox;
  readonly outages: Outages;
  readonly pseudonyms: PseudonymStore;
  readonly rules: RuleSet;
  readonly store: RouteStore;
  readonly deliveries: DeliveryQueue;
  readonly switches: Switches;
  readonly index: EdgeIndex;
  readonly spool: Spool;
  readonly reading: ResultReading;
  readonly now: () => number;
  readonly log: Log;
}

export class ResultDesk {
  readonly #parts: ResultDeskParts;
  #timer: NodeJS.Timeout | undefined;
  #running: Promise<void> | undefined;
  #isStopping = false;

  constructor(parts: ResultDeskParts) {
    this.#parts = parts;
  }

  start(): void {
    const { inbox, spool, now } = this.#parts;
    inbox.forgetOld(spool, now());
    inbox.lookAgain(PROJECT_KEY_GONE, null);
    this.#timer = setInterval(() => this.#look(), LOOK_MS);
    this.#timer.unref();
  }

  async stop(): Promise<void> {
    this.#isStopping = true;
    clearInterval(this.#timer);
    await this.#running;
  }

  #look(): void {
    this.#running ??= this.#lookThrough().finally(() => {
      this.#running = undefined;
    });
  }

  async #lookThrough(): Promise<void> {
    const { inbox, outages, now, log } = this.#parts;
    if (outages.isWaiting('results', now())) return;
    try {
      for (const row of inbox.received()) {
        if (this.#isStopping) return;
        await this.#take(row);
      }
      outages.worked('results', { now: now(), log });
    } catch (error) {
      // A disk or database that takes nothing now does so later.
      outages.failed('results', error, { now: now(), log });
    }
  }

  /** What is wrong with one holds that one; a disk or database that fails is waited for. */
  async #take(row: ResultRow): Promise<void> {
    let model: string | null = null;
    try {
      const found = originOf(this.#parts, row);
      if ('origin' in found) model = found.origin.model.name;
      const reason = 'origin' in found ? await this.#check(row, found.origin) : found.reason;
      if (reason !== undefined) this.#hold(row, model, reason);
      else this.#parts.inbox.lookAgain(REFERENCES_OTHER, row.studyInstanceUID);
    } catch (error) {
      const isOfResult = error instanceof GatewayError && error.retry === 'never';
      if (!isOfResult || error instanceof SpoolError) throw error;
      this.#hold(row, model, { code: 'RESULT_UNREADABLE', detail: unreadable(error) });
    }
  }

  /** @returns undefined: it is filed */
  async #check(row: ResultRow, origin: Origin): Promise<Reason | undefined> {
    const { spool, switches } = this.#parts;
    const result = await readResult(spool.absolute(row.path), row);
    const off = switches.whyOff(origin.model.name);
    if (off !== undefined) return { code: MODEL_OFF, detail: off };
    const reason = whyHeld(result, origin.sent);
    if (reason !== undefined) return reason;
    if (origin.pseudonyms?.uids.has(row.sopInstanceUID) === true) return UID_TAKEN;
    return this.#file(row, origin, result);
  }

  /** @returns why it is not, when it can't be */
  async #file(row: ResultRow, origin: Origin, result: ResultFacts): Promise<Reason | undefined> {
    const { config, rules, db, index, spool, inbox, store, deliveries, now, log } = this.#parts;
    const { model, jobs, studyInstanceUID } = origin;
    const { sealed, attributes } = await this.#write(row, origin);
    if (attributes.rejects !== undefined) {
      spool.dropTemporary(sealed.temporaryPath);
      return REJECTS;
    }
    const known = index.findInstance(row.sopInstanceUID, config.trust);
    if (known !== undefined && known.contentDigest !== sealed.contentDigest) {
      spool.dropTemporary(sealed.temporaryPath);
      return UID_TAKEN;
    }
    const study = { studyInstanceUID, home: config.trust };
    const { transferSyntaxUID, sopInstanceUID } = row;
    const priority = raisedPriority(model, result, jobs);
    const send = { model: model.name, version: rules.version, priority };
    const object = { ...study, sopInstanceUID, dataSetBytes: sealed.dataSetBytes };
    db.transaction(() => {
      acceptObject({ spool, index }, { sealed, attributes, transferSyntaxUID }, { now: now() });
      inbox.filed(row, model.name, now());
      store.answered(jobs, now());
      store.raise(studyInstanceUID, priority);
      deliveries.raise(study, priority);
      for (const destination of model.returnTo)
        store.addResult({ ...send, destination }, object, now());
    }).immediate();
    log.info('route.result-filed', { model: model.name, sopInstanceUID, studyInstanceUID });
    return undefined;
  }

  /** Marked, durable under a temporary name; without a caller, so that recovery files it as it is. */
  async #write(
    row: ResultRow,
    { model, pseudonyms, studyInstanceUID }: Origin,
  ): Promise<{ sealed: SealedFile; attributes: InstanceAttributes }> {
    const { config, spool, reading } = this.#parts;
    const { transferSyntaxUID, callingAETitle, receivedAt } = row;
    const file = spool.absolute(row.path);
    const asSent: DataSetSource = {
      transferSyntaxUID,
      open: () => readDataSet(file, row) as AsyncIterable<Buffer>,
    };
    const source: DataSetSource =
      pseudonyms === undefined
        ? asSent
        : { transferSyntaxUID, open: () => restoreObject(asSent, pseudonyms) };
    const mark = { model: model.name, version: model.version, node: callingAETitle, receivedAt };
    const reader = reading.openReader(transferSyntaxUID);
    const writer = spool.newWriter(reading.fileHead(row));
    try {
      for await (const chunk of markResult(source, { ...mark, trust: config.trust })) {
        await reader.write(chunk);
        await writer.write(chunk);
      }
      const attributes = await reader.end();
      if (attributes.studyInstanceUID !== studyInstanceUID)
        throw new Error('a result that was checked is of another study');
      const facts = { home: config.trust, receivedAt, callingAETitle: '' };
      return { sealed: await writer.seal(facts), attributes };
    } catch (error) {
      reader.abort();
      await writer.discard();
      throw error;
    }
  }

  #hold(row: ResultRow, model: string | null, reason: { code: string; detail: string }): void {
    const { inbox, log } = this.#parts;
    inbox.hold(row, model, reason);
    const { sopInstanceUID, callingAETitle } = row;
    log.warn('route.result-held', { node: callingAETitle, sopInstanceUID, code: reason.code });
  }
}

const REJECTS: Reason = {
  code: 'RESULT_KIND',
  detail: 'it takes images back, which is for people',
};

const UID_TAKEN: Reason = {
  code: 'RESULT_UID_TAKEN',
  detail: 'another object here has its SOP Instance UID',
};

const unreadable = (error: GatewayError): string =>
  `it can't be read, or not given its patient back: ${codeOf(error)}`;

/** That of what was sent, or the more urgent one that the model may ask for. */
function raisedPriority(model: Model, { codes }: ResultFacts, jobs: readonly JobRow[]): number {
  const present = Math.min(...jobs.map(({ priority }) => priority));
  const { raisesTo, raisesOn } = model;
  const isRaised = raisesOn.some(({ value, scheme }) => codes.has(`${value} ${scheme}`));
  return raisesTo === undefined || !isRaised
    ? present
    : Math.min(present, PRIORITIES.indexOf(raisesTo));
}
