/**
 * Who looked at what through this edge's HTTP, in the trail before the answer leaves.
 *
 *   request ─► route tells who and of which study ─► answer is ready ─► row, durable ─► sent
 *
 * What can't be recorded is not answered. Who shows no credentials is no event, as at the hub.
 */
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type {
  AuditAction,
  AuditEntry,
  AuditEvent,
  AuditMove,
  AuditOutcome,
} from '../../shared/audit/entry.ts';
import type { EdgeAudit } from '../audit/edge-audit.ts';
import type { Subjects } from '../audit/subject-of.ts';
import { HttpProblem } from './problem.ts';

/** Who asks, as far as a route has found out. */
export interface Asker {
  readonly user: string;
  readonly role: string;
  readonly trust?: string;
}

const askers = new WeakMap<FastifyRequest, Asker>();

/** A route says whom it has let in. */
export function tellAsker(request: FastifyRequest, asker: Asker): void {
  askers.set(request, asker);
}

const stored = new WeakMap<FastifyRequest, Pick<AuditEntry, 'contents' | 'query'>>();

/** STOW-RS: what was taken. */
export function tellStored(
  request: FastifyRequest,
  taken: Pick<AuditEntry, 'contents' | 'query'>,
): void {
  stored.set(request, taken);
}

/** The first that fits; with the method where it matters. Null: nothing of a patient comes into sight, and nothing changes. */
const ROUTES: readonly (readonly [RegExp, AuditEvent | null])[] = [
  [/ \/(health|metrics)| \/local\/doctor$/, null],
  [/ \/transfer\/v1\/.*\/(manifest|ticket)$/, null],
  // The answer is still to come; its end tells itself.
  [/ \/transfer\//, 'transfer-begun'],
  [/^POST \/dicom-web\//, 'transfer'],
  [/ \/dicom-web\/(studies|series|instances)$/, 'search'],
  [/ \/dicom-web\//, 'look'],
  [/ \/local\/keys| \/peers/, 'configuration'],
  [/ \/local\/fetches/, 'fetch'],
  [/ \/(hl7)?$/, 'look'],
  [/ \//, 'fleet'],
];
const MOVES: Readonly<Partial<Record<AuditEvent, AuditMove>>> = {
  'transfer-begun': { from: 'here', to: 'user' },
  transfer: { from: 'user', to: 'here' },
};
const ACTIONS = { GET: 'R', HEAD: 'R', POST: 'C', DELETE: 'D' } as const;

export interface AuditParts {
  readonly audit: Pick<EdgeAudit, 'record' | 'recordOnce'>;
  readonly subjects: Subjects;
}

export function auditHttp(app: FastifyInstance, parts: AuditParts): void {
  app.addHook('onSend', async (request, reply) => {
    const status = reply.statusCode;
    const event = eventOf(request, status);
    if (event === null) return;
    try {
      write(parts, request, { event, status });
    } catch (cause) {
      if (status >= 400) return;
      throw new HttpProblem('NOT_READY', 'The audit trail can not be written.', { cause });
    }
  });
}

const isRefusal = (status: number): boolean => status === 401 || status === 403;

function eventOf(request: FastifyRequest, status: number): AuditEvent | null {
  const route = request.routeOptions.url ?? '';
  if (route === '') return null;
  const called = `${request.method} ${route}`;
  const event = ROUTES.find(([pattern]) => pattern.test(called))?.[1] ?? null;
  if (!isRefusal(status)) return event;
  if (request.headers.authorization === undefined) return null;
  // A manifest is read before its objects: alone it is worth a row only where it was refused.
  return event ?? (route.startsWith('/transfer/') ? 'transfer-begun' : null);
}

function write(
  { audit, subjects }: AuditParts,
  request: FastifyRequest,
  { event, status }: { event: AuditEvent; status: number },
): void {
  const { uid, study = uid } = request.params as Record<string, string | undefined>;
  const taken = stored.get(request);
  const named = taken?.contents?.map((one) => one.study) ?? [];
  const studies = [...new Set(study === undefined ? named : [study, ...named])];
  const of = studies.flatMap((one) => subjects.ofStudy(one));
  const { user, role, trust = null } = askers.get(request) ?? unknown(status);
  const outcome = outcomeOf(status);
  const entry = {
    ...{ event, outcome, user, role, trust, action: actionOf(request, event) },
    code: outcome === 0 ? null : String(status),
    what: `${request.method} ${whatOf(request, event)}`,
    address: request.ip ?? null,
    query: event === 'search' ? { ...(request.query as object) } : {},
    patients: [...new Set(of.map(({ patient }) => patient))],
    studies,
    homes: [...new Set(of.map(({ home }) => home))],
    ...taken,
    ...(event in MOVES ? { moved: MOVES[event] } : {}),
  };
  if (event === 'look') audit.recordOnce(entry);
  else audit.record(entry);
}

const unknown = (status: number): Asker => ({
  user: isRefusal(status) ? '' : 'this machine',
  role: 'local',
});

function outcomeOf(status: number): AuditOutcome {
  if (isRefusal(status)) return 8;
  if (status >= 500) return 12;
  return status >= 400 ? 4 : 0;
}

function actionOf({ method }: FastifyRequest, event: AuditEvent): AuditAction {
  if (event === 'search' || event === 'transfer-begun') return 'E';
  return ACTIONS[method as keyof typeof ACTIONS] ?? 'E';
}

/** All that is looked at of a study in place is one look. */
function whatOf(request: FastifyRequest, event: AuditEvent): string {
  const route = request.routeOptions.url ?? '';
  return event === 'look' && route.startsWith('/dicom-web/') ? '/dicom-web/studies/:study' : route;
}
