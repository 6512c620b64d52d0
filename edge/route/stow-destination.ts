/**
 * A DICOMweb service as a destination: STOW-RS, one object a request, streamed; what it holds is asked by
 * QIDO-RS. PS3.18 §10.5, §10.6.
 *
 *   object ─► multipart/related, one part ─► 200 stored │ 202, 409 by its FailureReason │ else: later
 */
import { Readable } from 'node:stream';
import { type Agent, type Dispatcher, request } from 'undici';
import { encodePart10Head } from '../../shared/dicom/part10.ts';
import {
  agentFor,
  authorizationFor,
  type ServiceAccess,
} from '../../shared/dicomweb/service-access.ts';
import { codeOf } from '../../shared/errors.ts';
import type {
  Destinations,
  Holding,
  ObjectToStore,
  StoreAssociation,
} from '../deliver/destination.ts';
import { ServiceError } from './route-error.ts';

const TIMEOUT_MS = 60_000;
const MAX_ANSWER_BYTES = 8 * 1024 * 1024;
const PAGE = 1_000;
const BOUNDARY = 'cdip-part';
const FAILED_SOP_SEQUENCE = '00081198';
const FAILURE_REASON = '00081197';
const REFERENCED_SOP_SEQUENCE = '00081199';
const REFERENCED_SOP_INSTANCE_UID = '00081155';
const SOP_INSTANCE_UID = '00080018';

const STORED = 0x0000;
/** PS3.4 Table B.2-1: a warning, and a failure that says no more. */
const WARNING = 0xb000;
const CANNOT_UNDERSTAND = 0xc000;

export interface StowService extends ServiceAccess {
  readonly url: string;
}

export function stowDestination(service: StowService): Destinations {
  const client = new StowClient(service);
  return {
    open: async (_peer, _contexts, signal): Promise<StoreAssociation> => ({
      window: 1,
      accepts: () => true,
      store: (object, dataSet) => client.store(object, dataSet, signal),
      release: async () => {},
      abort: () => {},
    }),
    holding: (_peer, study, signal) => client.holding(study, signal),
  };
}

interface StudySeries {
  readonly studyInstanceUID: string;
  readonly seriesInstanceUIDs: readonly string[];
}

interface Answer {
  readonly status: number;
  readonly body: string;
}

class StowClient {
  readonly #service: StowService;
  readonly #base: string;
  #agent: Agent | undefined;

  constructor(service: StowService) {
    this.#service = service;
    this.#base = service.url.replace(/\/$/, '');
  }

  async store(
    object: ObjectToStore,
    dataSet: () => Readable,
    signal: AbortSignal,
  ): Promise<number> {
    const { dataSetBytes, sopInstanceUID } = object;
    const before = Buffer.concat([
      // No transfer-syntax behind the type: Orthanc takes such a part for something else. The file says it.
      Buffer.from(`--${BOUNDARY}\r\nContent-Type: application/dicom\r\n\r\n`),
      encodePart10Head(object),
    ]);
    const after = Buffer.from(`\r\n--${BOUNDARY}--\r\n`);
    async function* body() {
      yield before;
      yield* dataSet();
      yield after;
    }
    const { status, body: answer } = await this.#ask('/studies', {
      method: 'POST',
      headers: {
        accept: 'application/dicom+json',
        'content-type': `multipart/related; type="application/dicom"; boundary=${BOUNDARY}`,
        'content-length': `${before.length + dataSetBytes + after.length}`,
      },
      body: Readable.from(body()),
      signal,
    });
    return statusOf(status, answer, sopInstanceUID);
  }

  /** Series by series. */
  async holding(
    { studyInstanceUID, seriesInstanceUIDs }: StudySeries,
    signal: AbortSignal,
  ): Promise<Holding> {
    const sopInstanceUIDs = new Set<string>();
    for (const series of seriesInstanceUIDs) {
      const path = `/studies/${encodeURIComponent(studyInstanceUID)}/series/${encodeURIComponent(series)}/instances`;
      const fault = await this.#addInstances(path, sopInstanceUIDs, signal);
      if (fault !== undefined) return { kind: 'unknown', code: fault };
    }
    return { kind: 'instances', sopInstanceUIDs };
  }

  /** Page by page. @returns why it can't be known */
  async #addInstances(
    path: string,
    into: Set<string>,
    signal: AbortSignal,
  ): Promise<string | undefined> {
    for (let offset = 0; ; offset += PAGE) {
      const { status, body } = await this.#ask(`${path}?limit=${PAGE}&offset=${offset}`, {
        ...{ method: 'GET', headers: { accept: 'application/dicom+json' }, signal },
      });
      if (status === 404) return this.#whyNone(signal);
      if (status === 204) return undefined;
      const found = status === 200 ? uidsIn(body) : undefined;
      if (found === undefined) return `QIDO_${status}`;
      const before = into.size;
      for (const uid of found) into.add(uid);
      // A service that knows no paging answers the same again.
      if (found.length < PAGE || into.size === before) return undefined;
    }
  }

  /** A service that only stores knows no study when it is asked, whatever it holds. @returns undefined: it has none */
  async #whyNone(signal: AbortSignal): Promise<string | undefined> {
    const headers = { accept: 'application/dicom+json' };
    const { status } = await this.#ask('/studies?limit=1', { method: 'GET', headers, signal });
    return status === 200 || status === 204 ? undefined : 'QIDO_404';
  }

  async #ask(
    path: string,
    {
      headers,
      ...options
    }: Omit<Dispatcher.RequestOptions, 'origin' | 'path' | 'headers'> & {
      headers: Record<string, string>;
    },
  ): Promise<Answer> {
    const { dispatcher, authorization } = this.#access();
    try {
      const { statusCode, body } = await request(`${this.#base}${path}`, {
        ...options,
        dispatcher,
        headers: { ...headers, ...authorization },
      });
      const answer = { status: statusCode, body: await textOf(body) };
      if (isTrouble(statusCode))
        throw new ServiceError('STOW_REFUSED', `${this.#base} answers ${statusCode}`, {
          isDown: IS_DOWN.has(statusCode),
        });
      return answer;
    } catch (cause) {
      if (cause instanceof ServiceError) throw cause;
      const code = codeOf(cause);
      const isDown = !CUT.has(code);
      throw new ServiceError('STOW_UNREACHABLE', `${this.#base}: ${code}`, { cause, isDown });
    }
  }

  #access(): { dispatcher: Agent; authorization: Record<string, string> } {
    try {
      this.#agent ??= agentFor(this.#service, TIMEOUT_MS);
      return { dispatcher: this.#agent, authorization: authorizationFor(this.#service) };
    } catch (cause) {
      const what = `${this.#base}: its token or certificates can't be read: ${codeOf(cause)}`;
      throw new ServiceError('STOW_SECRET', what, { cause, isDown: true });
    }
  }
}

/** Not about the object: not allowed, too many, or the service itself. */
const isTrouble = (status: number): boolean =>
  status === 401 || status === 403 || status === 408 || status === 429 || status >= 500;

/** Nobody may send, or nobody now; of any other an object may be the cause that the service does not foresee. */
const IS_DOWN = new Set([401, 403, 429, 503]);
/** It was reached, and did not answer: the object may be too large for it. */
const CUT = new Set([
  ...['ECONNRESET', 'EPIPE', 'UND_ERR_SOCKET', 'UND_ERR_ABORTED'],
  ...['UND_ERR_HEADERS_TIMEOUT', 'UND_ERR_BODY_TIMEOUT', 'ABORT_ERR', 'BUG'],
]);

async function textOf(body: AsyncIterable<Buffer>): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of body) {
    bytes += chunk.length;
    if (bytes > MAX_ANSWER_BYTES)
      throw new ServiceError('STOW_REFUSED', 'the answer is too long', { isDown: false });
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

/**
 * PS3.18 Table 10.5.3-1, as a status of C-STORE. An answer that lists what is stored has to list the object:
 * Orthanc answers 200 to a request of which it took nothing.
 */
function statusOf(status: number, body: string, sopInstanceUID: string): number {
  const answer = jsonOf(body) as JsonItem | undefined;
  const success = status === 200 ? STORED : WARNING;
  // Says nothing that we read: what it holds is asked afterwards.
  if (answer === undefined) return status <= 202 ? success : CANNOT_UNDERSTAND;
  const [failed] = itemsIn(answer, FAILED_SOP_SEQUENCE);
  const reason = failed?.[FAILURE_REASON]?.Value?.[0];
  if (typeof reason === 'number' && reason > 0) return reason;
  const stored = itemsIn(answer, REFERENCED_SOP_SEQUENCE);
  const isListed = stored.some(
    (item) => item[REFERENCED_SOP_INSTANCE_UID]?.Value?.[0] === sopInstanceUID,
  );
  if (status > 202 || failed !== undefined || !isListed) return CANNOT_UNDERSTAND;
  return success;
}

type JsonItem = Readonly<Record<string, { readonly Value?: readonly unknown[] }>>;

const itemsIn = (answer: JsonItem | undefined, tag: string): readonly JsonItem[] =>
  (answer?.[tag]?.Value ?? []) as readonly JsonItem[];

function uidsIn(body: string): string[] | undefined {
  const items = jsonOf(body);
  if (!Array.isArray(items)) return undefined;
  return (items as readonly JsonItem[])
    .map((item) => item[SOP_INSTANCE_UID]?.Value?.[0])
    .filter((uid) => typeof uid === 'string');
}

function jsonOf(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    return undefined;
  }
}
