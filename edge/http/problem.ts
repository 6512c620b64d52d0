/**
 * Every error of the edge's HTTP, as problem details. RFC 9457. `code` is stable.
 *
 *   GatewayError, fastify's own errors, bugs ──► here ──► status + body
 *
 * A bug tells the client nothing but its code; the log has the rest.
 */
import { GatewayError, type Retry } from '../../shared/errors.ts';
import { UnaidedError } from '../commands/unaided-fetch.ts';
import { DicomWebError } from '../dicomweb/dicomweb-error.ts';
import { TicketError } from '../transfer/ticket.ts';

export type HttpProblemCode =
  | 'MALFORMED_REQUEST'
  | 'MALFORMED_JSON'
  | 'FORBIDDEN'
  | 'NOT_FOUND'
  | 'STUDY_NOT_FOUND'
  | 'QUARANTINE_NOT_FOUND'
  | 'QUARANTINE_FAULT'
  | 'HL7_MESSAGE_NOT_FOUND'
  | 'METHOD_NOT_ALLOWED'
  | 'BODY_TOO_LARGE'
  | 'MEDIA_TYPE_UNSUPPORTED'
  | 'RETRIEVING'
  | 'PACS_FAILED'
  | 'NOT_READY';

const STATUS: Readonly<Record<HttpProblemCode, number>> = {
  MALFORMED_REQUEST: 400,
  MALFORMED_JSON: 400,
  FORBIDDEN: 403,
  NOT_FOUND: 404,
  STUDY_NOT_FOUND: 404,
  QUARANTINE_NOT_FOUND: 404,
  HL7_MESSAGE_NOT_FOUND: 404,
  METHOD_NOT_ALLOWED: 405,
  BODY_TOO_LARGE: 413,
  MEDIA_TYPE_UNSUPPORTED: 415,
  QUARANTINE_FAULT: 422,
  RETRIEVING: 503,
  PACS_FAILED: 503,
  NOT_READY: 503,
};

const TITLES: Readonly<Record<number, string>> = {
  400: 'The request is not valid',
  401: 'A transfer ticket is needed',
  403: 'Not allowed',
  404: 'Not found',
  405: 'Method not allowed',
  406: 'Not available in this form',
  409: 'In conflict with what is held',
  410: 'No longer there',
  413: 'The request is too large',
  415: 'This media type is not taken',
  416: 'There is no such part',
  422: 'The request was refused',
  500: 'Something went wrong here',
  503: 'Not available just now',
};

/** An expected failure of a request. */
export class HttpProblem extends GatewayError {
  override readonly name = 'HttpProblem';
  readonly code: HttpProblemCode;
  readonly retry: Retry;

  constructor(code: HttpProblemCode, detail: string, options?: ErrorOptions) {
    super(detail, options);
    this.code = code;
    this.retry = STATUS[code] === 503 ? 'safe' : 'never';
  }

  get httpStatus(): number {
    return STATUS[this.code];
  }
}

export interface ProblemBody {
  readonly type: 'about:blank';
  readonly title: string;
  readonly status: number;
  readonly code: string;
  readonly detail: string;
}

/** The answer to an error of any kind; `isBug` when the log has to have it. */
export function problemOf(error: unknown): { body: ProblemBody; isBug: boolean } {
  const known = error instanceof GatewayError ? error : fastifyProblem(error);
  if (known === undefined)
    return { body: bodyOf(500, 'INTERNAL', 'The edge failed on this; see its log.'), isBug: true };
  return { body: bodyOf(statusOf(known), known.code, known.message), isBug: false };
}

function statusOf(error: GatewayError): number {
  if (
    error instanceof HttpProblem ||
    error instanceof TicketError ||
    error instanceof DicomWebError
  )
    return error.httpStatus;
  if (error instanceof UnaidedError) return 409;
  return error.retry === 'never' ? 422 : 503;
}

function bodyOf(status: number, code: string, detail: string): ProblemBody {
  return { type: 'about:blank', title: TITLES[status] ?? 'Error', status, code, detail };
}

/** What the web server refuses before a route is reached. Its own words may quote input: ours are used. */
function fastifyProblem(error: unknown): HttpProblem | undefined {
  const { code, statusCode } = (error ?? {}) as { code?: unknown; statusCode?: unknown };
  switch (code) {
    case 'FST_ERR_CTP_INVALID_JSON_BODY':
    case 'FST_ERR_CTP_EMPTY_JSON_BODY':
      return new HttpProblem('MALFORMED_JSON', 'The body is not JSON.');
    case 'FST_ERR_CTP_BODY_TOO_LARGE':
      return new HttpProblem('BODY_TOO_LARGE', 'The body is larger than this edge takes.');
    case 'FST_ERR_CTP_INVALID_MEDIA_TYPE':
      return new HttpProblem('MEDIA_TYPE_UNSUPPORTED', 'Send application/json.');
  }
  const isClients = typeof statusCode === 'number' && statusCode >= 400 && statusCode < 500;
  return isClients
    ? new HttpProblem('MALFORMED_REQUEST', 'The request can not be read.')
    : undefined;
}
