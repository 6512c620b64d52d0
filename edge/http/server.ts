/**
 * The edge's HTTP: transfers to other edges, DICOMweb, health, numbers, the status page.
 *
 *   request ─► route ─► answer
 *          └─ error ─► problem.ts ─► problem details
 *
 * Holds no state; what is shown is read from the parts when it is asked for.
 */
import { readFileSync } from 'node:fs';
import type { Socket } from 'node:net';
import Fastify, { type FastifyInstance, type FastifyReply } from 'fastify';
import type { Registry } from '../../shared/metrics.ts';
import { NO_JSON_SCHEMAS } from '../../shared/no-json-schemas.ts';
import type { EdgeConfig } from '../config.ts';
import { type AuditParts, auditHttp } from './audited.ts';
import { askingForCertificates, requireCertificate } from './client-certificate.ts';
import { type DeadLetterParts, serveDeadLetters } from './dead-letters-page.ts';
import { takeForms } from './own-page.ts';
import { HttpProblem, problemOf } from './problem.ts';
import { relayedServer } from './relayed.ts';
import { type RoutePageParts, serveRoutePage } from './route-page.ts';
import { type DicomWebParts, serveDicomWeb } from './routes-dicomweb.ts';
import { type LocalParts, serveLocal } from './routes-local.ts';
import { type OperateParts, serveOperate } from './routes-operate.ts';
import { type StowParts, serveStow } from './routes-stow.ts';
import { serveTransfers, type TransferParts } from './routes-transfer.ts';
import { type StatusPageParts, serveStatusPage } from './status-page.ts';

export interface HttpParts
  extends AuditParts,
    TransferParts,
    LocalParts,
    DeadLetterParts,
    RoutePageParts,
    OperateParts,
    StatusPageParts,
    DicomWebParts,
    StowParts {
  readonly config: EdgeConfig;
  readonly metrics: Registry;
}

export interface HttpServer {
  /** The port that was bound. */
  readonly port: number;
  /** Serves transfers on a connection that this edge has dialled; `onUsed` is called when a request comes. */
  readonly serveRelayed: (connection: Socket, onUsed: () => void) => void;
  /** Finishes requests that run, closes. */
  stop(): Promise<void>;
}

/** Listens on `config.http`. @throws a Node system error such as EADDRINUSE */
export async function startHttp(parts: HttpParts): Promise<HttpServer> {
  const app = buildApp(parts);
  const relayed = openApp(parts, null);
  const serveRelayed = await relayedServer(relayed, parts);
  const { host, port } = parts.config.http;
  await app.listen({ host, port });
  const address = app.server.address();
  return {
    port: typeof address === 'object' && address !== null ? address.port : port,
    serveRelayed,
    stop: async () => {
      await Promise.all([closeSoon(app), closeSoon(relayed)]);
    },
  };
}

/** A transfer that runs is cut after a moment: the other edge resumes it. */
async function closeSoon(app: FastifyInstance): Promise<void> {
  const timer = setTimeout(() => app.server.closeAllConnections(), 2_000);
  await app.close();
  clearTimeout(timer);
}

function buildApp(parts: HttpParts): FastifyInstance {
  const { tls } = parts.config.http;
  const https =
    tls === undefined
      ? null
      : {
          ...{ key: readFileSync(tls.keyFile), cert: readFileSync(tls.certificateFile) },
          ...askingForCertificates(parts.config),
        };
  const app = openApp(parts, https);
  const isRequired = tls?.requireClientCertificate === true;
  const certified = { ...parts, ...(isRequired ? { certificateOf: requireCertificate } : {}) };
  serveTransfers(app, certified);
  serveDicomWeb(app, certified);
  serveStow(app, parts);
  serveLocal(app, parts);
  takeForms(app);
  serveStatusPage(app, parts);
  serveOperate(app, parts);
  serveDeadLetters(app, parts);
  serveRoutePage(app, parts);
  return app;
}

/** What answers errors, and nothing else yet. */
function openApp(
  { log, audit, subjects }: Pick<HttpParts, 'log' | keyof AuditParts>,
  https: { key: Buffer; cert: Buffer } | null,
): FastifyInstance {
  const app = Fastify({
    schemaController: NO_JSON_SCHEMAS,
    logger: false,
    forceCloseConnections: 'idle',
    routerOptions: { maxParamLength: 256 },
    frameworkErrors: (_error, _request, reply) => answerBrokenUrl(reply as unknown as FastifyReply),
    https,
  }) as unknown as FastifyInstance;
  app.setErrorHandler((error, _request, reply) => {
    const { body, isBug } = problemOf(error);
    if (isBug) log.error('program.bug', { where: 'http', error });
    return answer(reply, body);
  });
  app.setNotFoundHandler((_request, reply) =>
    answer(reply, problemOf(new HttpProblem('NOT_FOUND', 'There is nothing here.')).body),
  );
  app.addHook('onRequest', async (_request, reply) => {
    reply.headers(SECURITY_HEADERS);
  });
  auditHttp(app, { audit, subjects });
  return app;
}

const SECURITY_HEADERS: Readonly<Record<string, string>> = {
  'content-security-policy':
    "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cache-control': 'no-store',
};

function answer(reply: FastifyReply, body: { status: number }): FastifyReply {
  return reply.status(body.status).type('application/problem+json').send(JSON.stringify(body));
}

/** No hook has run yet for an address that can not be decoded. */
function answerBrokenUrl(reply: FastifyReply): void {
  const { body } = problemOf(new HttpProblem('MALFORMED_REQUEST', 'The address can not be read.'));
  void answer(reply, body);
}
