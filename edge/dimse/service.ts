/**
 * What the DIMSE layer needs from the services behind it, and what it gives them. PS3.7.
 *
 *   ul ──P-DATA──► dimse ──StoreRequest──► scp/storage.ts ──DataSetSink──► spool
 *                        ◄────status, after end() has resolved────┘
 *
 * The data set of a C-STORE is never held: it flows into the sink as it arrives, and the sink
 * pushes back.
 */
import type { AssociationPeer } from '../ul/association.ts';
import type { CommandFields } from './command-set.ts';
import type { ScuAssociation } from './scu-association.ts';

/** Answer of a service: a status of PS3.7 Annex C and, beside failures, the (0000,0902) Error Comment, at most 64 characters. */
export interface DimseStatus {
  readonly status: number;
  readonly errorComment?: string;
  /** The study of an object that was filed: for who keeps the trail, not sent. */
  readonly studyInstanceUID?: string;
}

/** A C-STORE-RQ whose data set is about to flow. PS3.7 §9.3.1. UIDs are as received, unchecked, padding removed. */
export interface StoreRequest {
  readonly peer: AssociationPeer;
  readonly sopClassUID: string;
  readonly sopInstanceUID: string;
  /** Of the presentation context that carries the data set. */
  readonly transferSyntaxUID: string;
  /** The study that it has to be of, where the sender named one. */
  readonly studyInstanceUID?: string;
  readonly moveOriginator?: { readonly aeTitle: string; readonly messageId: number };
}

/** Where the bytes of one data set go. `write` may be called with views into a buffer that is not reused. */
export interface DataSetSink {
  /** Takes the next bytes. A returned promise means: send no more until it resolves. Never throws: a failure shows in `end`. */
  write(chunk: Buffer): Promise<void> | undefined;
  /** The data set is whole. Resolves with the status to answer once the object is durable, or kept in quarantine, or refused. */
  end(): Promise<DimseStatus>;
  /** The association died before the end: what was written is dropped. */
  abort(): void;
}

/** What a peer asks for, other than to store an object or to say that we are there. PS3.7 §9.3, §10.3. */
export type OperationKind =
  | 'find'
  | 'move'
  | 'get'
  | 'event-report'
  | 'get-attributes'
  | 'set'
  | 'action'
  | 'create';

export interface OperationRequest {
  readonly kind: OperationKind;
  readonly peer: AssociationPeer;
  readonly messageId: number;
  /** As received, padding removed; '' when absent. */
  readonly sopClassUID: string;
  readonly sopInstanceUID: string;
  /** Of N-ACTION and N-EVENT-REPORT. */
  readonly typeId: number | undefined;
  /** Of C-MOVE; '' when absent. */
  readonly moveDestination: string;
  /** Of the presentation context: how `dataSet` is encoded, and how data sets are answered. */
  readonly transferSyntaxUID: string;
  /** The identifier or the attributes; empty when none came. */
  readonly dataSet: Buffer;
  /** Aborts when the peer cancels (C-CANCEL), or the association ends. */
  readonly signal: AbortSignal;
}

/** PS3.4 §C.4.2.1.6. */
export interface Suboperations {
  /** Left out of a final answer, but of one to a cancelled request. */
  readonly remaining?: number;
  readonly completed: number;
  readonly failed: number;
  readonly warning: number;
}

export interface OperationReply extends DimseStatus {
  readonly suboperations?: Suboperations;
  /** In the transfer syntax of the request. */
  readonly dataSet?: Buffer;
  /** Of an instance that was created. */
  readonly sopInstanceUID?: string;
}

/** The association of a request, while it is carried out. */
export interface OperationLink {
  /** Sends a pending response; resolves when the peer takes more. */
  pending(reply: OperationReply): Promise<void>;
  /** C-GET: stores at the peer, over the contexts in which it may be stored at. PS3.4 §C.4.3. */
  readonly store: Pick<ScuAssociation, 'contextFor' | 'store'>;
  /**
   * Sends a request of ours in the same presentation context, also once this one is answered.
   *
   * @returns the peer's status @throws DimseError when the association has ended, or no answer came
   */
  readonly ask: (fields: CommandFields, dataSet: Buffer) => Promise<number>;
}

/** Answers a request. What it throws is answered as 0110H, and logged as a bug. */
export type OperationHandler = (
  request: OperationRequest,
  link: OperationLink,
) => Promise<OperationReply>;

/** As what a SOP class is served beside storage and verification; the conformance statement is printed from it. */
export interface ServedClassFacts {
  /** Of PS3.6 table A-1. */
  readonly name: string;
  readonly sopClassUID: string;
  readonly kinds: readonly OperationKind[];
  /** What may be answered, by meaning. */
  readonly statuses: Readonly<Record<string, number>>;
}

export interface ServedClass extends ServedClassFacts {
  readonly handle: OperationHandler;
  /** Our answer to SOP class extended negotiation. PS3.7 D.3.3.5. */
  readonly extend?: (information: Buffer) => Buffer;
}

/** The services behind the acceptor. */
export interface DimseServices {
  /** Opens a sink for one object; to refuse, return one whose `end` gives the status (the peer still sends its data set). */
  store(request: StoreRequest): DataSetSink;
  readonly served?: readonly ServedClass[];
}
