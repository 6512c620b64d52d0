/**
 * Who did what to whose data, recorded before the answer leaves. One frame around every route and page.
 *
 *   request ─► principal ─► run ─► what came into sight ─► audit row, durable ─► answer
 *
 * When the row can't be written the answer is not given.
 */
import type { FastifyRequest } from 'fastify';
import type {
  AuditEvent,
  AuditMove,
  AuditOutcome,
  AuditSubjects,
} from '../../shared/audit/entry.ts';
import { codeOf } from '../../shared/errors.ts';
import type { Action, Principal } from '../access/rules.ts';
import type { Discloser } from '../relations/disclosure.ts';
import { requirePrincipal, sessionOf } from './authenticate.ts';
import type { AuditPart, HttpParts } from './parts.ts';
import { HttpProblem, statusOfError } from './problem.ts';

export const NOBODY: Principal = { name: '', role: '', trust: null };

/** What a route says of itself. */
export interface AuditedRoute {
  readonly method: string;
  readonly path: string;
  /** Null: open to everybody. */
  readonly action: Action | null;
  /** What a use of it is; null: nothing of a patient comes into sight and nothing changes. */
  readonly audit: AuditEvent | null;
  /** False: this use shows nothing new, and is not recorded unless it is refused. Absent: always recorded. */
  readonly isRecorded?: (use: RouteUse) => boolean;
  /** True: the address is itself the secret that opens it, and is not recorded. */
  readonly hasSecretAddress?: boolean;
  /** The use stands in the trail now. */
  readonly onRecorded?: (use: RouteUse) => void;
}

export interface RouteUse {
  readonly request: FastifyRequest;
  readonly principal: Principal;
  readonly outcome: AuditOutcome;
}

export interface Sight {
  readonly principal: Principal;
  /** What the principal may be shown; why is recorded with what was. */
  readonly discloser: Discloser;
  /** Tells whose data the answer shows. */
  saw(subjects: AuditSubjects): void;
  /** What the record says beside the address: whose account was changed. */
  note(details: Readonly<Record<string, unknown>>): void;
  /** Where what is ordered goes from, and where to. */
  moves(moved: AuditMove): void;
}

/** Runs a route and records it, or why it was refused. @throws what `run` throws; HttpProblem `AUDIT_UNAVAILABLE` */
export async function audited<T>(
  parts: Pick<HttpParts, 'access' | 'audit' | 'disclosure'>,
  request: FastifyRequest,
  route: AuditedRoute,
  run: (sight: Sight) => Promise<T> | T,
): Promise<T> {
  const event = route.audit;
  const seen: AuditSubjects[] = [];
  const details: Record<string, unknown> = {};
  let discloser: Discloser | undefined;
  let moved: AuditMove | undefined;
  const record = (principal: Principal, code: string | null, outcome: AuditOutcome): void => {
    if (event === null) return;
    append(parts.audit, {
      ...{ basis: discloser?.bases ?? [], withheld: discloser?.refused ?? 0 },
      ...{ event, code, outcome, principal, request, moved },
      ...{ what: `${route.method} ${route.path}`, method: route.method, seen, details },
      withParams: route.hasSecretAddress !== true,
    });
  };
  const principal = admitted(parts, request, route, record);
  const end = (code: string | null, outcome: AuditOutcome): void => {
    const use = { request, principal, outcome };
    if (route.isRecorded?.(use) === false) return;
    record(principal, code, outcome);
    route.onRecorded?.(use);
  };
  discloser = parts.disclosure.to(principal);
  let result: T;
  try {
    result = await run({
      ...{ principal, discloser, saw: (subjects) => seen.push(subjects) },
      note: (more) => void Object.assign(details, more),
      moves: (told) => {
        moved = told;
      },
    });
  } catch (error) {
    end(codeOf(error), outcomeOf(error));
    throw error;
  }
  end(null, 0);
  return result;
}

/** Those of decide.ts: a refusal, not a mistake. */
const REFUSED: ReadonlySet<string> = new Set(['RELATIONSHIP_NEEDED', 'RESTRICTED']);

function outcomeOf(error: unknown): AuditOutcome {
  if (REFUSED.has(codeOf(error))) return 8;
  return statusOfError(error) >= 500 ? 12 : 4;
}

function admitted(
  parts: Pick<HttpParts, 'access'>,
  request: FastifyRequest,
  { action }: AuditedRoute,
  record: (principal: Principal, code: string, outcome: AuditOutcome) => void,
): Principal {
  if (action === null) return NOBODY;
  try {
    return requirePrincipal(parts.access, request, action);
  } catch (error) {
    const code = codeOf(error);
    const { principal } = error as { principal?: Principal };
    // Whoever shows nothing at all is no event: a scanner would fill the disk with them.
    if (principal !== undefined || showsCredentials(request)) record(principal ?? NOBODY, code, 8);
    throw error;
  }
}

const showsCredentials = (request: FastifyRequest): boolean =>
  request.headers.authorization !== undefined || sessionOf(request) !== undefined;

const ACTION = { GET: 'R', HEAD: 'R', POST: 'C', PATCH: 'U', PUT: 'U', DELETE: 'D' } as const;

interface Happened {
  readonly event: AuditEvent;
  readonly code: string | null;
  readonly outcome: AuditOutcome;
  readonly principal: Principal;
  readonly request: FastifyRequest;
  readonly what: string;
  readonly method: string;
  readonly seen: readonly AuditSubjects[];
  readonly basis?: readonly string[];
  readonly withheld?: number;
  readonly details?: Readonly<Record<string, unknown>>;
  readonly moved?: AuditMove | undefined;
  /** False where the address holds a secret. */
  readonly withParams: boolean;
}

function append(audit: AuditPart, happened: Happened): void {
  const { event, code, outcome, principal, request, what, method, seen, withParams } = happened;
  const { basis = [], withheld = 0, details = {}, moved } = happened;
  const { reason, purpose = reason } = (request.body ?? {}) as Record<string, unknown>;
  try {
    audit.append({
      ...{ event, code, outcome, what },
      action: event === 'search' ? 'E' : (ACTION[method as keyof typeof ACTION] ?? 'E'),
      ...{ user: principal.name, role: principal.role, trust: principal.trust },
      address: request.ip,
      purpose: typeof purpose === 'string' ? purpose.slice(0, 200) : null,
      query: {
        ...(withParams ? { ...(request.params as object), ...(request.query as object) } : {}),
        ...details,
      },
      patients: [...new Set(seen.flatMap(({ patients }) => patients))],
      studies: [...new Set(seen.flatMap(({ studies }) => studies))],
      homes: [...new Set(seen.flatMap(({ homes }) => homes))],
      ...(basis.length === 0 ? {} : { basis }),
      ...(withheld === 0 ? {} : { withheld }),
      ...(moved === undefined ? {} : { moved }),
    });
  } catch (cause) {
    const detail = 'This can not be recorded in the audit trail just now, so it is not answered.';
    throw new HttpProblem('AUDIT_UNAVAILABLE', detail, { cause });
  }
}

/** @param code why not; null: signed in, or out */
export function recordSignIn(
  audit: AuditPart,
  request: FastifyRequest,
  given: { event: 'sign-in' | 'sign-out'; principal: Principal; code: string | null },
): void {
  const { method, assurance } = given.principal;
  append(audit, {
    ...given,
    details: method === undefined ? {} : { method, assurance },
    ...{ outcome: given.code === null ? 0 : 8, request, method: 'POST', seen: [] },
    what: `${request.method} ${request.routeOptions.url ?? ''}`,
    withParams: false,
  });
}
