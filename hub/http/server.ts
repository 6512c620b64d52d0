/**
 * The hub's HTTP: API, live events, pages for people, health and numbers.
 *
 *   request ─► security ─► request log ─► route ─► principal, input checked ─► run ─► JSON │ page
 *                                             └─ error ─► problem.ts ─► problem details │ page
 *
 * Holds no state but open listeners; everything shown is read from the parts when it is asked for.
 */
import { randomUUID } from 'node:crypto';
import cookie from '@fastify/cookie';
import Fastify, { type FastifyInstance, type FastifyReply } from 'fastify';
import { codeOf, GatewayError, type Retry } from '../../shared/errors.ts';
import { NO_JSON_SCHEMAS } from '../../shared/no-json-schemas.ts';
import { loadAssets, serveAssets } from '../web/assets.ts';
import { openPages } from '../web/render.ts';
import { type ApiRoute, serveApiRoute } from './api-route.ts';
import { openEdgeListener, serveEdges } from './edge-listener.ts';
import { answerBrokenHttp, answerErrors } from './errors.ts';
import { EventFeed } from './event-feed.ts';
import { endWithServer, eventRoute } from './event-route.ts';
import { FleetBoard } from './fleet-board.ts';
import { type BothVersions, serveBothVersions } from './http-versions.ts';
import { serveMetrics } from './metrics-route.ts';
import { describeApi } from './openapi.ts';
import { servePages } from './pages.ts';
import type { HttpParts } from './parts.ts';
import { HttpProblem, problemOf } from './problem.ts';
import { requestLog } from './request-log.ts';
import { auditRoute } from './routes-audit.ts';
import { serveBackChannelLogout } from './routes-back-channel-logout.ts';
import { bookingRoutes } from './routes-bookings.ts';
import { capacityRoutes } from './routes-capacity.ts';
import { configurationRoutes } from './routes-configurations.ts';
import { serveDicomWeb } from './routes-dicomweb.ts';
import { didsRoutes } from './routes-dids.ts';
import { fetchRoutes } from './routes-fetches.ts';
import { fhirRoutes } from './routes-fhir.ts';
import { auditEventRoutes } from './routes-fhir-audit.ts';
import { imagingRoutes } from './routes-fhir-imaging.ts';
import { fleetRoutes } from './routes-fleet.ts';
import { forecastRoutes } from './routes-forecast.ts';
import { measureSqlRoutes } from './routes-measure-sql.ts';
import { measureRoutes } from './routes-measures.ts';
import { networkRoutes } from './routes-network.ts';
import { serveTokens } from './routes-oauth.ts';
import { offerRoutes } from './routes-offers.ts';
import { patientRoutes } from './routes-patients.ts';
import { relationRoutes } from './routes-relations.ts';
import { rolloutRoutes } from './routes-rollouts.ts';
import { studyRoutes } from './routes-studies.ts';
import { subscriptionRoutes } from './routes-subscriptions.ts';
import { supportRoutes } from './routes-support.ts';
import { teachingRoutes } from './routes-teaching.ts';
import { serveTeachingWeb } from './routes-teaching-web.ts';
import { serveViewer } from './routes-viewer.ts';
import { protect, SECURITY_HEADERS } from './security.ts';
import { limitTries } from './try-limits.ts';

const MAX_BODY_BYTES = 256 * 1024;

export interface HttpServer {
  /** The port that was bound. */
  readonly port: number;
  /** All that is served, `GET /api/studies`: what has no rule of access would stand out. */
  readonly routes: readonly string[];
  /** Ends listeners, finishes requests that run, closes. */
  stop(): Promise<void>;
}

export class ListenError extends GatewayError {
  override readonly name = 'ListenError';
  readonly code = 'HTTP_ADDRESS';
  readonly retry: Retry = 'safe';
}

/** Listens on `config.http`. @throws ListenError when the address is taken, or is none of this machine's */
export async function startHttp(parts: HttpParts): Promise<HttpServer> {
  const feed = new EventFeed({ ...parts, run: randomUUID().slice(0, 8) });
  const logged = requestLog(parts);
  const { app, routes } = await buildApp(parts, feed, logged);
  const { host, port, edges } = parts.config.http;
  const edgeApp = edges && (await openEdgeListener(parts, edges, logged));
  const close = async (): Promise<void> => {
    await Promise.all([app.close(), edgeApp?.close()]);
  };
  try {
    await listen(app, { host, port });
    if (edgeApp && edges) await listen(edgeApp, edges);
  } catch (error) {
    await close();
    throw error;
  }
  const address = app.server.address();
  return {
    port: typeof address === 'object' && address !== null ? address.port : port,
    routes,
    stop: close,
  };
}

async function listen(app: FastifyInstance, at: { host: string; port: number }): Promise<void> {
  const { host, port } = at;
  try {
    await app.listen({ host, port });
  } catch (cause) {
    const why = codeOf(cause);
    throw new ListenError(`HTTP can not listen on ${host}:${port} (${why})`, { cause });
  }
}

async function buildApp(
  parts: HttpParts,
  feed: EventFeed,
  logged: (app: FastifyInstance) => void,
): Promise<{ app: FastifyInstance; routes: readonly string[] }> {
  const app = openApp(parts);
  const served: string[] = [];
  app.addHook('onRoute', ({ method, url }) => {
    served.push(...[method].flat().map((one) => `${one} ${url}`));
  });
  const secure = parts.config.http.publicUrl?.startsWith('https:') ?? false;
  const pages = openPages();
  await app.register(cookie);
  readBodies(app);
  logged(app);
  protect(app, { secure });
  answerErrors(app, parts.log, (problem) => pages.render('error.njk', { problem }));
  const board = new FleetBoard(parts);
  const routes: ApiRoute[] = [
    ...studyRoutes(parts),
    ...patientRoutes(parts),
    ...fetchRoutes(parts),
    eventRoute(feed, parts),
    ...networkRoutes(parts),
    ...measureRoutes(parts),
    ...subscriptionRoutes(parts),
    ...measureSqlRoutes(parts),
    ...didsRoutes(parts),
    ...forecastRoutes(parts),
    ...fleetRoutes(parts, board),
    auditRoute(parts),
    ...relationRoutes(parts),
    ...configurationRoutes(parts),
    ...rolloutRoutes(parts),
    ...supportRoutes(parts),
    ...capacityRoutes(parts),
    ...bookingRoutes(parts),
    ...offerRoutes(parts),
    ...fhirRoutes(parts),
    ...auditEventRoutes(parts),
    ...imagingRoutes(parts),
    ...teachingRoutes(parts),
  ];
  for (const route of routes) serveApiRoute(app, parts, route);
  let description: object | undefined;
  app.get('/api/openapi.json', async () => {
    // When it is asked for: it would be a tenth of the hub's start.
    description ??= describeApi(routes);
    return description;
  });
  serveMetrics(app, parts.metrics, feed);
  serveAssets(app, loadAssets());
  serveDicomWeb(app, parts);
  serveTeachingWeb(app, parts);
  await serveViewer(app, parts);
  const limits = await limitTries(app, parts.config.signIn.limits);
  serveTokens(app, parts, limits);
  serveBackChannelLogout(app, parts);
  servePages(app, parts, { pages, secure, board, limits });
  // Where edges have a listener of their own, they are let in by it alone.
  if (parts.config.http.edges === undefined) await serveEdges(app, parts);
  endWithServer(app, feed);
  return { app, routes: served };
}

function openApp(parts: HttpParts): FastifyInstance {
  const { trustedProxies } = parts.config.http;
  const servers: BothVersions[] = [];
  const app: FastifyInstance = Fastify({
    schemaController: NO_JSON_SCHEMAS,
    logger: false,
    serverFactory: (handler) => {
      const both = serveBothVersions(handler);
      servers.push(both);
      return both.server;
    },
    bodyLimit: MAX_BODY_BYTES,
    forceCloseConnections: 'idle',
    routerOptions: { maxParamLength: 256 },
    trustProxy: trustedProxies.length === 0 ? false : [...trustedProxies],
    clientErrorHandler: answerBrokenHttp,
    frameworkErrors: (_error, _request, reply) => answerBrokenUrl(reply as unknown as FastifyReply),
  });
  app.addHook('preClose', async () => servers.forEach((one) => void one.end()));
  return app;
}

/** JSON, where no body at all is no fault of its own; HTML forms, where a field that comes twice is a list. */
function readBodies(app: FastifyInstance): void {
  const readJson = app.getDefaultJsonParser('error', 'error');
  const json = ['application/json', 'application/fhir+json'];
  app.addContentTypeParser(json, { parseAs: 'string' }, (request, body, done) => {
    if (body === '') done(null, undefined);
    else void readJson(request, String(body), done);
  });
  const formType = 'application/x-www-form-urlencoded';
  app.addContentTypeParser(formType, { parseAs: 'string' }, (_request, body, done) => {
    const fields = new URLSearchParams(String(body));
    const names = [...new Set(fields.keys())];
    const values = names.map((name) => {
      const all = fields.getAll(name);
      return [name, all.length === 1 ? all[0] : all] as const;
    });
    done(null, Object.fromEntries(values));
  });
}

/** No hook has run yet for an address that can not be decoded. */
function answerBrokenUrl(reply: FastifyReply): void {
  const { body } = problemOf(new HttpProblem('MALFORMED_REQUEST', 'The address can not be read.'));
  void reply
    .status(body.status)
    .headers(SECURITY_HEADERS)
    .type('application/problem+json')
    .send(JSON.stringify(body));
}
