/**
 * The hub, put together. What runs is started here in the order in which it is needed, and stopped in
 * reverse: HTTP last, so that whoever can ask gets answers.
 *
 *   data directory ─► access ─► log ─► projection ─► fetches ─► HTTP
 */
import { collectDefaultMetrics } from 'prom-client';
import { systemClock } from '../shared/clock.ts';
import type { Directory } from '../shared/contract/rpc.ts';
import { Lifecycle, untilSignal } from '../shared/lifecycle.ts';
import { type Log, openLog } from '../shared/log.ts';
import { openMetrics } from '../shared/metrics.ts';
import { holdDirectory } from '../shared/sqlite/hold-directory.ts';
import { VERSION } from '../shared/version.ts';
import { Access, openAccessDatabase } from './access/access.ts';
import { openTicketSigner } from './access/tickets.ts';
import type { HubConfig } from './config.ts';
import { FetchOrders } from './fetch/fetch-orders.ts';
import { Fleet } from './fleet/fleet.ts';
import { startHttp } from './http/server.ts';
import { openNetworkLog } from './log/open-log.ts';
import { Projection } from './projection/projection.ts';

/** Runs until SIGTERM or SIGINT. @returns the exit code */
export async function runHub(config: HubConfig): Promise<number> {
  const log = openLog('hub');
  const lifecycle = new Lifecycle(log);
  const signal = untilSignal();
  lifecycle.add('data directory', holdDirectory(config.dataDirectory));
  try {
    const where = await startParts(config, { log, lifecycle });
    log.info('program.started', { version: VERSION, ...where });
    log.info('program.stopping', { signal: await signal });
  } finally {
    await lifecycle.stop();
  }
  log.info('program.stopped', {});
  return 0;
}

async function startParts(
  config: HubConfig,
  { log, lifecycle }: { log: Log; lifecycle: Lifecycle },
): Promise<{ http: string; nats: string }> {
  const { dataDirectory, trusts } = config;
  const clock = systemClock;
  const metrics = openMetrics({});
  collectDefaultMetrics({ register: metrics });

  const accessDb = openAccessDatabase(dataDirectory);
  lifecycle.add('access', () => void accessDb.close());
  const access = new Access(accessDb, clock);
  const tickets = await openTicketSigner(accessDb, clock);

  const edgeKeys = access.edgeKeys();
  const networkLog = await openNetworkLog({ config, edgeKeys, clock, log, metrics });
  lifecycle.add('log', () => networkLog.stop());

  const projection = new Projection({ dataDirectory, trusts, networkLog, clock, log, metrics });
  lifecycle.add('projection', () => projection.stop());
  const enrolledUrl = (ods: string): string | null => access.enrolledUrl(ods);
  const fleet = new Fleet({ db: projection.db, trusts, clock, enrolledUrl });
  const fetches = new FetchOrders({
    ...{ trusts, projection, networkLog, edges: fleet, tickets, clock, log },
  });
  const directory = (): Directory => ({
    trusts: trusts.map(({ ods, name }) => ({ ods, name, httpUrl: fleet.urlOf(ods) })),
    ticketKeys: tickets.publicKeys(),
  });
  networkLog.answer('directory', directory);
  projection.start();
  fetches.start();
  lifecycle.add('fetches', () => fetches.stop());

  const http = await startHttp({
    ...{ config, log, metrics, clock, projection, access, fleet, fetches },
    ticketKeys: () => tickets.publicKeys(),
    async enrol(request) {
      access.enrol(request);
      await networkLog.admitEdge(request.trust, request.natsPublicKey);
      log.info('edge.enrolled', { trust: request.trust, version: request.version });
      const hubUrl = config.http.publicUrl ?? `http://${config.http.host}:${http.port}`;
      const { natsUrl } = networkLog;
      return { trust: request.trust, hubUrl, natsUrl, directory: directory() };
    },
  });
  lifecycle.add('http', () => http.stop());
  return { http: `${config.http.host}:${http.port}`, nats: networkLog.natsUrl };
}
