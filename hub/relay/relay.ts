/**
 * Passes a transfer on between two edges of which neither can be dialled, and what the hub itself asks of
 * one. shared/contract/relay.ts.
 *
 *   reader's request ─ ticket ─► a connection on which its source waits ─► answer ─► reader
 *
 * Bytes flow through memory, as fast as the reader takes them: nothing is kept, nothing touches the disk. An
 * answer that is cut is cut for the reader, so that it resumes at the instance.
 */
import { request as httpRequest, type IncomingMessage } from 'node:http';
import type { Duplex, Readable } from 'node:stream';
import { PROOF_HEADER } from '../../shared/contract/ticket.ts';
import { Counter, Gauge, type Registry } from '../../shared/metrics.ts';
import type { TicketSigner } from '../access/tickets.ts';
import { RelayError } from './relay-error.ts';
import { WaitingConnections } from './waiting.ts';

/** How long a reader waits for its source to dial again. */
const TAKE_MS = 5_000;
/** A connection that does not answer within this is dead. */
const ANSWER_MS = 20_000;
/** Of the request, and of the answer: what the two edges say to each other, and nothing of the connection. */
const PASSED_ON = [
  ...(['authorization', PROOF_HEADER, 'accept', 'accept-encoding', 'range', 'if-range'] as const),
  ...(['content-type', 'content-length', 'transfer-encoding'] as const),
];

export interface RelayedRequest {
  readonly method: string;
  /** From `/transfer/v1/` or `/dicom-web/` on, with its query. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: Readable;
  /** Whose certificate was shown; absent: none was asked for. */
  readonly reader?: string | undefined;
}

export interface RelayedAnswer {
  readonly status: number;
  readonly contentType: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: Readable;
}

export class Relay {
  readonly waiting = new WaitingConnections();
  readonly #tickets: Pick<TicketSigner, 'audienceOf' | 'readerOf' | 'holderOf' | 'signPass'>;
  readonly #isEnrolled: (ods: string) => boolean;
  readonly #bytes: Counter<'source'>;
  readonly #open: Gauge;

  /** @param options `isEnrolled`: whether a trust's edge is let in still; passes are good for minutes */
  constructor({
    tickets,
    metrics,
    isEnrolled = () => true,
  }: {
    tickets: Pick<TicketSigner, 'audienceOf' | 'readerOf' | 'holderOf' | 'signPass'>;
    metrics: Registry;
    isEnrolled?: (ods: string) => boolean;
  }) {
    this.#tickets = tickets;
    this.#isEnrolled = isEnrolled;
    const registers = [metrics];
    this.#bytes = new Counter({
      name: 'cdip_relay_bytes_total',
      help: 'Bytes of answers passed on between edges, by source trust',
      labelNames: ['source'],
      registers,
    });
    this.#open = new Gauge({
      name: 'cdip_relay_open',
      help: 'Answers that are being passed on',
      registers,
    });
    const { waiting } = this;
    new Gauge({
      name: 'cdip_relay_waiting',
      help: 'Connections on which edges wait',
      registers,
      collect() {
        this.set(waiting.count());
      },
    });
  }

  /** A pass with which the edge may wait here. */
  async passFor(ods: string): Promise<{ pass: string }> {
    return { pass: await this.#tickets.signPass(ods) };
  }

  /**
   * An edge waits on this connection from now on.
   *
   * @param shown whose certificate was shown, where one was asked for @throws RelayError `RELAY_TOKEN_REFUSED`
   */
  async admit(authorization: string | undefined, shown?: string): Promise<string> {
    const ods = await this.#accepted(this.#tickets.holderOf(bearerOf(authorization)));
    requireSame(shown, ods);
    if (this.#isEnrolled(ods)) return ods;
    throw new RelayError('RELAY_TOKEN_REFUSED', `the edge of ${ods} is not let in any more`);
  }

  /** @throws RelayError */
  async pass(ods: string, relayed: RelayedRequest): Promise<RelayedAnswer> {
    const { authorization } = relayed.headers;
    const given = bearerOf(typeof authorization === 'string' ? authorization : undefined);
    if ((await this.#accepted(this.#tickets.audienceOf(given))) !== ods)
      throw new RelayError('RELAY_TOKEN_REFUSED', 'the ticket is for another trust');
    if (relayed.reader !== undefined)
      requireSame(relayed.reader, await this.#accepted(this.#tickets.readerOf(given)));
    const socket = await this.waiting.take(ods, TAKE_MS);
    const answer = await ask(socket, relayed);
    this.#open.inc();
    answer.once('close', () => {
      this.#open.dec();
      socket.destroy();
    });
    answer.on('data', (chunk: Buffer) => this.#bytes.inc({ source: ods }, chunk.length));
    answer.pause();
    const contentType = answer.headers['content-type'] ?? 'application/octet-stream';
    const { statusCode: status = 502, headers } = answer;
    return { status, contentType, headers, body: answer };
  }

  async #accepted(who: Promise<string>): Promise<string> {
    try {
      return await who;
    } catch (cause) {
      throw new RelayError('RELAY_TOKEN_REFUSED', 'this ticket opens nothing here', { cause });
    }
  }
}

function requireSame(shown: string | undefined, ods: string): void {
  if (shown === undefined || shown === ods) return;
  throw new RelayError('RELAY_TOKEN_REFUSED', 'it is for another edge than the certificate');
}

const bearerOf = (authorization: string | undefined): string =>
  /^Bearer +(\S+) *$/i.exec(authorization ?? '')?.[1] ?? '';

/** One request on a connection that waits. */
function ask(
  socket: Duplex,
  { method, path, headers, body }: RelayedRequest,
): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const passed = PASSED_ON.flatMap((name) => {
      const value = headers[name];
      return value === undefined ? [] : [[name, value] as const];
    });
    const request = httpRequest({
      ...{ method, path, host: 'edge' },
      headers: { ...Object.fromEntries(passed), connection: 'close' },
      createConnection: () => socket,
    });
    const cut = (cause?: unknown): void => {
      socket.destroy();
      reject(new RelayError('RELAY_CUT', "the source's connection ended", { cause }));
    };
    const timer = setTimeout(cut, ANSWER_MS);
    request.once('response', (answer) => {
      clearTimeout(timer);
      resolve(answer);
    });
    request.on('error', (cause) => {
      clearTimeout(timer);
      cut(cause);
    });
    body.on('error', () => request.destroy());
    body.pipe(request);
  });
}
