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

/** Answer of a service: a status of PS3.7 Annex C and, beside failures, the (0000,0902) Error Comment, at most 64 characters. */
export interface DimseStatus {
  readonly status: number;
  readonly errorComment?: string;
}

/** A C-STORE-RQ whose data set is about to flow. PS3.7 §9.3.1. UIDs are as received, unchecked, padding removed. */
export interface StoreRequest {
  readonly peer: AssociationPeer;
  readonly sopClassUID: string;
  readonly sopInstanceUID: string;
  /** Of the presentation context that carries the data set. */
  readonly transferSyntaxUID: string;
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

/** The services behind the acceptor. */
export interface DimseServices {
  /** Opens a sink for one object; to refuse, return one whose `end` gives the status (the peer still sends its data set). */
  store(request: StoreRequest): DataSetSink;
}
