/**
 * One association over one connection: runs the state table. PS3.8 §9.2.
 *
 *   socket ─► PduReader ─► event ─► STATE_TABLE[state] ─► action, next state
 *                                          └─► AssociationUser
 *
 * Once an A-ABORT was sent nothing that still comes is read: after a broken PDU there is no next one.
 */
import type { Socket } from 'node:net';
import { codeOf } from '../../shared/errors.ts';
import type {
  AbortReason,
  AcceptedContext,
  Association,
  AssociationEnd,
  AssociationPeer,
  AssociationUser,
  Pdv,
} from './association.ts';
import {
  describeAbort,
  encodeAbort,
  encodePdvHeader,
  PDV_HEADER_BYTES,
  PduType,
  RELEASE_RP,
  RELEASE_RQ,
} from './pdu.ts';
import { PduReader } from './pdu-reader.ts';
import { type Action, Event, STATE_TABLE, type State } from './state-table.ts';
import { UlError } from './ul-error.ts';

/** Without a limit from the peer: large enough that headers cost nothing. */
const OWN_PDV_BYTES = 131_072 - PDV_HEADER_BYTES;
/** A peer that announces less than a PDV header and a little still gets something sent. */
const LEAST_PDV_BYTES = 512;

/** A peer that was told A-ABORT is not listened to for longer. */
const ABORT_MS = 5_000;

const EVENT_OF_PDU: Readonly<Record<number, Event>> = {
  [PduType.associateRQ]: Event.associateRQ,
  [PduType.associateAC]: Event.associateAC,
  [PduType.associateRJ]: Event.associateRJ,
  [PduType.releaseRQ]: Event.releaseRQ,
  [PduType.releaseRP]: Event.releaseRP,
  [PduType.abort]: Event.abortPdu,
};

/** What acceptor and requestor do differently. */
export interface Role {
  readonly isRequestor: boolean;
  /** AE-6: an A-ASSOCIATE-RQ came. To answer by `accept` or `reject`. */
  onAssociateRQ(body: Buffer): void;
  /** AE-3: an A-ASSOCIATE-AC came. False: it is none. */
  onAssociateAC(body: Buffer): boolean;
  /** AE-4. The connection closes. */
  onAssociateRJ(body: Buffer): void;
  /** The association, or the attempt at one, is over. Called once. */
  onEnd(end: AssociationEnd): void;
}

export interface ConnectionOptions {
  readonly socket: Socket;
  readonly state: State;
  readonly role: Role;
  /** What we say that we receive. PS3.8 Annex D.1. */
  readonly maxPduBytes: number;
  readonly artimMs: number;
  /** An association on which nothing comes for so long is aborted; absent: never. */
  readonly idleMs?: number | undefined;
}

export class Connection implements Association {
  readonly #socket: Socket;
  readonly #role: Role;
  readonly #reader: PduReader;
  readonly #artimMs: number;
  readonly #idleMs: number | undefined;
  #state: State;
  #artim: NodeJS.Timeout | undefined;
  #user: AssociationUser | undefined;
  #peer: AssociationPeer | undefined;
  #contexts: ReadonlyMap<number, AcceptedContext> = new Map();
  #maxPdvBytes = OWN_PDV_BYTES;
  #window = 1;
  #end: AssociationEnd | undefined;
  #drain: Promise<void> | undefined;
  /** Of the PDU that is being handled. */
  #body: Buffer = Buffer.alloc(0);
  #fault: { reason: AbortReason; detail: string } | undefined;
  #isBusy = false;
  /** Why the connection was lost, where that is known: an alert of TLS comes after the connection is there. */
  #socketFault: string | undefined;
  #lastAt = performance.now();
  /** What each action of §9.2.3 does here. */
  readonly #actions: Readonly<Record<Action, () => void>> = {
    'AE-1': () => {},
    // The request is sent: it is not waited for an answer for ever.
    'AE-2': () => this.#startArtim(),
    'AE-3': () => this.#agreed(),
    'AE-4': () => {
      this.#role.onAssociateRJ(this.#body);
      this.#close({ kind: 'aborted', code: 'ASSOCIATION_REJECTED' });
    },
    'AE-5': () => this.#startArtim(),
    'AE-6': () => {
      this.#stopArtim();
      this.#role.onAssociateRQ(this.#body);
    },
    'AE-7': () => {},
    'AE-8': () => this.#startArtim(),
    'DT-1': () => {},
    'DT-2': () => {},
    'AR-1': () => {
      this.sendPdu(RELEASE_RQ);
      this.#startArtim();
    },
    'AR-2': () => {
      void this.#user?.onRelease().then(() => this.handle(Event.releaseResponse));
    },
    'AR-3': () => this.#close({ kind: 'released' }),
    'AR-4': () => this.#answerRelease(),
    'AR-5': () => this.#stopArtim(),
    'AR-6': () => {},
    'AR-7': () => {},
    'AR-8': () => this.#collide(),
    'AR-9': () => this.sendPdu(RELEASE_RP),
    'AR-10': () => this.handle(Event.releaseResponse),
    'AA-1': () => this.#sendAbort(),
    'AA-2': () => this.#close({ kind: 'closed', code: 'ASSOCIATION_TIMEOUT' }),
    'AA-3': () => this.#close({ kind: 'aborted-by-peer', code: describeAbort(this.#body) }),
    'AA-4': () => {
      const code = this.#socketFault ?? 'connection closed by the peer';
      this.#finish({ kind: 'closed', code });
    },
    'AA-5': () => this.#stopArtim(),
    'AA-6': () => {},
    'AA-7': () => this.sendPdu(encodeAbort('unexpected-pdu')),
    'AA-8': () => {
      this.#fault ??= { reason: 'unexpected-pdu', detail: 'a PDU that is out of place' };
      this.#sendAbort();
    },
  };
  readonly #released: (() => void)[] = [];

  constructor({ socket, state, role, maxPduBytes, artimMs, idleMs }: ConnectionOptions) {
    this.#socket = socket;
    this.#state = state;
    this.#role = role;
    this.#artimMs = artimMs;
    this.#idleMs = idleMs;
    this.#reader = new PduReader(maxPduBytes, {
      pdu: (type, body) => this.#onPdu(type, body),
      data: (pdv) => this.#onPdv(pdv),
      fault: (reason, detail) => this.#onFault(reason, detail),
    });
    socket.setNoDelay(true);
    socket.on('data', (chunk: Buffer) => this.#onChunk(chunk));
    socket.on('error', (error) => {
      this.#socketFault = codeOf(error);
    });
    socket.on('end', () => this.#onClosed());
    socket.on('close', () => this.#onClosed());
  }

  get peer(): AssociationPeer {
    if (this.#peer === undefined) throw new Error('there is no association yet');
    return this.#peer;
  }

  get contexts(): ReadonlyMap<number, AcceptedContext> {
    return this.#contexts;
  }

  get maxPdvBytes(): number {
    return this.#maxPdvBytes;
  }

  get window(): number {
    return this.#window;
  }

  /** For how long nothing has come or gone; 0 while what came is being worked on. */
  get idleMs(): number {
    return this.#isAtWork ? 0 : performance.now() - this.#lastAt;
  }

  get hasEnded(): boolean {
    return this.#end !== undefined;
  }

  get #isAtWork(): boolean {
    return this.#isBusy || this.#user?.isAtWork === true;
  }

  get state(): State {
    return this.#state;
  }

  /** Events of the local side that have no method of their own: connected, connection indicated. */
  handle(event: Event): void {
    const cell = STATE_TABLE[this.#state][event];
    if (cell === undefined) return;
    const [action, next] = cell;
    this.#state = next;
    this.#actions[action]();
  }

  /** Sends bytes of the association's own PDUs. */
  sendPdu(pdu: Buffer): void {
    if (this.#socket.writable) this.#socket.write(pdu);
  }

  /** What was agreed on, before event 7, or within AE-3. */
  agree(facts: {
    peer: AssociationPeer;
    contexts: ReadonlyMap<number, AcceptedContext>;
    /** 0: no limit. */
    peerMaxPduBytes: number;
    /** Operations that the requestor may have open; absent: one. */
    window?: number | undefined;
    open: (association: Association) => AssociationUser;
  }): void {
    this.#peer = facts.peer;
    this.#contexts = facts.contexts;
    this.#window = facts.window ?? 1;
    if (facts.peerMaxPduBytes > 0) {
      const room = facts.peerMaxPduBytes - PDV_HEADER_BYTES;
      // Even: a fragment of odd length is refused by many. PS3.8 Annex E.1.
      this.#maxPdvBytes = Math.min(OWN_PDV_BYTES, Math.max(LEAST_PDV_BYTES, room - (room % 2)));
    }
    this.#user = facts.open(this);
    this.#watchIdle();
  }

  write(pdvs: readonly Pdv[]): Promise<void> | undefined {
    const cell = STATE_TABLE[this.#state][Event.dataRequest];
    if (cell === undefined || !this.#socket.writable) return undefined;
    this.#lastAt = performance.now();
    this.#socket.cork();
    let hasRoom = true;
    for (const pdv of pdvs) {
      this.#socket.write(encodePdvHeader(pdv));
      hasRoom = this.#socket.write(pdv.bytes);
    }
    this.#socket.uncork();
    return hasRoom ? undefined : this.#untilDrained();
  }

  release(): Promise<void> {
    if (this.#end !== undefined) return Promise.resolve();
    const released = new Promise<void>((resolve) => this.#released.push(resolve));
    this.handle(Event.releaseRequest);
    return released;
  }

  abort(reason?: AbortReason): void {
    this.#fault = reason === undefined ? undefined : { reason, detail: reason };
    if (STATE_TABLE[this.#state][Event.abortRequest] !== undefined) this.handle(Event.abortRequest);
    else this.#socket.destroy();
  }

  /** Ends at once, without a word: at the end of a program's patience. */
  destroy(): void {
    this.#socket.destroy();
  }

  #onChunk(chunk: Buffer): void {
    this.#lastAt = performance.now();
    const pending = this.#reader.write(chunk);
    if (pending === undefined) return;
    this.#socket.pause();
    this.#isBusy = true;
    void pending.then(() => {
      this.#isBusy = false;
      this.#socket.resume();
    });
  }

  #onPdu(type: number, body: Buffer): void {
    this.#body = body;
    const event = EVENT_OF_PDU[type];
    if (event !== undefined) this.handle(event);
  }

  #onPdv(pdv: Pdv): Promise<void> | undefined {
    const cell = STATE_TABLE[this.#state][Event.dataTF];
    if (cell === undefined || (cell[0] !== 'DT-2' && cell[0] !== 'AR-6')) {
      this.handle(Event.dataTF);
      return undefined;
    }
    return this.#user?.onData(pdv);
  }

  #onFault(reason: AbortReason, detail: string): void {
    this.#fault = { reason, detail };
    this.handle(Event.invalidPdu);
  }

  #onClosed(): void {
    this.handle(Event.closed);
    this.#socket.destroy();
    this.#stopArtim();
    this.#finish({ kind: 'closed' });
  }

  #agreed(): void {
    this.#stopArtim();
    if (!this.#role.onAssociateAC(this.#body))
      this.#onFault('invalid-pdu-parameter-value', 'an A-ASSOCIATE-AC that can not be read');
  }

  #answerRelease(): void {
    this.sendPdu(RELEASE_RP);
    this.#finish({ kind: 'released' });
    this.#startArtim();
  }

  /** Both asked at once: the requestor of the association answers first. §9.2.3, AR-8. */
  #collide(): void {
    this.#state = this.#role.isRequestor ? 9 : 10;
    if (this.#role.isRequestor) this.handle(Event.releaseResponse);
  }

  #sendAbort(): void {
    const code = this.#fault?.detail;
    this.sendPdu(encodeAbort(this.#fault?.reason));
    this.#reader.stop();
    this.#socket.resume();
    this.#finish({ kind: 'aborted', ...(code === undefined ? {} : { code }) });
    this.#startArtim(ABORT_MS);
    // Our half is done; the peer closes when it has read the abort.
    this.#socket.end();
  }

  #close(end: AssociationEnd): void {
    this.#stopArtim();
    this.#finish(end);
    this.#socket.end();
    this.#socket.destroySoon();
  }

  #finish(end: AssociationEnd): void {
    if (this.#end !== undefined) return;
    this.#end = end;
    this.#user?.onEnd(end);
    this.#role.onEnd(end);
    for (const resolve of this.#released) resolve();
  }

  #startArtim(atMostMs = Infinity): void {
    this.#stopArtim();
    this.#artim = setTimeout(() => this.#onArtim(), Math.min(this.#artimMs, atMostMs));
  }

  #onArtim(): void {
    if (STATE_TABLE[this.#state][Event.artimExpired] !== undefined) this.handle(Event.artimExpired);
    // Waiting for an answer to our own request: the table knows no end of it.
    else this.#close({ kind: 'closed', code: 'ASSOCIATION_TIMEOUT' });
    this.#socket.destroy();
  }

  #stopArtim(): void {
    clearTimeout(this.#artim);
    this.#artim = undefined;
  }

  /** Node's own time-out of a socket starts again with every byte, either way. */
  #watchIdle(): void {
    if (this.#idleMs === undefined) return;
    this.#socket.setTimeout(this.#idleMs, () => {
      // Not idle: an object that came is being made durable, or an answer is being computed.
      if (this.#isAtWork) return;
      this.#fault = { reason: 'not-specified', detail: 'nothing happened for too long' };
      if (STATE_TABLE[this.#state][Event.abortRequest] !== undefined)
        this.handle(Event.abortRequest);
      else this.#socket.destroy();
    });
  }

  #untilDrained(): Promise<void> {
    this.#drain ??= new Promise<void>((resolve) => {
      const done = (): void => {
        this.#socket.off('drain', done);
        this.#socket.off('close', done);
        this.#drain = undefined;
        resolve();
      };
      this.#socket.on('drain', done);
      this.#socket.on('close', done);
    });
    return this.#drain;
  }
}

/** How an attempt that ended this way is told to who asked. */
export function errorOfEnd(end: AssociationEnd): UlError {
  const text = end.code ?? end.kind;
  if (end.code === 'ASSOCIATION_TIMEOUT')
    return new UlError('ASSOCIATION_TIMEOUT', 'the peer did not answer in time');
  if (end.kind === 'aborted') return new UlError('PROTOCOL_ERROR', text);
  return new UlError('ASSOCIATION_ABORTED', text);
}
