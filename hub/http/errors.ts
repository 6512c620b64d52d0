/**
 * Errors as answers: problem details for the API, a page for people. Also those that no route sees:
 * unknown address, method that is not served, bytes that are not HTTP.
 */
import type { Socket } from 'node:net';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Log } from '../../shared/log.ts';
import { operationOutcome } from '../fhir/resources.ts';
import { HttpProblem, type ProblemBody, problemOf } from './problem.ts';

const FHIR_JSON = 'application/fhir+json; charset=utf-8';

export type ErrorPage = (problem: ProblemBody, request: FastifyRequest) => string;

/** @param page renders a problem for people; used where a browser asked for a page */
export function answerErrors(app: FastifyInstance, log: Log, page: ErrorPage): void {
  const patterns = routePatterns(app);
  const send = (error: unknown, request: FastifyRequest, reply: FastifyReply): FastifyReply => {
    const { body, isBug } = problemOf(error);
    if (isBug) log.error('program.bug', { where: 'http', error });
    reply.status(body.status);
    if (body.status === 401) reply.header('www-authenticate', challengeOf(body));
    if (body.status >= 503) reply.header('retry-after', '5');
    if (body.status === 429) reply.header('retry-after', String(body['retryAfterSeconds']));
    if (request.url.startsWith('/fhir/'))
      return reply.type(FHIR_JSON).send(JSON.stringify(operationOutcome(body.status, body)));
    if (wantsPage(request)) return reply.type('text/html; charset=utf-8').send(page(body, request));
    return reply.type('application/problem+json').send(JSON.stringify(body));
  };
  app.setErrorHandler(async (error, request, reply) => send(error, request, reply));
  app.setNotFoundHandler(async (request, reply) => {
    const path = request.url.split('?', 1)[0] ?? '';
    const methods = patterns.filter(([, pattern]) => pattern.test(path)).map(([method]) => method);
    // A route that looked itself and found nothing, such as one of files, is no wrong method.
    if (methods.length === 0 || methods.includes(request.method))
      return send(
        new HttpProblem('NOT_FOUND', 'There is nothing at this address.'),
        request,
        reply,
      );
    reply.header('allow', [...new Set(methods)].join(', '));
    const detail = `This address takes ${methods.join(', ')}.`;
    return send(new HttpProblem('METHOD_NOT_ALLOWED', detail), request, reply);
  });
}

/** RFC 6750; RFC 9470 where a sign-in is there that is not enough. */
function challengeOf(body: ProblemBody): string {
  if (body.code !== 'STEP_UP_REQUIRED') return 'Bearer realm="cdip"';
  return `Bearer realm="cdip", error="insufficient_user_authentication", max_age="${String(body['maxAgeSeconds'])}"`;
}

function routePatterns(app: FastifyInstance): [string, RegExp][] {
  const patterns: [string, RegExp][] = [];
  app.addHook('onRoute', (route) => {
    const pattern = route.url
      .replace(/[.+^$()[\]{}|\\]/g, '\\$&')
      .replace(/:\w+/g, '[^/]+')
      .replace('*', '.*');
    for (const method of [route.method].flat()) patterns.push([method, new RegExp(`^${pattern}$`)]);
  });
  return patterns;
}

function wantsPage(request: FastifyRequest): boolean {
  const isApi = /^\/(api|dicom-web|fhir|health|metrics|\.well-known)(\/|$|\?)/.test(request.url);
  return !isApi && (request.headers.accept ?? '').includes('text/html');
}

/** Bytes that are not HTTP: the protocol's own 400 and the end of the connection. */
export function answerBrokenHttp(error: Error, socket: Socket): void {
  if (!socket.writable || (error as NodeJS.ErrnoException).code === 'ECONNRESET') {
    socket.destroy();
    return;
  }
  const body = JSON.stringify(
    problemOf(new HttpProblem('MALFORMED_REQUEST', 'This is not a valid HTTP request.')).body,
  );
  socket.end(
    `HTTP/1.1 400 Bad Request\r\ncontent-type: application/problem+json\r\ncontent-length: ${Buffer.byteLength(body)}\r\nconnection: close\r\n\r\n${body}`,
  );
}
