/**
 * The edge, put together. What runs is started here in the order in which it is needed, and stopped in
 * reverse: DICOM last, so that whoever can send finds all in place.
 *
 *   data directory ─► storage ─► records ─► deliver ─► commands ─► HTTP ─► uplink ─► HL7 ─► DICOM
 */
import { collectDefaultMetrics } from 'prom-client';
import { systemClock } from '../shared/clock.ts';
import { codeOf } from '../shared/errors.ts';
import { Lifecycle, untilSignal } from '../shared/lifecycle.ts';
import { openKeptLog } from '../shared/log.ts';
import { logDirectory } from '../shared/log-file.ts';
import { openMetrics } from '../shared/metrics.ts';
import { holdDirectory } from '../shared/sqlite/hold-directory.ts';
import { VERSION } from '../shared/version.ts';
import { openNameKey, saidNames } from './access/said-names.ts';
import { type EdgeConfig, readEdgeConfig } from './config.ts';
import { PushedConfigurations } from './configuration/pushed.ts';
import { startParts } from './start-parts.ts';

/**
 * Runs until SIGTERM or SIGINT; a configuration that was pushed starts all parts anew within the same process.
 *
 * @param file edge.yaml @returns the exit code
 */
export async function runEdge(file: string, environment: NodeJS.ProcessEnv): Promise<number> {
  const signal = untilSignal();
  const pushed = new PushedConfigurations(file, environment, () => systemClock.now());
  for (;;) {
    try {
      const end = await runOnce(readEdgeConfig(file, environment), { pushed, signal });
      if (end !== RESTART) return 0;
    } catch (error) {
      // What was pushed can't even be started with: the one before could.
      if (pushed.trialSeconds === undefined) throw error;
      pushed.putBack({ code: codeOf(error), detail: 'the edge can not be started with it' });
    }
  }
}

const RESTART = 'restart';

/** @returns the signal that ended it, or `RESTART` */
async function runOnce(
  config: EdgeConfig,
  { pushed, signal }: { pushed: PushedConfigurations; signal: Promise<string> },
): Promise<string> {
  const says = saidNames(config, openNameKey(config.dataDirectory));
  const log = openKeptLog('edge', logDirectory(config.dataDirectory), says);
  const metrics = openMetrics({ trust: config.trust });
  collectDefaultMetrics({ register: metrics });
  const lifecycle = new Lifecycle(log);
  let restart = (): void => {};
  const restarting = new Promise<string>((resolve) => {
    restart = () => resolve(RESTART);
  });
  lifecycle.add('data directory', holdDirectory(config.dataDirectory));
  try {
    const parts = { config, clock: systemClock, log, says, metrics, lifecycle };
    const where = await startParts({ ...parts, pushed, restart });
    log.info('program.started', { version: VERSION, ...where });
    const end = await Promise.race([signal, restarting]);
    log.info('program.stopping', { signal: end });
    return end;
  } finally {
    await lifecycle.stop();
    log.info('program.stopped', {});
  }
}
