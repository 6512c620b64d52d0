/**
 * Asks a trust's edge over HTTP, with a ticket for one study.
 *
 *   { trust, study, path } ─► ticket for this request ──┬─► edge ─────────────────────────┬─► answer, as it streams
 *                                                        └─► a connection that it dialled ─┘
 *
 * Connections are kept open: over a WAN each new one costs round trips before the first byte. An edge that
 * lets nobody in is asked by the relay, and that is remembered for a while.
 */
import { Readable } from 'node:stream';
import { Agent, request } from 'undici';
import type { ClientPair } from '../../shared/client-pair.ts';
import type { Clock } from '../../shared/clock.ts';
import { connector } from '../../shared/connector.ts';
import { HUB_READER } from '../../shared/contract/ticket.ts';
import { codeOf, GatewayError, type Retry } from '../../shared/errors.ts';
import type { TicketSigner } from '../access/tickets.ts';
import type { Relay } from '../relay/relay.ts';

const CONNECT_MS = 4_000;
/** An edge that says nothing for so long is slow, and a person waits. */
const ANSWER_MS = 20_000;
const KEEP_ALIVE_MS = 60_000;
/** As many as a viewer's requests of several people. */
const CONNECTIONS = 64;
/** An edge that could not be dialled is not dialled again for so long. */
const RELAYED_MS = 60_000;

/** `SOURCE_RETRIEVING`: its edge brings the study from the PACS, or could not; the message says. */
export type EdgeCallErrorCode = 'EDGE_UNREACHABLE' | 'EDGE_SLOW' | 'SOURCE_RETRIEVING';

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
  readonly relay: Pick<Relay, 'pass' | 'waiting'>;
  /** What is shown to an edge that asks for a certificate. */
  readonly pair?: ClientPair;
  /** How long an edge may say nothing while somebody waits; default 20 s. */
  readonly answerMs?: number;
}

export class EdgeCaller {
  readonly #options: EdgeCallerOptions;
  readonly #answerMs: number;
  readonly #agent: Agent;
  /** Until when a trust's edge is asked by the relay. */
  readonly #relayed = new Map<string, number>();

  constructor(options: EdgeCallerOptions) {
    this.#options = options;
    this.#answerMs = options.answerMs ?? ANSWER_MS;
    this.#agent = new Agent({
      allowH2: false,
      connect: connector({ timeoutMs: CONNECT_MS, pair: () => this.#options.pair }),
      headersTimeout: this.#answerMs,
      bodyTimeout: this.#answerMs,
      keepAliveTimeout: KEEP_ALIVE_MS,
      keepAliveMaxTimeout: KEEP_ALIVE_MS,
      connections: CONNECTIONS,
    });
  }

  readonly call: CallEdge = async (call) => {
    const { trust } = call;
    const { relay, clock } = this.#options;
    if ((this.#relayed.get(trust) ?? 0) > clock.now()) return this.#relay(call);
    try {
      return await this.#dial(call);
    } catch (error) {
      if (!(error instanceof EdgeCallError) || error.code !== 'EDGE_UNREACHABLE') throw error;
      if (relay.waiting.count(trust) === 0) throw error;
      this.#relayed.set(trust, clock.now() + RELAYED_MS);
      return this.#relay(call);
    }
  };

  close(): Promise<void> {
    return this.#agent.destroy();
  }

  async #dial(call: EdgeCall): Promise<EdgeAnswer> {
    const { trust, path, headers, signal } = call;
    const base = this.#options.urlOf(trust);
    if (base === null)
      throw new EdgeCallError('EDGE_UNREACHABLE', `${trust} has no edge in this network yet.`);
    const authorization = await this.#ticketFor(call);
    try {
      const answer = await request(new URL(path.replace(/^\//, ''), withSlash(base)), {
        headers: { ...headers, authorization },
        dispatcher: this.#agent,
        signal,
      });
      return await taken(trust, { ...answer, status: answer.statusCode });
    } catch (cause) {
      throw cause instanceof EdgeCallError ? cause : failed(trust, cause);
    }
  }

  async #relay(call: EdgeCall): Promise<EdgeAnswer> {
    const { trust, path, signal } = call;
    const headers = { ...call.headers, authorization: await this.#ticketFor(call) };
    const body = Readable.from([]);
    try {
      const answer = await this.#options.relay.pass(trust, { method: 'GET', path, headers, body });
      signal.addEventListener('abort', () => answer.body.destroy(), { once: true });
      const inTime = chunksInTime(trust, answer.body, this.#answerMs);
      return await taken(trust, { ...answer, body: Readable.from(inTime, { objectMode: false }) });
    } catch (cause) {
      this.#relayed.delete(trust);
      throw cause instanceof EdgeCallError ? cause : failed(trust, cause);
    }
  }

  /** For one request: an edge lets none in a second time. */
  async #ticketFor({ trust, studyInstanceUID, home }: EdgeCall): Promise<string> {
    const claims = { aud: trust, sub: HUB_READER, study: studyInstanceUID, home, fetch: 'view' };
    return `Bearer ${await this.#options.tickets.sign(claims)}`;
  }
}

/** @throws EdgeCallError for an answer that is none to what was asked */
async function taken(trust: string, answer: EdgeAnswer): Promise<EdgeAnswer> {
  const { status, headers, body } = answer;
  if (status !== 401 && status !== 403 && status < 500) return { status, headers, body };
  const { code, detail = '' } = await problemOfEdge(answer);
  if (code === 'RETRIEVING' || code === 'PACS_FAILED')
    throw new EdgeCallError('SOURCE_RETRIEVING', detail);
  throw new EdgeCallError('EDGE_UNREACHABLE', `The edge of ${trust} answered ${status}.`);
}

/** RFC 9457; empty for an answer that is none. */
export async function problemOfEdge({
  body,
}: EdgeAnswer): Promise<{ code?: string; detail?: string }> {
  let text = '';
  for await (const chunk of body) text += chunk.toString();
  try {
    return JSON.parse(text) as { code?: string; detail?: string };
  } catch {
    return {};
  }
}

/** The source is given up when nothing comes while it is waited for; not while whoever reads is slow. */
async function* chunksInTime(trust: string, body: Readable, ms: number): AsyncGenerator<Buffer> {
  let timer: NodeJS.Timeout | undefined;
  const wait = (): void => {
    timer = setTimeout(() => body.destroy(slow(trust)), ms);
  };
  try {
    wait();
    for await (const chunk of body) {
      clearTimeout(timer);
      yield chunk as Buffer;
      wait();
    }
  } finally {
    clearTimeout(timer);
    body.destroy();
  }
}

const slow = (trust: string, options?: ErrorOptions): EdgeCallError =>
  new EdgeCallError('EDGE_SLOW', `The edge of ${trust} does not answer in time.`, options);

const withSlash = (url: string): string => (url.endsWith('/') ? url : `${url}/`);

function failed(trust: string, cause: unknown): EdgeCallError {
  const code = codeOf(cause);
  const isSlow = /TIMEOUT/.test(code) && !/CONNECT/.test(code);
  return isSlow
    ? slow(trust, { cause })
    : new EdgeCallError('EDGE_UNREACHABLE', `The edge of ${trust} can not be reached (${code}).`, {
        cause,
      });
}
