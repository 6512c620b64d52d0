/**
 * Asks another edge: for a manifest, for a stream of instances. HTTP/1.1 always: the window of HTTP/2
 * is too small for a WAN.
 *
 *   (ticket, proof) ──request──► source, directly or by the hub's relay ──► body │ TransferError by status and code
 */
import { Agent, request } from 'undici';
import type { ClientPair } from '../../shared/client-pair.ts';
import { connector } from '../../shared/connector.ts';
import { PROOF_HEADER } from '../../shared/contract/ticket.ts';
import { codeOf } from '../../shared/errors.ts';
import type { Prove } from './proof.ts';
import { type Manifest, ManifestSchema } from './protocol.ts';
import { SourcePaths } from './source-paths.ts';
import { TransferError } from './transfer-error.ts';

const CONNECT_MS = 4_000;
/** A manifest of a study of 50,000 instances is about 20 MB. */
const MAX_MANIFEST_BYTES = 256 * 1024 * 1024;

export interface StudyAddress {
  /** The source, ODS code. */
  readonly trust: string;
  /** Base URL of its edge. */
  readonly url: string;
  readonly studyInstanceUID: string;
  readonly home: string;
}

export interface AskOptions {
  readonly ticket: string;
  readonly signal: AbortSignal;
  /** Default false: on a connection that others use, too. */
  readonly isImmediate?: boolean;
}

interface Asked extends AskOptions {
  readonly what: string;
  readonly method: 'GET' | 'POST' | 'DELETE';
  readonly body?: string;
}

export interface SourceClientOptions {
  readonly stallMs: number;
  readonly prove: Prove;
  readonly paths?: SourcePaths;
  /** What is shown to a source that asks for a certificate. */
  readonly pair?: () => ClientPair | undefined;
}

export class SourceClient {
  readonly #agent: Agent;
  /** Of their own: one that was broken off for them is closed, and a new one begins slowly. */
  readonly #immediate: Agent;
  readonly #paths: SourcePaths;
  readonly #prove: Prove;

  /**
   * @param stallMs a response of which nothing comes for so long is given up
   * @param prove that a ticket is ours
   * @param paths default: directly
   */
  constructor({ stallMs, prove, paths, pair }: SourceClientOptions) {
    this.#prove = prove;
    this.#paths = paths ?? new SourcePaths({});
    const options = {
      allowH2: false,
      connect: connector({ timeoutMs: CONNECT_MS, pair: pair ?? (() => undefined) }),
      headersTimeout: stallMs,
      bodyTimeout: stallMs,
      connections: 32,
    };
    this.#agent = new Agent(options);
    this.#immediate = new Agent(options);
  }

  async manifest(address: StudyAddress, options: AskOptions): Promise<Manifest> {
    const chunks: Buffer[] = [];
    let bytes = 0;
    for await (const chunk of await this.#ask(address, {
      ...options,
      method: 'GET',
      what: 'manifest',
    })) {
      bytes += chunk.length;
      if (bytes > MAX_MANIFEST_BYTES)
        throw new TransferError('TRANSFER_MALFORMED', 'the manifest is too long');
      chunks.push(chunk);
    }
    return parseManifest(Buffer.concat(chunks), address);
  }

  /** The bytes of the frames; an error while reading them is a TransferError. */
  instances(
    address: StudyAddress,
    {
      sopInstanceUIDs,
      codings,
      ...options
    }: AskOptions & { sopInstanceUIDs: readonly string[]; codings: readonly string[] },
  ): Promise<AsyncIterable<Buffer>> {
    const body = JSON.stringify({ sopInstanceUIDs, codings });
    return this.#ask(address, { ...options, method: 'POST', what: 'instances', body });
  }

  /** Nothing more is wanted with this ticket: the source need not keep it open. */
  async release(address: StudyAddress, options: AskOptions): Promise<void> {
    const body = await this.#ask(address, { ...options, method: 'DELETE', what: 'ticket' });
    for await (const _chunk of body);
  }

  async close(): Promise<void> {
    await Promise.all([this.#agent.destroy(), this.#immediate.destroy()]);
  }

  /** By the way that worked last; by the other one when nobody answers on it. */
  async #ask(address: StudyAddress, asked: Asked): Promise<AsyncIterable<Buffer>> {
    const [path, other] = this.#paths.to(address);
    try {
      return await this.#askBy(path.url, address, asked);
    } catch (error) {
      if (other === undefined || codeOf(error) !== 'SOURCE_UNREACHABLE') throw error;
      const body = await this.#askBy(other.url, address, asked);
      this.#paths.works(address, other);
      return body;
    }
  }

  async #askBy(
    url: string,
    { studyInstanceUID, home }: StudyAddress,
    { what, method, body, ticket, signal, isImmediate = false }: Asked,
  ): Promise<AsyncIterable<Buffer>> {
    const base = url.endsWith('/') ? url : `${url}/`;
    const path = `transfer/v1/studies/${encodeURIComponent(studyInstanceUID)}/${what}`;
    try {
      const url = new URL(`${path}?home=${home}`, base);
      const response = await request(url, {
        method,
        headers: {
          authorization: `Bearer ${ticket}`,
          [PROOF_HEADER]: await this.#prove({ ticket, method, url: url.pathname + url.search }),
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        },
        ...(body === undefined ? {} : { body }),
        dispatcher: isImmediate ? this.#immediate : this.#agent,
        signal,
      });
      if (response.statusCode < 300) return reading(response.body, signal);
      const text = await response.body.text();
      throw refusalOf(response.statusCode, text.slice(0, 4_096));
    } catch (cause) {
      if (cause instanceof TransferError) throw cause;
      throw signal.aborted ? cancelled(cause) : unreachable(cause);
    }
  }
}

async function* reading(body: AsyncIterable<Buffer>, signal: AbortSignal): AsyncGenerator<Buffer> {
  try {
    yield* body;
  } catch (cause) {
    if (signal.aborted) throw cancelled(cause);
    throw new TransferError('TRANSFER_CUT', `the connection failed: ${codeOf(cause)}`, { cause });
  }
}

const cancelled = (cause: unknown): TransferError =>
  new TransferError('TRANSFER_CANCELLED', 'the transfer was cancelled', { cause });

const unreachable = (cause: unknown): TransferError =>
  new TransferError('SOURCE_UNREACHABLE', `the source can't be reached: ${codeOf(cause)}`, {
    cause,
  });

/**
 * A fresh ticket mends these: it ran out; its use was over, after a long cut; our key is another one since. A key
 * that the source does not know yet may be in its directory soon.
 */
const RENEWED = [
  ...['TICKET_EXPIRED', 'TICKET_USED', 'TICKET_OTHER_EDGE', 'TICKET_REVOKED'],
  'TICKET_KEY_UNKNOWN',
];

function refusalOf(status: number, text: string): TransferError {
  const code = problemCode(text);
  const said = `the source answered ${status} ${code}`;
  if (RENEWED.includes(code)) return new TransferError('TICKET_EXPIRED', said);
  if (status === 401 || status === 403) return new TransferError('TICKET_REFUSED', said);
  if (code === 'RELAY_NOT_WAITING' || code === 'RELAY_CUT')
    return new TransferError('SOURCE_UNREACHABLE', said);
  if (code === 'RETRIEVING')
    return new TransferError(
      'SOURCE_RETRIEVING',
      'the source brings the study from its PACS first',
    );
  if (status === 404) return new TransferError('STUDY_NOT_FOUND', said);
  return new TransferError('SOURCE_FAILED', said);
}

/** The `code` of a problem details answer, RFC 9457; nothing else of what a peer wrote is repeated. */
function problemCode(text: string): string {
  try {
    const { code } = JSON.parse(text) as { code?: unknown };
    return typeof code === 'string' && /^[A-Z0-9_]{1,64}$/.test(code) ? code : '';
  } catch {
    return '';
  }
}

function parseManifest(bytes: Buffer, address: StudyAddress): Manifest {
  let raw: unknown;
  try {
    raw = JSON.parse(bytes.toString('utf8'));
  } catch (cause) {
    throw new TransferError('TRANSFER_MALFORMED', 'the manifest is no JSON', { cause });
  }
  const parsed = ManifestSchema.safeParse(raw);
  if (!parsed.success)
    throw new TransferError('TRANSFER_MALFORMED', 'the manifest has another form', {
      cause: parsed.error,
    });
  const { studyInstanceUID, home } = parsed.data;
  if (studyInstanceUID !== address.studyInstanceUID || home !== address.home)
    throw new TransferError('TRANSFER_MALFORMED', 'the manifest is of another study');
  return parsed.data;
}
