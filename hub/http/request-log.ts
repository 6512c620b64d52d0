/**
 * One log line and the numbers of every request. The route's pattern, never its URL: a query string
 * or a path may name a patient.
 */
import type { FastifyInstance } from 'fastify';
import type { Clock } from '../../shared/clock.ts';
import type { Log } from '../../shared/log.ts';
import { Counter, Histogram, type Registry } from '../../shared/metrics.ts';

/** Too many and too dull to be logged; they are counted. */
const SILENT = /^\/(assets|viewer|health|metrics)/;

/** @returns what adds it to a server: several of one program count together */
export function requestLog(parts: {
  log: Log;
  metrics: Registry;
  clock: Clock;
}): (app: FastifyInstance) => void {
  const { log, metrics, clock } = parts;
  const count = new Counter({
    name: 'cdip_http_requests_total',
    help: 'Requests answered, by route pattern, method and status',
    labelNames: ['route', 'method', 'status'],
    registers: [metrics],
  });
  const duration = new Histogram({
    name: 'cdip_http_request_seconds',
    help: 'From the first byte of the request to the last of the answer',
    labelNames: ['route'],
    buckets: [0.001, 0.005, 0.02, 0.1, 0.5, 2, 10],
    registers: [metrics],
  });
  const begun = new WeakMap<object, number>();
  return (app) => {
    app.addHook('onRequest', async (request) => {
      begun.set(request, clock.monotonicMs());
    });
    app.addHook('onResponse', async (request, reply) => {
      const ms = clock.monotonicMs() - (begun.get(request) ?? clock.monotonicMs());
      const route = request.routeOptions.url ?? 'none';
      const status = reply.statusCode;
      count.inc({ route, method: request.method, status });
      duration.observe({ route }, ms / 1000);
      if (SILENT.test(route) && status < 400) return;
      log.info('http.request', { method: request.method, route, status, ms: Math.round(ms) });
    });
  };
}
