/** Asks for an association. PS3.8 §7.1, §9.2. */
import { randomUUID } from 'node:crypto';
import { connect, type Socket } from 'node:net';
import { connect as tlsConnect } from 'node:tls';
import { codeOf } from '../../shared/errors.ts';
import { ContextResult, decodeAssociateAC, encodeAssociateRQ } from './associate.ts';
import type {
  AcceptedContext,
  Association,
  AssociationEnd,
  AssociationUser,
  ProposedContext,
} from './association.ts';
import { Connection, errorOfEnd, type Role } from './connection.ts';
import { describeRejection, rejectionOf } from './pdu.ts';
import { peerNames } from './peer-names.ts';
import { Event } from './state-table.ts';
import { type PeerTls, peerTls } from './tls.ts';
import { UlError } from './ul-error.ts';
import type { UserInformationToEncode } from './user-information.ts';

export interface RequestOptions {
  readonly host: string;
  readonly port: number;
  readonly calledAETitle: string;
  readonly callingAETitle: string;
  readonly contexts: readonly ProposedContext[];
  /** What we take, and what we want beyond the contexts. */
  readonly propose: UserInformationToEncode;
  readonly connectMs: number;
  /** How long the peer may take to answer a request for association or release. */
  readonly artimMs: number;
  readonly idleMs?: number;
  readonly signal?: AbortSignal;
  /** Absent: in plain text. */
  readonly tls?: PeerTls;
  readonly user: AssociationUser;
}

/** @throws UlError */
export async function requestAssociation(options: RequestOptions): Promise<Association> {
  const socket = await connected(options);
  return new Promise<Association>((resolve, reject) => {
    const requesting = new Requesting(options, { resolve, reject });
    const connection = new Connection({
      socket,
      state: 4,
      role: requesting,
      maxPduBytes: options.propose.maxPduBytes,
      artimMs: options.artimMs,
      idleMs: options.idleMs,
    });
    requesting.start(connection);
  });
}

async function connected(options: RequestOptions): Promise<Socket> {
  const { host, port, connectMs, signal, tls } = options;
  const secure = tls && peerTls(tls, host);
  return new Promise((resolve, reject) => {
    const where = `${host}:${port}`;
    const to = { host, port, lookup: peerNames.lookup };
    const socket = secure === undefined ? connect(to) : tlsConnect({ ...to, ...secure });
    let isReached = false;
    socket.once('connect', () => {
      isReached = true;
    });
    const fail = (error: UlError): void => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', onAbort);
      socket.destroy();
      reject(error);
    };
    const onAbort = (): void => fail(new UlError('CANCELLED', 'cancelled while connecting'));
    const timer = setTimeout(
      () => fail(new UlError('CONNECT_TIMEOUT', `${where} does not answer`)),
      connectMs,
    );
    signal?.addEventListener('abort', onAbort, { once: true });
    if (signal?.aborted) return onAbort();
    socket.on('error', (cause) => {
      const code = isReached ? 'TLS_FAILED' : 'CONNECT_FAILED';
      fail(new UlError(code, `${where}: ${codeOf(cause)}`, { cause }));
    });
    socket.once(tls === undefined ? 'connect' : 'secureConnect', () => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', onAbort);
      resolve(socket);
    });
  });
}

class Requesting implements Role {
  readonly isRequestor = true;
  readonly #options: RequestOptions;
  readonly #outcome: { resolve(association: Association): void; reject(error: UlError): void };
  #connection: Connection | undefined;
  #rejection: UlError | undefined;
  #isOpen = false;

  constructor(
    options: RequestOptions,
    outcome: { resolve(association: Association): void; reject(error: UlError): void },
  ) {
    this.#options = options;
    this.#outcome = outcome;
  }

  start(connection: Connection): void {
    const { signal } = this.#options;
    this.#connection = connection;
    signal?.addEventListener('abort', this.#onAbort, { once: true });
    const { propose: user, ...request } = this.#options;
    connection.sendPdu(encodeAssociateRQ({ ...request, user }));
    connection.handle(Event.connected);
  }

  readonly #onAbort = (): void => this.#connection?.abort();

  onAssociateRQ(): void {}

  onAssociateAC(body: Buffer): boolean {
    const answer = decodeAssociateAC(body);
    const connection = this.#connection;
    if (answer === undefined || connection === undefined) return false;
    const { calledAETitle, callingAETitle, host, tls, user } = this.#options;
    const contexts = new Map<number, AcceptedContext>();
    for (const { id, result, transferSyntaxUID } of answer.results) {
      const proposed = this.#options.contexts.find((context) => context.id === id);
      if (result !== ContextResult.accepted || proposed === undefined) continue;
      const { abstractSyntaxUID } = proposed;
      const roles = answer.user.roles.get(abstractSyntaxUID);
      contexts.set(id, {
        ...{ id, abstractSyntaxUID, transferSyntaxUID },
        ...(roles === undefined ? {} : { roles }),
      });
    }
    const associationId = randomUUID();
    const peer = { associationId, callingAETitle, calledAETitle, host, tls: tls !== undefined };
    const { maxPduBytes: peerMaxPduBytes, window } = answer.user;
    connection.agree({
      ...{ peer, contexts, peerMaxPduBytes, open: () => user },
      window: window?.invoked,
    });
    this.#isOpen = true;
    this.#outcome.resolve(connection);
    return true;
  }

  onAssociateRJ(body: Buffer): void {
    const words = `${this.#options.calledAETitle} ${describeRejection(body)}`;
    this.#rejection = new UlError('ASSOCIATION_REJECTED', words, { rejection: rejectionOf(body) });
  }

  onEnd(end: AssociationEnd): void {
    const { signal } = this.#options;
    signal?.removeEventListener('abort', this.#onAbort);
    if (this.#isOpen) return;
    if (this.#rejection !== undefined) this.#outcome.reject(this.#rejection);
    else if (signal?.aborted)
      this.#outcome.reject(new UlError('CANCELLED', 'cancelled while associating'));
    else this.#outcome.reject(errorOfEnd(end));
  }
}
