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
import type { DeliveryQueue, Reason } from '../deliver/delivery-queue.ts';
import { acceptObject } from '../index/accept-object.ts';
import type { InstanceAttributes } from '../index/attributes.ts';
import type { EdgeIndex } from '../index/edge-index.ts';
import { readDataSet } from '../spool/read-instance.ts';
import type { Spool } from '../spool/spool.ts';
import type { SealedFile } from '../spool/write-instance.ts';
import { REFERENCES_OTHER, type Sent, STUDY_NOT_SENT, whyHeld } from './check-result.ts';
import type { RuleSet } from './decide.ts';
import { markResult } from './mark-result.ts';
import { type ResultFacts, readResult } from './read-result.ts';
import type { ResultInbox, ResultRow } from './result-inbox.ts';
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
  readonly config: Pick<EdgeConfig, 'trust' | 'peers' | 'models'>;
  readonly db: Sqlite;
  readonly inbox: ResultInbox;
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

/** The model that a result is of, and the jobs that sent it the study. */
interface Origin {
  readonly model: Model;
  readonly jobs: readonly JobRow[];
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
    const { inbox, log } = this.#parts;
    try {
      for (const row of inbox.received()) {
        if (this.#isStopping) return;
        await this.#take(row);
      }
    } catch (error) {
      // A disk or database that takes nothing now does so later.
      log.error('route.look-failed', { error });
    }
  }

  async #take(row: ResultRow): Promise<void> {
    const { inbox, spool } = this.#parts;
    const origin = this.#originOf(row);
    const name = origin?.model.name ?? null;
    let result: ResultFacts;
    try {
      result = await readResult(spool.absolute(row.path), row);
    } catch (error) {
      if (!(error instanceof GatewayError)) throw error;
      const detail = `it can't be read: ${codeOf(error)}`;
      this.#hold(row, name, { code: 'RESULT_UNREADABLE', detail });
      return;
    }
    const reason = this.#whyHeld(row, origin, result);
    if (reason !== undefined || origin === undefined) {
      this.#hold(row, name, reason ?? STUDY_NOT_SENT);
      return;
    }
    await this.#file(row, origin, result);
    inbox.lookAgain(REFERENCES_OTHER, row.studyInstanceUID);
  }

  #whyHeld(row: ResultRow, origin: Origin | undefined, result: ResultFacts): Reason | undefined {
    const off = origin && this.#parts.switches.whyOff(origin.model.name);
    if (off !== undefined) return { code: MODEL_OFF, detail: off };
    return whyHeld(result, origin && this.#sentBy(origin, row));
  }

  #originOf({ callingAETitle, studyInstanceUID }: ResultRow): Origin | undefined {
    const { config, store } = this.#parts;
    const node = config.peers.find(({ aeTitle }) => aeTitle === callingAETitle);
    const models = config.models.filter(({ peer }) => peer === node?.name);
    const sent = store.jobsOf(studyInstanceUID).filter(({ sentAt }) => sentAt !== null);
    // Of several models on a node, the one that got the study last.
    const last = sent.findLast(({ destination }) =>
      models.some(({ name }) => name === destination),
    );
    const model = models.find(({ name }) => name === last?.destination);
    if (model === undefined) return undefined;
    return { model, jobs: sent.filter(({ destination }) => destination === model.name) };
  }

  #sentBy({ jobs }: Origin, row: ResultRow): Sent | undefined {
    const { index, inbox, store, config } = this.#parts;
    const { studyInstanceUID } = row;
    const study = index.studyState(studyInstanceUID, config.trust);
    if (study === undefined) return undefined;
    const { patientId, birthDate } = study.patient;
    const objects = jobs.flatMap((job) => store.objectsOf(job));
    return {
      ...{ studyInstanceUID, patientId, birthDate },
      objects: new Set(objects.map(({ sopInstanceUID }) => sopInstanceUID)),
      results: new Set(inbox.uidsOf(row)),
    };
  }

  async #file(row: ResultRow, origin: Origin, result: ResultFacts): Promise<void> {
    const { config, rules, db, index, spool, inbox, store, deliveries, now, log } = this.#parts;
    const { model, jobs } = origin;
    const { sealed, attributes } = await this.#write(row, model);
    const known = index.findInstance(row.sopInstanceUID, config.trust);
    if (known !== undefined && known.contentDigest !== sealed.contentDigest) {
      spool.dropTemporary(sealed.temporaryPath);
      const detail = 'another object here has its SOP Instance UID';
      this.#hold(row, model.name, { code: 'RESULT_UID_TAKEN', detail });
      return;
    }
    const { transferSyntaxUID } = row;
    const priority = raisedPriority(model, result, jobs);
    const send = { model: model.name, version: rules.version, priority };
    const size = { dataSetBytes: sealed.dataSetBytes, home: config.trust };
    db.transaction(() => {
      acceptObject({ spool, index }, { sealed, attributes, transferSyntaxUID }, now());
      inbox.filed(row, model.name, now());
      store.answered(jobs, now());
      store.raise(row.studyInstanceUID, priority);
      deliveries.raise({ studyInstanceUID: row.studyInstanceUID, home: config.trust }, priority);
      for (const destination of model.returnTo)
        store.addResult({ ...send, destination }, { ...row, ...size }, now());
    }).immediate();
    const { sopInstanceUID, studyInstanceUID } = row;
    log.info('route.result-filed', { model: model.name, sopInstanceUID, studyInstanceUID });
  }

  /** Marked, durable under a temporary name; without a caller, so that recovery files it as it is. */
  async #write(
    row: ResultRow,
    model: Model,
  ): Promise<{ sealed: SealedFile; attributes: InstanceAttributes }> {
    const { config, spool, reading } = this.#parts;
    const { transferSyntaxUID, callingAETitle, receivedAt } = row;
    const file = spool.absolute(row.path);
    const source: DataSetSource = {
      transferSyntaxUID,
      open: () => readDataSet(file, row) as AsyncIterable<Buffer>,
    };
    const mark = { model: model.name, version: model.version, node: callingAETitle, receivedAt };
    const reader = reading.openReader(transferSyntaxUID);
    const writer = spool.newWriter(reading.fileHead(row));
    try {
      for await (const chunk of markResult(source, { ...mark, trust: config.trust })) {
        await reader.write(chunk);
        await writer.write(chunk);
      }
      const attributes = await reader.end();
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

/** That of what was sent, or the more urgent one that the model may ask for. */
function raisedPriority(model: Model, { codes }: ResultFacts, jobs: readonly JobRow[]): number {
  const present = Math.min(...jobs.map(({ priority }) => priority));
  const { raisesTo, raisesOn } = model;
  const isRaised = raisesOn.some(({ value, scheme }) => codes.has(`${value} ${scheme}`));
  return raisesTo === undefined || !isRaised
    ? present
    : Math.min(present, PRIORITIES.indexOf(raisesTo));
}
