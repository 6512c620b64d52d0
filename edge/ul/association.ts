/**
 * An association as the layer above sees it, whichever side asked for it. PS3.8 §7.
 *
 *   socket ──PDU──► edge/ul ──PDV fragment──► AssociationUser (edge/dimse)
 *                        ◄──── write(PDVs) ────┘
 *
 * Nothing is held: a fragment is handed on as it arrives, and a promise from the user stops the socket.
 */

import type { Roles } from './user-information.ts';

/** Who is at the other end. AE titles are trimmed; `host` is the peer's IP address. */
export interface AssociationPeer {
  readonly associationId: string;
  readonly callingAETitle: string;
  readonly calledAETitle: string;
  readonly host: string;
  readonly tls: boolean;
}

/** PS3.8 §9.3.2.2: what the requestor offers. `id` is odd, 1 to 255. */
export interface ProposedContext {
  readonly id: number;
  readonly abstractSyntaxUID: string;
  readonly transferSyntaxUIDs: readonly string[];
}

/** What both sides agreed on. PS3.8 §9.3.3.2. */
export interface AcceptedContext {
  readonly id: number;
  readonly abstractSyntaxUID: string;
  readonly transferSyntaxUID: string;
  /** What the requestor of the association is in it; by default it invokes. PS3.7 D.3.3.4. */
  readonly roles?: Roles;
}

/** A Presentation Data Value, or a part of one. PS3.8 §9.3.5.1 and Annex E.2. */
export interface Pdv {
  readonly contextId: number;
  readonly isCommand: boolean;
  /** True with the last fragment of the command or data set. */
  readonly isLast: boolean;
  readonly bytes: Buffer;
}

export interface Association {
  readonly peer: AssociationPeer;
  readonly contexts: ReadonlyMap<number, AcceptedContext>;
  /** How many requests the requestor may have open; 1 unless both agreed on more, 0: any number. */
  readonly window: number;
  /** The largest PDV value that `write` takes: the peer's maximum length less 6, or our own limit when it names none. */
  readonly maxPdvBytes: number;
  /**
   * Sends PDVs, each in a P-DATA-TF PDU, all in one write to the socket. A returned promise means: write
   * no more until it resolves. Does nothing when the association has ended; that shows in `onEnd`.
   */
  write(pdvs: readonly Pdv[]): Promise<void> | undefined;
  /** A-RELEASE; resolves when the peer has answered, or the association has ended some other way. */
  release(): Promise<void>;
  /** A-ABORT. @param reason PS3.8 §9.3.8, table 9-26; given, the source is the service provider, else the service user */
  abort(reason?: AbortReason): void;
}

/** PS3.8 table 9-26. */
export type AbortReason =
  | 'not-specified'
  | 'unrecognized-pdu'
  | 'unexpected-pdu'
  | 'unrecognized-pdu-parameter'
  | 'unexpected-pdu-parameter'
  | 'invalid-pdu-parameter-value';

/** How an association ended. `code` says why when it was not in order. */
export interface AssociationEnd {
  readonly kind: 'released' | 'aborted-by-peer' | 'aborted' | 'closed';
  readonly code?: string;
}

/** Who uses an association. No call comes after `onEnd`. */
export interface AssociationUser {
  /** A request is being carried out: the association is not idle, although nothing comes or goes. */
  readonly isAtWork?: boolean;
  /** A fragment came. A returned promise stops reading until it resolves. Must not throw. */
  onData(pdv: Pdv): Promise<void> | undefined;
  /** The peer asks for release; it is answered when this resolves. Must not reject. */
  onRelease(): Promise<void>;
  onEnd(end: AssociationEnd): void;
}
