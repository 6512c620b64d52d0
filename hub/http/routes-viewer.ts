/**
 * `/viewer/`: OHIF, as installers/prepare-viewer.ts made it. The page needs a sign-in; its files are
 * nobody's secret. Its content security policy is wider than that of all else, and holds here alone.
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import fastifyStatic from '@fastify/static';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { findPrincipal, requirePrincipal } from './authenticate.ts';
import type { HttpParts } from './parts.ts';
import { HttpProblem } from './problem.ts';

const VIEWER = join(import.meta.dirname, '..', '..', 'node_modules', '.cdip-viewer');
/** With the source `teaching` of app-config.js. */
const TEACHING = '/viewer/viewer/teaching';
const OWN = join(import.meta.dirname, '..', 'web', 'viewer');

/** Its decoders are made at run time, its styles are inline. Still no other host. */
const POLICY = [
  "default-src 'none'",
  "script-src 'self' 'unsafe-eval' blob:",
  "worker-src 'self' blob:",
  "style-src 'self' 'unsafe-inline'",
  "img-src 'self' data: blob:",
  "font-src 'self' data:",
  "connect-src 'self' data: blob:",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

export async function serveViewer(app: FastifyInstance, parts: HttpParts): Promise<void> {
  const index = join(VIEWER, 'index.html');
  const page = existsSync(index) ? readFileSync(index) : undefined;
  await app.register(async (scope) => {
    scope.addHook('onRequest', async (_request, reply) => {
      reply.header('content-security-policy', POLICY);
    });
    for (const name of ['app-config.js', 'retry-worker.js', 'reports.js']) {
      const script = readFileSync(join(OWN, name));
      scope.get(`/viewer/${name}`, async (_request, reply) =>
        reply
          .header('cache-control', 'no-cache')
          .type('text/javascript; charset=utf-8')
          .send(script),
      );
    }
    const showPage = (request: FastifyRequest, reply: FastifyReply): FastifyReply => {
      if (findPrincipal(parts.access, request) === null)
        return reply.redirect(`/sign-in?next=${encodeURIComponent(request.url)}`, 303);
      const isTeaching = request.routeOptions.url === TEACHING;
      requirePrincipal(parts.access, request, isTeaching ? 'learn' : 'view');
      if (page === undefined)
        throw new HttpProblem(
          'VIEWER_MISSING',
          'The viewer is not installed: run installers/bootstrap.sh.',
        );
      return reply.type('text/html; charset=utf-8').send(page);
    };
    for (const path of ['/viewer/', '/viewer/viewer', TEACHING])
      scope.get(path, async (request, reply) => showPage(request, reply));
    if (page === undefined) {
      scope.get('/viewer/*', async (request, reply) => showPage(request, reply));
      return;
    }
    await scope.register(fastifyStatic, {
      root: VIEWER,
      prefix: '/viewer/',
      preCompressed: true,
      index: false,
      immutable: true,
      maxAge: '30d',
    });
  });
}
