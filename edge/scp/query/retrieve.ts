/**
 * C-MOVE and C-GET: from the spool, and from other trusts through it. PS3.4 C.4.2, C.4.3.
 *
 *   identifier ─► bring.ts ─► objects ─► the form that is taken ─► C-STORE ─► pending: counts … ─► final: counts, failed UIDs
 *
 * A pending response goes out at least every two seconds, so that nobody takes a long fetch for a dead one.
 */
import { codeOf, GatewayError } from '../../../shared/errors.ts';
import type { Log } from '../../../shared/log.ts';
import { Counter, type Registry } from '../../../shared/metrics.ts';
import type { Peer } from '../../config.ts';
import type { DeliveryCounters } from '../../deliver/delivery-counters.ts';
import { type Form, formFor } from '../../deliver/forms.ts';
import { type StoreVerdict, verdictOf } from '../../deliver/store-status.ts';
import type {
  OperationLink,
  OperationReply,
  OperationRequest,
  Suboperations,
} from '../../dimse/service.ts';
import type { StoredInstance } from '../../index/types.ts';
import type { Spool } from '../../spool/spool.ts';
import type { Transcoder } from '../../transcode/transcoder.ts';
import { type BringParts, type Brought, bring, wantedOf } from './bring.ts';
import { readIdentifier, writeIdentifier } from './identifier.ts';
import { QueryTag } from './keys.ts';
import { destination, type Storing, sameAssociation, type Target } from './store-targets.ts';

const PENDING_MS = 2_000;
/** A destination that fails so often in a row gets no more. */
const MAX_FAILURES = 3;
/** Another association pays for itself from so many objects on. */
const OBJECTS_EACH = 4;

/** What a C-MOVE or C-GET is answered. PS3.4 C.4.2.1.5, C.4.3.1.4. */
export const RetrieveStatus = {
  success: 0x0000,
  unableToPerform: 0xa702,
  destinationUnknown: 0xa801,
  identifierDoesNotMatch: 0xa900,
  withFailures: 0xb000,
  cancelled: 0xfe00,
  pending: 0xff00,
} as const;

export interface RetrieveParts extends BringParts {
  readonly spool: Pick<Spool, 'absolute'>;
  readonly transcoder: Pick<Transcoder, 'transcode'>;
  readonly counters: Pick<DeliveryCounters, 'transcoded'>;
  readonly peers: readonly Peer[];
  readonly ownAETitle: string;
  /** A copy that is read stays as long as a new one. */
  readonly markUsed: (study: { studyInstanceUID: string; home: string }) => void;
  readonly log: Log;
  readonly metrics: Registry;
}

export class RetrieveService {
  readonly #parts: RetrieveParts;
  readonly #retrieves: Counter<'kind' | 'outcome'>;

  constructor(parts: RetrieveParts) {
    this.#parts = parts;
    this.#retrieves = new Counter({
      name: 'cdip_retrieve_requests_total',
      help: 'C-MOVE and C-GET requests by status',
      labelNames: ['kind', 'outcome'],
      registers: [parts.metrics],
    });
  }

  async handle(request: OperationRequest, link: OperationLink): Promise<OperationReply> {
    const reply = await this.#retrieve(request, link);
    const outcome = reply.status.toString(16).padStart(4, '0');
    this.#retrieves.inc({ kind: request.kind, outcome });
    const { completed = 0, failed = 0, warning = 0 } = reply.suboperations ?? {};
    this.#parts.log.info('retrieve.ended', {
      calling: request.peer.callingAETitle,
      kind: request.kind,
      destination: request.moveDestination,
      ...{ status: outcome, completed, failed, warning },
    });
    return reply;
  }

  async #retrieve(request: OperationRequest, link: OperationLink): Promise<OperationReply> {
    let identifier: ReturnType<typeof readIdentifier>;
    try {
      identifier = readIdentifier(request.transferSyntaxUID, request.dataSet);
    } catch (error) {
      if (!(error instanceof GatewayError)) throw error;
      return { status: RetrieveStatus.identifierDoesNotMatch, errorComment: error.message };
    }
    const peer = this.#parts.peers.find(({ aeTitle }) => aeTitle === request.moveDestination);
    if (request.kind === 'move' && peer === undefined)
      return {
        status: RetrieveStatus.destinationUnknown,
        errorComment: `${request.moveDestination} is no peer of this edge`,
      };
    const wanted = wantedOf(identifier, this.#parts.local);
    if (wanted === undefined)
      return {
        status: RetrieveStatus.identifierDoesNotMatch,
        errorComment: 'no unique key is named',
      };
    const run = new Run(this.#parts, request, link);
    const brought = await bring(this.#parts, wanted, {
      callingAETitle: request.peer.callingAETitle,
      signal: request.signal,
      onWaiting: (expected) => run.waiting(expected),
    });
    for (const [study] of Map.groupBy(brought.instances, studyKeyOf).values())
      if (study !== undefined) this.#parts.markUsed(study);
    const { ownAETitle } = this.#parts;
    const of = { ownAETitle, signal: request.signal, objects: brought.instances };
    if (peer === undefined) await run.storeAll(brought, () => sameAssociation(link), 1);
    else await run.storeAll(brought, () => destination(peer, of), peer.connections);
    return run.reply(brought);
  }
}

/** What lanes have still to store. */
interface Queue {
  readonly left: StoredInstance[];
  readonly newTarget: () => Target;
  /** That may still be opened. */
  lanes: number;
}

/** The sub-operations of one request. */
class Run {
  readonly #parts: RetrieveParts;
  readonly #request: OperationRequest;
  readonly #link: OperationLink;
  #completed = 0;
  #warning = 0;
  #remaining = 0;
  readonly #failed: string[] = [];
  #lastPendingAt = performance.now();
  /** In a row. */
  #failures = 0;
  /** Of the last object that was not stored, or not without a warning: why. */
  #why: string | undefined;

  constructor(parts: RetrieveParts, request: OperationRequest, link: OperationLink) {
    this.#parts = parts;
    this.#request = request;
    this.#link = link;
  }

  async waiting(expected: number): Promise<void> {
    this.#remaining = expected;
    await this.#tell();
  }

  /** @param lanes associations at once, each opened when the one before it has stored something */
  async storeAll(
    { instances, failed }: Brought,
    newTarget: () => Target,
    lanes: number,
  ): Promise<void> {
    this.#failed.push(...failed);
    this.#remaining = instances.length;
    const queue = { left: [...instances], newTarget, lanes };
    // Again for what an association that was not granted had taken.
    while (queue.left.length > 0 && !this.#isOver) await this.#lane(queue, true);
    if (this.#request.signal.aborted) return;
    this.#failed.push(...queue.left.map(({ sopInstanceUID }) => sopInstanceUID));
    this.#remaining = 0;
  }

  get #isOver(): boolean {
    return this.#request.signal.aborted || this.#failures >= MAX_FAILURES;
  }

  async #lane(queue: Queue, isFirst: boolean): Promise<void> {
    const target = queue.newTarget();
    queue.lanes -= 1;
    let next: Promise<void> | undefined;
    let hasStored = false;
    try {
      for (let object = this.#next(queue); object !== undefined; object = this.#next(queue)) {
        const outcome = await this.#store(object, target);
        if (outcome !== 'stored' && !isFirst && !hasStored) {
          // It grants no more associations: the others have to do.
          queue.left.unshift(object);
          break;
        }
        hasStored ||= outcome === 'stored';
        this.#failures = outcome === 'stored' ? 0 : this.#failures + 1;
        if (outcome !== 'stored') this.#failed.push(object.sopInstanceUID);
        this.#remaining -= 1;
        await this.#tell();
        const isWorth = queue.lanes > 0 && queue.left.length >= OBJECTS_EACH;
        if (hasStored && isWorth) next ??= this.#lane(queue, false);
      }
    } finally {
      await target.end();
      await next;
    }
  }

  #next({ left }: Queue): StoredInstance | undefined {
    return this.#isOver ? undefined : left.shift();
  }

  /** `stored`: the destination answered, be it that it refuses the object. */
  async #store(object: StoredInstance, target: Target): Promise<'stored' | 'broken'> {
    const { sopInstanceUID } = object;
    const { peer, messageId, kind } = this.#request;
    const originator = { aeTitle: peer.callingAETitle, messageId };
    let form: Form | undefined;
    try {
      const association = await target.associationFor(object);
      form = await this.#form(object, target, association);
      const status = await (form &&
        association.store(form.object, form.open, kind === 'move' ? originator : undefined));
      this.#answered(status === undefined ? undefined : verdictOf(status), sopInstanceUID);
      return 'stored';
    } catch (error) {
      this.#failedBy(error, sopInstanceUID);
      target.renew();
      return 'broken';
    } finally {
      await form?.remove();
    }
  }

  /** @param verdict undefined: it was offered in no form that it takes */
  #answered(verdict: StoreVerdict | undefined, sopInstanceUID: string): void {
    if (verdict?.kind !== 'stored') {
      this.#failed.push(sopInstanceUID);
      this.#why = verdict?.code ?? this.#why;
    } else if (verdict.warning === undefined) this.#completed += 1;
    else {
      this.#warning += 1;
      this.#why = verdict.warning;
    }
  }

  /** @returns undefined: in no form that it takes */
  async #form(
    object: StoredInstance,
    { peer }: Target,
    association: Storing,
  ): Promise<Form | undefined> {
    const { spool, transcoder, counters } = this.#parts;
    try {
      return await formFor(
        { spool, transcoder, counters, peer, association, read: undefined },
        object,
      );
    } catch (error) {
      this.#failedBy(error, object.sopInstanceUID);
      return undefined;
    }
  }

  #failedBy(error: unknown, sopInstanceUID: string): void {
    if (!(error instanceof GatewayError)) throw error;
    const destination = this.#request.moveDestination;
    const code = codeOf(error);
    this.#why = code;
    this.#parts.log.warn('retrieve.store-failed', { destination, sopInstanceUID, code });
  }

  async #tell(): Promise<void> {
    if (performance.now() - this.#lastPendingAt < PENDING_MS) return;
    this.#lastPendingAt = performance.now();
    await this.#link.pending({ status: RetrieveStatus.pending, suboperations: this.#counts(true) });
  }

  #counts(withRemaining: boolean): Suboperations {
    const counts = {
      completed: this.#completed,
      failed: this.#failed.length,
      warning: this.#warning,
    };
    return withRemaining ? { remaining: Math.max(0, this.#remaining), ...counts } : counts;
  }

  reply({ fault }: Brought): OperationReply {
    const isCancelled = this.#request.signal.aborted;
    const suboperations = this.#counts(isCancelled);
    const { transferSyntaxUID } = this.#request;
    const failed = this.#failed.join('\\');
    const dataSet =
      failed === ''
        ? {}
        : {
            dataSet: writeIdentifier(
              transferSyntaxUID,
              new Map([[QueryTag.FailedSOPInstanceUIDList, failed]]),
              '',
            ),
          };
    const words = this.#why === undefined ? undefined : `the destination: ${this.#why}`;
    const errorComment = fault ?? words;
    const comment = errorComment === undefined ? {} : { errorComment };
    return { status: this.#status(fault, isCancelled), suboperations, ...comment, ...dataSet };
  }

  #status(fault: string | undefined, isCancelled: boolean): number {
    if (isCancelled) return RetrieveStatus.cancelled;
    const isWhole = this.#failed.length === 0 && this.#warning === 0 && fault === undefined;
    if (isWhole) return RetrieveStatus.success;
    return this.#completed + this.#warning > 0
      ? RetrieveStatus.withFailures
      : RetrieveStatus.unableToPerform;
  }
}

const studyKeyOf = ({ studyInstanceUID, home }: StoredInstance): string =>
  `${studyInstanceUID} ${home}`;
