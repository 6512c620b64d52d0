/** GET /metrics: Prometheus text, for a scraper on this machine only. */
import type { FastifyInstance } from 'fastify';
import { Gauge, type Registry } from '../../shared/metrics.ts';
import { isOnThisMachine } from '../../shared/request-origin.ts';
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
    if (!isOnThisMachine(request.socket.remoteAddress, request.headers))
      throw new HttpProblem('FORBIDDEN', 'The numbers are shown to this machine only.');
    return reply.type(metrics.contentType).send(await metrics.metrics());
  });
}
