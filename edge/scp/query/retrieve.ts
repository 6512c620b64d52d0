/**
 * C-MOVE and C-GET: from the spool, and from other trusts through it. PS3.4 C.4.2, C.4.3.
 *
 *   identifier ─► bring.ts ─► objects ─► C-STORE each ─► pending: counts … ─► final: counts, failed UIDs
 *
 * A pending response goes out at least every two seconds, so that nobody takes a long fetch for a dead one.
 */
import { codeOf, GatewayError } from '../../../shared/errors.ts';
import type { Log } from '../../../shared/log.ts';
import { Counter, type Registry } from '../../../shared/metrics.ts';
import type { Peer } from '../../config.ts';
import { openAssociation, scuPeer } from '../../dimse/scu.ts';
import type { ScuAssociation } from '../../dimse/scu-association.ts';
import type {
  OperationLink,
  OperationReply,
  OperationRequest,
  Suboperations,
} from '../../dimse/service.ts';
import type { StoredInstance } from '../../index/types.ts';
import { readDataSet } from '../../spool/read-instance.ts';
import type { Spool } from '../../spool/spool.ts';
import { type BringParts, type Brought, bring, wantedOf } from './bring.ts';
import { readIdentifier, writeIdentifier } from './identifier.ts';
import { QueryTag } from './keys.ts';

const PENDING_MS = 2_000;
/** PS3.8 §9.3.2.2: presentation contexts have odd identifiers up to 255. */
const MAX_CONTEXTS = 128;
/** A destination that fails so often in a row gets no more. */
const MAX_FAILURES = 3;

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
  readonly peers: readonly Peer[];
  readonly ownAETitle: string;
  /** A copy that is read stays as long as a new one. */
  readonly markUsed: (study: { studyInstanceUID: string; home: string }) => void;
  readonly log: Log;
  readonly metrics: Registry;
}

/** Where objects are stored at: a destination, or the asker himself. */
interface Target {
  /** Undefined: the object's class or syntax is not taken. Rejects when it can't be reached. */
  storeFor(object: StoredInstance): Promise<Pick<ScuAssociation, 'store'> | undefined>;
  /** The last one failed: another association is used. */
  renew(): void;
  end(): Promise<void>;
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
    const target =
      peer === undefined
        ? sameAssociation(link)
        : destination(this.#parts, { peer, request, objects: brought.instances });
    for (const [study] of Map.groupBy(brought.instances, studyKeyOf).values())
      if (study !== undefined) this.#parts.markUsed(study);
    await run.storeAll(brought, target);
    return run.reply(brought);
  }
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

  constructor(parts: RetrieveParts, request: OperationRequest, link: OperationLink) {
    this.#parts = parts;
    this.#request = request;
    this.#link = link;
  }

  async waiting(expected: number): Promise<void> {
    this.#remaining = expected;
    await this.#tell();
  }

  async storeAll({ instances, failed }: Brought, target: Target): Promise<void> {
    this.#failed.push(...failed);
    this.#remaining = instances.length;
    let failures = 0;
    try {
      for (const object of instances) {
        if (this.#request.signal.aborted) break;
        const isStored = failures < MAX_FAILURES && (await this.#store(object, target));
        failures = isStored ? 0 : failures + 1;
        this.#remaining -= 1;
        await this.#tell();
      }
    } finally {
      await target.end();
    }
  }

  /** @returns false when the destination failed, not the object */
  async #store(object: StoredInstance, target: Target): Promise<boolean> {
    const { spool, log } = this.#parts;
    const { sopInstanceUID } = object;
    const { peer, messageId, kind } = this.#request;
    const originator = { aeTitle: peer.callingAETitle, messageId };
    try {
      const association = await target.storeFor(object);
      const file = spool.absolute(object.path);
      const status = await association?.store(
        object,
        () => readDataSet(file, object),
        kind === 'move' ? originator : undefined,
      );
      if (status === 0) this.#completed += 1;
      else if (status !== undefined && status >> 12 === 0xb) this.#warning += 1;
      else this.#failed.push(sopInstanceUID);
      return true;
    } catch (error) {
      if (!(error instanceof GatewayError)) throw error;
      log.warn('retrieve.store-failed', {
        destination: this.#request.moveDestination,
        ...{ sopInstanceUID, code: codeOf(error) },
      });
      this.#failed.push(sopInstanceUID);
      target.renew();
      return false;
    }
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
    const comment = fault === undefined ? {} : { errorComment: fault };
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

/** C-GET: over the association on which it was asked for. */
function sameAssociation({ store }: OperationLink): Target {
  return {
    storeFor: async ({ sopClassUID, transferSyntaxUID }) =>
      store.contextFor(sopClassUID, transferSyntaxUID) === undefined ? undefined : store,
    renew: () => {},
    end: async () => {},
  };
}

/** C-MOVE: over an association of its own; over another one when more contexts are needed than one has. */
function destination(
  { ownAETitle }: RetrieveParts,
  {
    peer,
    request,
    objects,
  }: { peer: Peer; request: OperationRequest; objects: readonly StoredInstance[] },
): Target {
  const groups = contextGroups(objects);
  let open: { group: readonly string[]; association: Promise<ScuAssociation> } | undefined;
  const close = async (): Promise<void> => {
    const before = open;
    open = undefined;
    await before?.association.then((association) => association.release()).catch(() => {});
  };
  return {
    async storeFor(object) {
      const key = contextKey(object);
      if (open === undefined || !open.group.includes(key)) {
        await close();
        const group = groups.find((keys) => keys.includes(key)) ?? [key];
        const contexts = group.map((one) => {
          const [abstractSyntaxUID = '', transferSyntaxUID = ''] = one.split(' ');
          return { abstractSyntaxUID, transferSyntaxUIDs: [transferSyntaxUID] };
        });
        const { signal } = request;
        const association = openAssociation({
          ...{ peer: scuPeer(peer, ownAETitle), contexts, signal },
        });
        open = { group, association };
      }
      const association = await open.association;
      const { sopClassUID, transferSyntaxUID } = object;
      return association.contextFor(sopClassUID, transferSyntaxUID) && association;
    },
    renew: () => {
      const before = open;
      open = undefined;
      before?.association.then((association) => association.abort()).catch(() => {});
    },
    end: close,
  };
}

const contextKey = ({ sopClassUID, transferSyntaxUID }: StoredInstance): string =>
  `${sopClassUID} ${transferSyntaxUID}`;

function contextGroups(objects: readonly StoredInstance[]): string[][] {
  const keys = [...new Set(objects.map(contextKey))];
  const groups: string[][] = [];
  for (let at = 0; at < keys.length; at += MAX_CONTEXTS)
    groups.push(keys.slice(at, at + MAX_CONTEXTS));
  return groups;
}

const studyKeyOf = ({ studyInstanceUID, home }: StoredInstance): string =>
  `${studyInstanceUID} ${home}`;
