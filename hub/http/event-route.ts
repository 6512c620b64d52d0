/** GET /api/events: the one answer that does not end. Watched as long as the sign-in lasts. */

import { isDeepStrictEqual } from 'node:util';
import type { FastifyInstance } from 'fastify';
import * as z from 'zod';
import type { Principal } from '../access/rules.ts';
import { type ApiRoute, apiRoute } from './api-route.ts';
import { findPrincipal } from './authenticate.ts';
import type { EventFeed } from './event-feed.ts';
import type { HttpParts } from './parts.ts';
import { HttpProblem } from './problem.ts';
import { SECURITY_HEADERS } from './security.ts';
import { seenBy } from './seen-events.ts';

/** How often an open listener has to prove again that its key or session still counts, as what it did when it began. */
const RECHECK_MS = 2_000;

export function eventRoute(
  feed: EventFeed,
  parts: Pick<HttpParts, 'access' | 'fetches' | 'projection' | 'disclosure'>,
): ApiRoute {
  const { access } = parts;
  return apiRoute({
    method: 'GET',
    path: '/api/events',
    summary:
      'Live changes: server-sent events `fetch`, `study`, `completeness`; `resync` after a gap',
    action: 'watch',
    audit: null,
    query: z.strictObject({}),
    answer: { status: 200, schema: 'text/event-stream' },
    problems: ['TOO_MANY_LISTENERS'],
    run: ({ request, reply, principal }) => {
      if (feed.isFull)
        throw new HttpProblem(
          'TOO_MANY_LISTENERS',
          'As many listen as this hub serves. Try again.',
        );
      reply.hijack();
      const response = reply.raw;
      response.writeHead(200, {
        ...SECURITY_HEADERS,
        'content-type': 'text/event-stream; charset=utf-8',
        'x-accel-buffering': 'no',
      });
      request.socket.setNoDelay?.(true);
      const last = request.headers['last-event-id'];
      feed.add(response, typeof last === 'string' ? last : undefined, seenBy(parts, principal));
      const recheck = setInterval(() => {
        if (!isStill(principal, findPrincipal(access, request))) response.end();
      }, RECHECK_MS);
      recheck.unref();
      response.on('close', () => clearInterval(recheck));
      return reply;
    },
  });
}

/** Whoever got another role, trust or scope since asks anew, and is told what is for them. */
const isStill = (began: Principal, now: Principal | null): boolean =>
  now !== null &&
  now.role === began.role &&
  now.trust === began.trust &&
  isDeepStrictEqual(now.scopes, began.scopes);

/** Ends the open answers when the server closes, which would otherwise wait for them. */
export function endWithServer(app: FastifyInstance, feed: EventFeed): void {
  app.addHook('preClose', async () => feed.stop());
}
