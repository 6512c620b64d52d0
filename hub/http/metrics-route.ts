/** GET /metrics: Prometheus text, for a scraper on this machine only. */
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { Gauge, type Registry } from '../../shared/metrics.ts';
import type { EventFeed } from './event-feed.ts';
import { HttpProblem } from './problem.ts';

export function serveMetrics(app: FastifyInstance, metrics: Registry, feed: EventFeed): void {
  new Gauge({
    name: 'cdip_http_event_listeners',
    help: 'Open listeners of /api/events',
    registers: [metrics],
    collect() {
      this.set(feed.listeners);
    },
  });
  app.get('/metrics', async (request, reply) => {
    if (!isLocal(request))
      throw new HttpProblem('FORBIDDEN', 'The numbers are shown to this machine only.');
    return reply.type(metrics.contentType).send(await metrics.metrics());
  });
}

/** A proxy on this machine passes on what comes from elsewhere, and says so. */
function isLocal(request: FastifyRequest): boolean {
  const address = request.socket.remoteAddress ?? '';
  const isLoopback = /^(::ffff:)?127\.|^::1$/.test(address);
  const headers = request.headers;
  return isLoopback && !('x-forwarded-for' in headers) && !('forwarded' in headers);
}
