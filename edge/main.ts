/**
 * The edge, put together. What runs is started here in the order in which it is needed, and stopped in
 * reverse: DICOM last, so that whoever can send finds all in place.
 *
 *   data directory ─► storage ─► records ─► deliver ─► commands ─► HTTP ─► uplink ─► HL7 ─► DICOM
 */
import { collectDefaultMetrics } from 'prom-client';
import { systemClock } from '../shared/clock.ts';
import { Lifecycle, untilSignal } from '../shared/lifecycle.ts';
import { openKeptLog } from '../shared/log.ts';
import { logDirectory } from '../shared/log-file.ts';
import { openMetrics } from '../shared/metrics.ts';
import { holdDirectory } from '../shared/sqlite/hold-directory.ts';
import { VERSION } from '../shared/version.ts';
import type { EdgeConfig } from './config.ts';
import { startParts } from './start-parts.ts';

/** Runs until SIGTERM or SIGINT. @returns the exit code */
export async function runEdge(config: EdgeConfig): Promise<number> {
  const log = openKeptLog('edge', logDirectory(config.dataDirectory));
  const metrics = openMetrics({ trust: config.trust });
  collectDefaultMetrics({ register: metrics });
  const lifecycle = new Lifecycle(log);
  const signal = untilSignal();
  lifecycle.add('data directory', holdDirectory(config.dataDirectory));
  try {
    const where = await startParts({ config, clock: systemClock, log, metrics, lifecycle });
    log.info('program.started', { version: VERSION, ...where });
    log.info('program.stopping', { signal: await signal });
  } finally {
    await lifecycle.stop();
  }
  log.info('program.stopped', {});
  return 0;
}
