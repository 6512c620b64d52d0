/**
 * What this machine asks of its edge: health, numbers, and the release of quarantined objects.
 *
 * `/health/live`: the process answers. `/health/ready`: it takes objects. The rest is answered to
 * callers on this machine only.
 */
import type { FastifyInstance, FastifyRequest } from 'fastify';
import * as z from 'zod';
import { ODSCode } from '../../shared/contract/subjects.ts';
import type { Log } from '../../shared/log.ts';
import type { Registry } from '../../shared/metrics.ts';
import { isOfAnotherSite, isOnThisMachine } from '../../shared/request-origin.ts';
import type { UnaidedWish } from '../commands/unaided-fetch.ts';
import { HttpProblem } from './problem.ts';

/** What became of a release: filed, or why not; undefined: there is no such entry. */
export type ReleaseOutcome =
  | { readonly kind: 'stored' | 'duplicate' | 'conflict' }
  | { readonly kind: 'fault'; readonly fault: { readonly code: string; readonly detail: string } };

/** What became of a message that was applied again; undefined: there is no such dead letter. */
export interface ReplayOutcome {
  readonly state: string;
  readonly code: string | null;
  readonly detail: string | null;
}

export interface LocalParts {
  readonly metrics: Registry;
  readonly log: Log;
  /** Null: ready; else why not. */
  readonly notReady: () => string | null;
  readonly replayHl7: (key: number) => ReplayOutcome | undefined;
  /** Examines what is around this edge, and answers when it has. */
  readonly examine: () => Promise<unknown>;
  /** Takes another key for the hub in place of the one in use. @throws GatewayError */
  readonly rotateKey: () => Promise<void>;
  /** Fetches an urgent study while no hub answers. @throws UnaidedError */
  readonly fetchUnaided: (wish: UnaidedWish) => Promise<string>;
  readonly releaseQuarantined: (id: string) => Promise<ReleaseOutcome | undefined>;
}

const Words = z.string().trim().min(1).max(200);
const WishSchema = z.strictObject({
  studyInstanceUID: z.string().regex(/^[0-9.]{1,128}$/),
  source: ODSCode,
  by: Words,
  reason: Words,
  patientId: z.string().trim().min(1).max(64).optional(),
});

export function serveLocal(app: FastifyInstance, parts: LocalParts): void {
  app.get('/health/live', async () => ({ status: 'live' }));
  app.get('/health/ready', async () => {
    const reason = parts.notReady();
    if (reason !== null) throw new HttpProblem('NOT_READY', reason);
    return { status: 'ready' };
  });
  app.get('/metrics', async (request, reply) => {
    requireLocal(request);
    return reply.type(parts.metrics.contentType).send(await parts.metrics.metrics());
  });
  app.post('/local/doctor', async (request) => {
    requireLocal(request);
    return parts.examine();
  });
  app.post('/local/keys/rotate', async (request) => {
    requireLocal(request);
    await parts.rotateKey();
    return { rotated: true };
  });
  app.post('/local/fetches', async (request) => {
    requireLocal(request);
    const wish = WishSchema.safeParse(request.body);
    if (!wish.success)
      throw new HttpProblem(
        'MALFORMED_REQUEST',
        'A study, the trust it is at, who wants it and why are needed.',
      );
    const fetchId = await parts.fetchUnaided(wish.data);
    const { studyInstanceUID, source } = wish.data;
    parts.log.warn('fetch.unaided', { fetchId, studyInstanceUID, source });
    return { fetchId };
  });
  app.post('/local/quarantine/:id/release', async (request) => {
    requireLocal(request);
    const { id } = request.params as { id: string };
    const outcome = await parts.releaseQuarantined(id);
    if (outcome === undefined)
      throw new HttpProblem('QUARANTINE_NOT_FOUND', 'There is no such entry in the quarantine.');
    const code = outcome.kind === 'fault' ? outcome.fault.code : '';
    parts.log.info('quarantine.released', { id, outcome: outcome.kind, code });
    if (outcome.kind === 'fault')
      throw new HttpProblem('QUARANTINE_FAULT', `${code}: ${outcome.fault.detail}`);
    return { outcome: outcome.kind };
  });
  app.post('/local/hl7/:key/replay', async (request) => {
    requireLocal(request);
    const outcome = parts.replayHl7(Number((request.params as { key: string }).key));
    if (outcome === undefined)
      throw new HttpProblem('HL7_MESSAGE_NOT_FOUND', 'There is no dead letter with this number.');
    parts.log.info('hl7.replayed', { state: outcome.state, code: outcome.code ?? '' });
    return outcome;
  });
}

const LOCAL_HOST = /^(\[::1\]|127(\.\d{1,3}){3}|[a-z0-9-]+)(:\d+)?$/i;

/**
 * Asked on this machine, of itself; what changes something by no page but this edge's, or by none.
 *
 * @throws HttpProblem `FORBIDDEN`
 */
export function requireLocal(request: FastifyRequest): void {
  const { headers, method, socket } = request;
  const isLink = method === 'GET' && headers['sec-fetch-site'] === 'same-site';
  const isOwn =
    isOnThisMachine(socket.remoteAddress, headers) &&
    // A name of the public DNS that somebody let point here would make this page theirs.
    LOCAL_HOST.test(headers.host ?? '') &&
    // A page of another site that is open in a browser on this machine.
    (isLink || !isOfAnotherSite(headers));
  if (!isOwn) throw new HttpProblem('FORBIDDEN', 'This is answered to this machine only.');
}
