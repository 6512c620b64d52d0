/**
 * Every error of the API, as problem details. RFC 9457. `code` is stable: a client decides on it,
 * never on the words.
 *
 *   GatewayError, fastify's own errors, bugs ──► here ──► status + body
 *
 * A bug tells the client nothing but its code; the log has the rest.
 */
import { GatewayError, type Retry } from '../../shared/errors.ts';
import { SchedulingError } from '../scheduling/scheduling-error.ts';

export interface Fault {
  /** Where in the request: `query.birthDate`, `body.to.trust`. */
  readonly path: string;
  readonly code: string;
  readonly message: string;
}

export type HttpProblemCode =
  | 'VALIDATION_FAILED'
  | 'INVALID_NHS_NUMBER'
  | 'MALFORMED_JSON'
  | 'BODY_TOO_LARGE'
  | 'MEDIA_TYPE_UNSUPPORTED'
  | 'MALFORMED_REQUEST'
  | 'UNAUTHENTICATED'
  /** Signed in, but not surely or lately enough for this. */
  | 'STEP_UP_REQUIRED'
  | 'FORBIDDEN'
  | 'CROSS_SITE'
  | 'NOT_FOUND'
  | 'METHOD_NOT_ALLOWED'
  | 'NOT_ACCEPTABLE'
  | 'GONE_AT_SOURCE'
  | 'EDGE_UNREACHABLE'
  | 'EDGE_SLOW'
  | 'SOURCE_RETRIEVING'
  | 'STUDY_UNKNOWN'
  | 'STUDY_WITHDRAWN'
  | 'REPORT_UNKNOWN'
  | 'IDENTITY_UNKNOWN'
  | 'FETCH_UNKNOWN'
  /** Nothing makes the asker concerned with the patient; or it is restricted. */
  | 'RELATIONSHIP_NEEDED'
  | 'RESTRICTED'
  | 'TRUST_UNKNOWN'
  | 'NOT_READY'
  | 'VIEWER_MISSING'
  | 'TOO_MANY_LISTENERS'
  | 'TOO_MANY_TRIES'
  /** What can't be recorded is not answered. */
  | 'AUDIT_UNAVAILABLE'
  | 'INTERNAL';

const STATUS: Readonly<Record<HttpProblemCode, number>> = {
  VALIDATION_FAILED: 400,
  INVALID_NHS_NUMBER: 400,
  MALFORMED_JSON: 400,
  MALFORMED_REQUEST: 400,
  UNAUTHENTICATED: 401,
  STEP_UP_REQUIRED: 401,
  FORBIDDEN: 403,
  CROSS_SITE: 403,
  NOT_FOUND: 404,
  STUDY_UNKNOWN: 404,
  REPORT_UNKNOWN: 404,
  IDENTITY_UNKNOWN: 404,
  FETCH_UNKNOWN: 404,
  RELATIONSHIP_NEEDED: 403,
  RESTRICTED: 403,
  TRUST_UNKNOWN: 404,
  METHOD_NOT_ALLOWED: 405,
  NOT_ACCEPTABLE: 406,
  GONE_AT_SOURCE: 410,
  STUDY_WITHDRAWN: 410,
  BODY_TOO_LARGE: 413,
  MEDIA_TYPE_UNSUPPORTED: 415,
  TOO_MANY_TRIES: 429,
  INTERNAL: 500,
  NOT_READY: 503,
  VIEWER_MISSING: 503,
  TOO_MANY_LISTENERS: 503,
  EDGE_UNREACHABLE: 503,
  EDGE_SLOW: 504,
  SOURCE_RETRIEVING: 503,
  AUDIT_UNAVAILABLE: 503,
};

/** Refusals of other parts of the hub, where the status is more exact than their `retry` says. */
const STATUS_OF_OTHERS: readonly (readonly [RegExp, number])[] = [
  [/^EXAMINATION_UNKNOWN$/, 422],
  [/^VERSION_CHANGED$/, 412],
  [/^VERSION_REQUIRED$/, 428],
  [/_UNKNOWN$|_NOT_FOUND$/, 404],
  [/^TOKEN_|_TOKEN_|_TOKEN$/, 401],
  [/^BIRTH_DATE_WRONG$/, 403],
  [/^SEARCH_TOO_BROAD$/, 400],
  [/FORBIDDEN|NOT_ALLOWED|DENIED/, 403],
  [
    /_FINAL$|_ENDED$|_TAKEN$|_CONFLICT$|^CONFLICT|_NOT_HELD$|_STATE$|_RACE$|_AMBIGUOUS$|_BOOKED$|^RIS_/,
    409,
  ],
  [/^MEASURE_(DIMENSION|VERSION)$/, 400],
];
const STATUS_BY_RETRY: Readonly<Record<Retry, number>> = { safe: 503, unsure: 503, never: 422 };

const TITLES: Readonly<Record<number, string>> = {
  400: 'The request is not valid',
  401: 'Sign in first',
  403: 'Not allowed',
  404: 'Not found',
  405: 'Method not allowed',
  406: 'Not available in this form',
  409: 'Not possible in this state',
  410: 'No longer there',
  412: 'It has changed since',
  413: 'The request is too large',
  415: 'This media type is not taken',
  422: 'The request was refused',
  428: 'It has to be read first',
  429: 'Too many tries',
  500: 'Something went wrong here',
  503: 'Not available just now',
  504: 'No answer in time',
};

/** An expected failure of an HTTP request. */
export class HttpProblem extends GatewayError {
  override readonly name = 'HttpProblem';
  readonly code: HttpProblemCode;
  readonly retry: Retry;
  readonly faults: readonly Fault[];
  /** Further members of the answer, such as which trusts were asked. */
  readonly members: Readonly<Record<string, unknown>>;

  constructor(
    code: HttpProblemCode,
    detail: string,
    more: {
      faults?: readonly Fault[];
      members?: Readonly<Record<string, unknown>>;
      cause?: unknown;
    } = {},
  ) {
    super(detail, more.cause === undefined ? {} : { cause: more.cause });
    this.code = code;
    this.retry = STATUS[code] >= 503 ? 'safe' : 'never';
    this.faults = more.faults ?? [];
    this.members = more.members ?? {};
  }
}

export interface ProblemBody {
  readonly type: 'about:blank';
  readonly title: string;
  readonly status: number;
  readonly code: string;
  readonly detail: string;
  readonly faults?: readonly Fault[];
  readonly [member: string]: unknown;
}

/** The answer to an error of any kind; `isBug` when the log has to have it. */
export function problemOf(error: unknown): { body: ProblemBody; isBug: boolean } {
  if (error instanceof HttpProblem) {
    const faults = error.faults.length === 0 ? {} : { faults: error.faults };
    const body = bodyOf(STATUS[error.code], error.code, error.message);
    return { body: { ...body, ...faults, ...error.members }, isBug: false };
  }
  if (error instanceof SchedulingError) {
    const body = bodyOf(statusOf(error), error.code, error.message);
    return { body: { ...error.members, ...body }, isBug: false };
  }
  if (error instanceof GatewayError)
    return { body: bodyOf(statusOf(error), error.code, error.message), isBug: false };
  const own = fastifyProblem(error);
  if (own !== undefined) return problemOf(own);
  const detail = 'The hub failed on this request. It is in its log.';
  return { body: bodyOf(500, 'INTERNAL', detail), isBug: true };
}

/** The HTTP status that an error of any kind is answered with. */
export const statusOfError = (error: unknown): number => problemOf(error).body.status;

function bodyOf(status: number, code: string, detail: string): ProblemBody {
  return { type: 'about:blank', title: TITLES[status] ?? 'Error', status, code, detail };
}

function statusOf(error: GatewayError): number {
  const known = STATUS_OF_OTHERS.find(([pattern]) => pattern.test(error.code));
  return known?.[1] ?? STATUS_BY_RETRY[error.retry];
}

/** What the web server itself refuses before a route is reached. Its own words may quote input: ours are used. */
function fastifyProblem(error: unknown): HttpProblem | undefined {
  const { code, statusCode } = (error ?? {}) as { code?: unknown; statusCode?: unknown };
  switch (code) {
    case 'FST_ERR_CTP_INVALID_JSON_BODY':
    case 'FST_ERR_CTP_EMPTY_JSON_BODY':
      return new HttpProblem('MALFORMED_JSON', 'The body is not JSON.');
    case 'FST_ERR_CTP_BODY_TOO_LARGE':
      return new HttpProblem('BODY_TOO_LARGE', 'The body is larger than this hub takes.');
    case 'FST_ERR_CTP_INVALID_MEDIA_TYPE':
      return new HttpProblem('MEDIA_TYPE_UNSUPPORTED', 'Send application/json.');
  }
  const isClients = typeof statusCode === 'number' && statusCode >= 400 && statusCode < 500;
  return isClients
    ? new HttpProblem('MALFORMED_REQUEST', 'The request can not be read.')
    : undefined;
}
