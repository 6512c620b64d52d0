/**
 * Asks a trust's edge over HTTP, with a ticket for one study.
 *
 *   { trust, study, path } ─► ticket (kept while good) ─► edge ─► status, headers, body as it streams
 *
 * Connections are kept open: over a WAN each new one costs round trips before the first byte.
 */
import { Agent, request } from 'undici';
import type { Clock } from '../../shared/clock.ts';
import { TICKET_SECONDS } from '../../shared/contract/ticket.ts';
import { codeOf, GatewayError, type Retry } from '../../shared/errors.ts';
import type { TicketSigner } from '../access/tickets.ts';

const CONNECT_MS = 4_000;
/** An edge that says nothing for so long is slow, and a person waits. */
const ANSWER_MS = 20_000;
const KEEP_ALIVE_MS = 60_000;
/** As many as a viewer's requests of several people. */
const CONNECTIONS = 64;
/** Tickets are for minutes; one that is about to end is not used. */
const TICKET_LEFT_MS = 60_000;
/** What the hub reads as in its own name. */
const READER = 'HUB';

export type EdgeCallErrorCode = 'EDGE_UNREACHABLE' | 'EDGE_SLOW';

export class EdgeCallError extends GatewayError {
  override readonly name = 'EdgeCallError';
  readonly code: EdgeCallErrorCode;
  readonly retry: Retry = 'safe';

  constructor(code: EdgeCallErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

export interface EdgeCall {
  /** Whose edge. */
  readonly trust: string;
  readonly studyInstanceUID: string;
  readonly home: string;
  /** Below the edge's address, with its query. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly signal: AbortSignal;
}

export interface EdgeAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: AsyncIterable<Buffer> & { destroy(): unknown };
}

/** The one way from the hub to an edge's HTTP. @throws EdgeCallError */
export type CallEdge = (call: EdgeCall) => Promise<EdgeAnswer>;

export interface EdgeCallerOptions {
  readonly urlOf: (trust: string) => string | null;
  readonly tickets: Pick<TicketSigner, 'sign'>;
  readonly clock: Clock;
}

export class EdgeCaller {
  readonly #options: EdgeCallerOptions;
  readonly #agent = new Agent({
    allowH2: false,
    connect: { timeout: CONNECT_MS },
    headersTimeout: ANSWER_MS,
    bodyTimeout: ANSWER_MS,
    keepAliveTimeout: KEEP_ALIVE_MS,
    keepAliveMaxTimeout: KEEP_ALIVE_MS,
    connections: CONNECTIONS,
  });
  readonly #tickets = new Map<string, { readonly ticket: string; readonly until: number }>();

  constructor(options: EdgeCallerOptions) {
    this.#options = options;
  }

  readonly call: CallEdge = async (call) => {
    const { trust, path, headers, signal } = call;
    const base = this.#options.urlOf(trust);
    if (base === null)
      throw new EdgeCallError('EDGE_UNREACHABLE', `${trust} has no edge in this network yet.`);
    const authorization = `Bearer ${await this.#ticketFor(call)}`;
    try {
      const answer = await request(new URL(path.replace(/^\//, ''), withSlash(base)), {
        headers: { ...headers, authorization },
        dispatcher: this.#agent,
        signal,
      });
      const { statusCode: status, headers: said, body } = answer;
      if (status !== 401 && status !== 403 && status < 500) return { status, headers: said, body };
      await body.dump();
      throw new EdgeCallError('EDGE_UNREACHABLE', `The edge of ${trust} answered ${status}.`);
    } catch (cause) {
      throw cause instanceof EdgeCallError ? cause : failed(trust, cause);
    }
  };

  close(): Promise<void> {
    return this.#agent.destroy();
  }

  async #ticketFor({ trust, studyInstanceUID, home }: EdgeCall): Promise<string> {
    const now = this.#options.clock.now();
    const key = [trust, studyInstanceUID, home].join('\0');
    const known = this.#tickets.get(key);
    if (known !== undefined && known.until > now) return known.ticket;
    for (const [old, { until }] of this.#tickets) if (until <= now) this.#tickets.delete(old);
    const claims = { aud: trust, sub: READER, study: studyInstanceUID, home, fetch: 'view' };
    const ticket = await this.#options.tickets.sign(claims);
    const until = now + TICKET_SECONDS * 1000 - TICKET_LEFT_MS;
    this.#tickets.set(key, { ticket, until });
    return ticket;
  }
}

const withSlash = (url: string): string => (url.endsWith('/') ? url : `${url}/`);

function failed(trust: string, cause: unknown): EdgeCallError {
  const code = codeOf(cause);
  const isSlow = /TIMEOUT/.test(code) && !/CONNECT/.test(code);
  return isSlow
    ? new EdgeCallError('EDGE_SLOW', `The edge of ${trust} does not answer in time.`, { cause })
    : new EdgeCallError('EDGE_UNREACHABLE', `The edge of ${trust} can not be reached (${code}).`, {
        cause,
      });
}
