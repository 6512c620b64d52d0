/**
 * Listens for associations. PS3.8 §7.1, §9.2; limits and refusals before anything is held.
 *
 *   connection ─► A-ASSOCIATE-RQ ─► refuse? ─► negotiate each context ─► open() ─► A-ASSOCIATE-AC
 */
import { randomUUID } from 'node:crypto';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer, type TLSSocket } from 'node:tls';
import { codeOf } from '../../shared/errors.ts';
import type { Log } from '../../shared/log.ts';
import type { Registry } from '../../shared/metrics.ts';
import type { EdgeConfig } from '../config.ts';
import {
  APPLICATION_CONTEXT,
  type AssociateRQ,
  ContextResult,
  decodeAssociateRQ,
  encodeAssociateAC,
} from './associate.ts';
import type {
  AcceptedContext,
  Association,
  AssociationEnd,
  AssociationPeer,
  AssociationUser,
  ProposedContext,
} from './association.ts';
import { type AssociationCounters, openAssociationCounters } from './association-counters.ts';
import { Connection, type Role } from './connection.ts';
import { encodeRejection, REJECTIONS, type RejectionName } from './pdu.ts';
import { Event } from './state-table.ts';
import { portTls } from './tls.ts';
import type { OperationsWindow, Roles, UserInformation } from './user-information.ts';

/** Connections that have not asked for an association yet: beyond it the oldest makes way, since a modality asks at once. */
export const MAX_UNASKED = 200;
/** At the limit of associations one on which nothing happened for so long makes way. */
const IDLE_MS = 500;
const STOP_MS = 5_000;
const READ_BYTES = 256 * 1024;
/** Requests that a peer may send ahead of our answers. */
export const MAX_WINDOW = 64;

export type Negotiation =
  | {
      readonly result: 'accept';
      readonly transferSyntaxUID: string;
      /** What the requestor may be in it, when it asked to be more than the one who invokes. */
      readonly roles?: Roles;
    }
  | {
      readonly result:
        | 'abstract-syntax-not-supported'
        | 'transfer-syntaxes-not-supported'
        | 'no-reason';
    };

export interface AcceptorOptions {
  readonly config: EdgeConfig['dicom'];
  /** AE titles of the configured peers. */
  readonly knownCallers: ReadonlySet<string>;
  readonly negotiate: (proposed: ProposedContext, roles?: Roles) => Negotiation;
  /** Answers SOP class extended negotiation; undefined: nothing is said about it. PS3.7 D.3.3.5. */
  readonly extend?: (sopClassUID: string, information: Buffer) => Buffer | undefined;
  /** The association is there; its PDVs go to the returned user. */
  readonly open: (association: Association) => AssociationUser;
  /** While this says so nobody new is let in: he is told to come again. */
  readonly isDraining?: (() => boolean) | undefined;
  /** A request for an association was refused. */
  readonly onRejected?: (caller: RejectedCaller, reason: RejectionName) => void;
  /** An association ended in another way than by release. */
  readonly onAborted?: (caller: RejectedCaller) => void;
  readonly log: Log;
  readonly metrics: Registry;
}

export type RejectedCaller = Pick<AssociationPeer, 'callingAETitle' | 'host'>;

export interface OpenAssociation {
  readonly peer: AssociationPeer;
  /** Milliseconds since the epoch. */
  readonly since: number;
}

export interface Acceptor {
  /** The port that was bound. */
  readonly port: number;
  readonly tlsPort: number | undefined;
  count(): number;
  list(): readonly OpenAssociation[];
  /** Takes no new ones; those that are open get a moment to end. */
  stop(): Promise<void>;
}

/** @throws a Node system error such as EADDRINUSE */
export async function startAcceptor(options: AcceptorOptions): Promise<Acceptor> {
  const acceptor = new Listening(options);
  await acceptor.listen();
  return acceptor;
}

class Listening implements Acceptor {
  readonly #options: AcceptorOptions;
  readonly #servers: Server[] = [];
  readonly #sockets = new Set<Socket>();
  /** Of them, those without an association, by where they came from; the oldest first. */
  readonly #unasked = new Map<string, Socket>();
  readonly #open = new Map<string, OpenAssociation & { readonly connection: Connection }>();
  readonly #counters: AssociationCounters;
  #port = 0;
  #tlsPort: number | undefined;

  constructor(options: AcceptorOptions) {
    this.#options = options;
    this.#counters = openAssociationCounters(options.metrics);
  }

  get port(): number {
    return this.#port;
  }

  get tlsPort(): number | undefined {
    return this.#tlsPort;
  }

  count(): number {
    return this.#open.size;
  }

  list(): readonly OpenAssociation[] {
    return [...this.#open.values()].map(({ peer, since }) => ({ peer, since }));
  }

  async listen(): Promise<void> {
    const { host, port, tls } = this.#options.config;
    const settings = { noDelay: true, highWaterMark: READ_BYTES, allowHalfOpen: false };
    this.#port = await listen(
      createServer(settings, (socket) => this.#accept(socket, false)),
      { host, port },
      this.#servers,
    );
    if (tls === undefined) return;
    const server = createTlsServer(
      {
        ...settings,
        ...portTls(tls),
        handshakeTimeout: this.#options.config.artimSeconds * 1000,
      },
      (socket) => this.#accept(socket, true),
    );
    // Counted before its handshake: one that never makes it holds a place, too.
    server.on('connection', (socket) => this.#hold(socket));
    server.on('tlsClientError', (error, socket) => this.#tellTls(error, socket));
    this.#tlsPort = await listen(server, { host, port: tls.port }, this.#servers);
  }

  async stop(): Promise<void> {
    const closed = this.#servers.map(
      (server) => new Promise<void>((resolve) => server.close(() => resolve())),
    );
    const until = performance.now() + STOP_MS;
    while (this.#open.size > 0 && performance.now() < until)
      await new Promise((resolve) => setTimeout(resolve, 20));
    for (const { connection } of this.#open.values()) connection.abort('not-specified');
    await new Promise((resolve) => setTimeout(resolve, 20));
    for (const socket of this.#sockets) socket.destroy();
    await Promise.all(closed);
  }

  /** @returns where it came from, as one key */
  #hold(socket: Socket): string {
    const from = originOf(socket);
    this.#sockets.add(socket);
    this.#unasked.set(from, socket);
    socket.once('close', () => {
      this.#sockets.delete(socket);
      this.#unasked.delete(from);
    });
    const [[oldestFrom, oldest] = []] = this.#unasked;
    if (this.#unasked.size > MAX_UNASKED && oldestFrom !== undefined) {
      this.#unasked.delete(oldestFrom);
      this.#fail(oldest?.remoteAddress, 'TOO_MANY_CONNECTIONS');
      oldest?.destroy();
    }
    return from;
  }

  /** The peer speaks no TLS, or one side does not trust the other's certificate. */
  #tellTls(error: Error, socket: TLSSocket): void {
    const cause = socket.authorizationError ?? codeOf(error);
    // One that is destroyed has forgotten its address; the connection below it, which Node keeps as `_parent`, has not.
    const { _parent: below } = socket as { _parent?: Socket };
    const host = socket.remoteAddress ?? below?.remoteAddress;
    this.#fail(host, `TLS_HANDSHAKE: ${cause}`);
    socket.destroy();
  }

  #accept(socket: Socket, tls: boolean): void {
    const { artimSeconds, idleSeconds } = this.#options.config;
    const host = socket.remoteAddress?.replace(/^::ffff:/, '') ?? '';
    const from = tls ? originOf(socket) : this.#hold(socket);
    const asking = new Asking(this.#options, {
      ...{ host, tls, listening: this },
      onAsked: () => this.#unasked.delete(from),
    });
    asking.connection = new Connection({
      socket,
      state: 1,
      role: asking,
      maxPduBytes: this.#options.config.maxPduBytes,
      artimMs: artimSeconds * 1000,
      idleMs: idleSeconds * 1000,
    });
    asking.connection.handle(Event.connectionIndicated);
  }

  /** @returns why not, or undefined */
  refusal(request: AssociateRQ, host: string): RejectionName | undefined {
    const { config, knownCallers, isDraining } = this.#options;
    if ((request.protocolVersion & 1) === 0) return 'protocol-version-not-supported';
    if (request.applicationContext !== APPLICATION_CONTEXT)
      return 'application-context-name-not-supported';
    if (!config.acceptAnyCalledAETitle && request.calledAETitle !== config.aeTitle)
      return 'called-ae-title-not-recognized';
    if (!config.acceptUnknownCallers && !knownCallers.has(request.callingAETitle))
      return 'calling-ae-title-not-recognized';
    if (isDraining?.() === true) return 'temporary-congestion';
    const all = [...this.#open.values()];
    const ofCaller = all.filter(
      ({ peer }) => peer.callingAETitle === request.callingAETitle && peer.host === host,
    );
    const hasRoom =
      isRoomIn(ofCaller, config.maxAssociationsPerCaller) && isRoomIn(all, config.maxAssociations);
    return hasRoom ? undefined : 'local-limit-exceeded';
  }

  opened(connection: Connection): void {
    const { peer } = connection;
    this.#open.set(peer.associationId, { peer, since: Date.now(), connection });
    this.#counters.opened();
    const { associationId, callingAETitle, calledAETitle, host } = peer;
    this.#options.log.info('association.opened', {
      associationId,
      calling: callingAETitle,
      called: calledAETitle,
      host,
    });
  }

  ended({ peer: { associationId, callingAETitle, host } }: Connection, end: AssociationEnd): void {
    this.#open.delete(associationId);
    this.#counters.ended(end.kind);
    const level = end.kind === 'released' ? 'info' : 'warn';
    if (level === 'warn') this.#options.onAborted?.({ callingAETitle, host });
    this.#options.log[level]('association.ended', {
      associationId,
      calling: callingAETitle,
      host,
      how: end.kind,
      code: end.code ?? '',
    });
  }

  rejected({ callingAETitle, host }: RejectedCaller, reason: RejectionName): void {
    const { log, onRejected } = this.#options;
    this.#counters.rejected(reason);
    log.warn('association.rejected', { calling: callingAETitle, host, reason });
    onRejected?.({ callingAETitle, host }, reason);
  }

  /** A connection that never became an association. */
  #fail(host: string | undefined, code: string): void {
    this.#counters.failed(code);
    this.#options.log.warn('association.failed', { host: host ?? '', code });
  }

  failed(host: string, { kind, code }: AssociationEnd): void {
    // A port check that connects and closes is nothing to tell.
    if (kind === 'closed' && code === undefined) return;
    this.#fail(host, code ?? kind);
  }
}

/** At the limit the association that was idle for longest is ended. @returns false when each of them is at work */
function isRoomIn(open: readonly { connection: Connection }[], limit: number): boolean {
  const idle = open.filter(({ connection }) => !connection.hasEnded);
  if (idle.length < limit) return true;
  const [longest] = idle.sort((a, b) => b.connection.idleMs - a.connection.idleMs);
  if (longest === undefined || longest.connection.idleMs < IDLE_MS) return false;
  longest.connection.abort('not-specified');
  return true;
}

const originOf = ({ remoteAddress, remotePort, localPort }: Socket): string =>
  `${remoteAddress} ${remotePort} ${localPort}`;

async function listen(
  server: Server,
  { host, port }: { host: string; port: number },
  servers: Server[],
): Promise<number> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, () => {
      server.off('error', reject);
      resolve();
    });
  });
  servers.push(server);
  return (server.address() as AddressInfo).port;
}

/** A connection on its way to an association. */
class Asking implements Role {
  readonly isRequestor = false;
  connection: Connection | undefined;
  readonly #options: AcceptorOptions;
  readonly #host: string;
  readonly #tls: boolean;
  readonly #listening: Listening;
  readonly #onAsked: () => void;
  #isOpen = false;

  constructor(
    options: AcceptorOptions,
    {
      host,
      tls,
      listening,
      onAsked,
    }: { host: string; tls: boolean; listening: Listening; onAsked: () => void },
  ) {
    this.#options = options;
    this.#onAsked = onAsked;
    this.#host = host;
    this.#tls = tls;
    this.#listening = listening;
  }

  onAssociateRQ(body: Buffer): void {
    const { connection } = this;
    if (connection === undefined) return;
    this.#onAsked();
    const request = decodeAssociateRQ(body);
    if (request === undefined) {
      connection.abort('invalid-pdu-parameter-value');
      return;
    }
    const reason = this.#listening.refusal(request, this.#host);
    if (reason !== undefined) {
      this.#listening.rejected({ ...request, host: this.#host }, reason);
      connection.sendPdu(encodeRejection(REJECTIONS[reason]));
      connection.handle(Event.associateRejected);
      return;
    }
    this.#agree(connection, request, body);
  }

  #agree(connection: Connection, request: AssociateRQ, body: Buffer): void {
    const { callingAETitle, calledAETitle, user } = request;
    const answers = request.contexts.map((proposed) => ({
      proposed,
      negotiation: this.#options.negotiate(proposed, user.roles.get(proposed.abstractSyntaxUID)),
    }));
    const contexts = new Map<number, AcceptedContext>();
    for (const { proposed, negotiation } of answers) {
      if (negotiation.result !== 'accept') continue;
      const { id, abstractSyntaxUID } = proposed;
      const { transferSyntaxUID, roles } = negotiation;
      contexts.set(id, {
        ...{ id, abstractSyntaxUID, transferSyntaxUID },
        ...(roles === undefined ? {} : { roles }),
      });
    }
    const associationId = randomUUID();
    const peer = { associationId, callingAETitle, calledAETitle, host: this.#host, tls: this.#tls };
    const { open } = this.#options;
    const window = windowFor(user.window);
    connection.agree({
      ...{ peer, contexts, peerMaxPduBytes: user.maxPduBytes, open },
      window: window?.invoked,
    });
    this.#isOpen = true;
    this.#listening.opened(connection);
    const results = answers.map(({ proposed, negotiation }) => resultOf(proposed, negotiation));
    connection.sendPdu(
      encodeAssociateAC({
        ...{ request: body, results },
        user: {
          ...{ maxPduBytes: this.#options.config.maxPduBytes, window },
          roles: new Map(
            [...contexts.values()].flatMap(({ abstractSyntaxUID, roles }) =>
              roles === undefined ? [] : [[abstractSyntaxUID, roles] as const],
            ),
          ),
          extended: this.#extended(user),
          acceptsIdentity: user.identity?.wantsResponse === true,
        },
      }),
    );
    connection.handle(Event.associateAccepted);
  }

  #extended({ extended }: UserInformation): Map<string, Buffer> {
    const answers = new Map<string, Buffer>();
    for (const [sopClassUID, information] of extended) {
      const answer = this.#options.extend?.(sopClassUID, information);
      if (answer !== undefined) answers.set(sopClassUID, answer);
    }
    return answers;
  }

  onAssociateAC(): boolean {
    return false;
  }

  onAssociateRJ(): void {}

  onEnd(end: AssociationEnd): void {
    if (this.connection === undefined) return;
    if (this.#isOpen) this.#listening.ended(this.connection, end);
    else this.#listening.failed(this.#host, end);
  }
}

/**
 * Requests that come ahead wait in the connection, so any number of them may be open, and none of our own.
 * PS3.7 D.3.3.3: nothing is said to a requestor that said nothing.
 */
function windowFor(asked: OperationsWindow | undefined): OperationsWindow | undefined {
  if (asked === undefined) return undefined;
  const invoked = asked.invoked === 0 ? MAX_WINDOW : Math.min(asked.invoked, MAX_WINDOW);
  return { invoked, performed: 1 };
}

/** The result of a context; a refused one names some transfer syntax, which means nothing. §9.3.3.2. */
function resultOf(
  { id, transferSyntaxUIDs }: ProposedContext,
  negotiation: Negotiation,
): { id: number; transferSyntaxUID: string; result: number } {
  if (negotiation.result === 'accept')
    return {
      id,
      transferSyntaxUID: negotiation.transferSyntaxUID,
      result: ContextResult.accepted,
    };
  const codes = {
    'abstract-syntax-not-supported': ContextResult.abstractSyntaxNotSupported,
    'transfer-syntaxes-not-supported': ContextResult.transferSyntaxesNotSupported,
    'no-reason': ContextResult.noReason,
  };
  const [transferSyntaxUID = ''] = transferSyntaxUIDs;
  return { id, transferSyntaxUID, result: codes[negotiation.result] };
}
