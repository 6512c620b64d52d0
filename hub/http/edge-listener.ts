/**
 * What edges speak to the hub by HTTP, and a listener of its own for it, where one is configured: it asks each edge for
 * the certificate that this hub issued. People's browsers, which come to the other one, are asked for none.
 *
 *   TLS, certificate of the hub's authority ─► its edge is enrolled ─► relay │ builds │ support bundles
 */
import { readFileSync } from 'node:fs';
import type { Server } from 'node:https';
import Fastify, { type FastifyInstance } from 'fastify';
import { NO_JSON_SCHEMAS } from '../../shared/no-json-schemas.ts';
import type { HubConfig } from '../config.ts';
import { edgeOf } from './edge-certificate.ts';
import { answerBrokenHttp, answerErrors } from './errors.ts';
import type { HttpParts } from './parts.ts';
import { HttpProblem } from './problem.ts';
import { serveRelay } from './routes-relay.ts';
import { serveReleases } from './routes-rollouts.ts';
import { serveSupport } from './routes-support.ts';
import { protect } from './security.ts';

export type EdgeListenerConfig = NonNullable<HubConfig['http']['edges']>;

export async function serveEdges(app: FastifyInstance, parts: HttpParts): Promise<void> {
  await serveRelay(app, parts);
  serveReleases(app, parts);
  await serveSupport(app, parts);
}

/** @param logged adds the log of requests */
export async function openEdgeListener(
  parts: HttpParts,
  { keyFile, certificateFile }: EdgeListenerConfig,
  logged: (app: FastifyInstance) => void,
): Promise<FastifyInstance> {
  const { edgeCertificates, log } = parts;
  const app = Fastify({
    schemaController: NO_JSON_SCHEMAS,
    logger: false,
    forceCloseConnections: 'idle',
    requestTimeout: 60_000,
    routerOptions: { maxParamLength: 256 },
    clientErrorHandler: answerBrokenHttp,
    https: {
      ...{ key: readFileSync(keyFile), cert: readFileSync(certificateFile) },
      ...{ ca: edgeCertificates.authority, requestCert: true, rejectUnauthorized: true },
      minVersion: 'TLSv1.2',
    },
  }) as unknown as FastifyInstance;
  logged(app);
  protect(app, { secure: true });
  answerErrors(app, log, ({ title }) => title);
  app.addHook('onRequest', async ({ raw }) => {
    const ods = edgeOf(raw.socket);
    if (ods === undefined || !edgeCertificates.isEnrolled(ods))
      throw new HttpProblem('FORBIDDEN', 'The edge of this certificate is not let in any more.');
  });
  await serveEdges(app, parts);
  // A server that has ended a connection in the handshake has nothing to tell of it.
  (app.server as unknown as Server).on('tlsClientError', (_error, socket) => socket.destroy());
  return app;
}
