/**
 * Watches over a pushed configuration while it is tried: a hub is reached, or the time is over and the one before is
 * put back.
 */
import type { Clock } from '../../shared/clock.ts';
import type { ConfigureCommand } from '../../shared/contract/commands.ts';
import type { Log } from '../../shared/log.ts';
import type { PushedConfigurations } from './pushed.ts';

const LOOK_MS = 500;

export interface TrialParts {
  readonly pushed: PushedConfigurations;
  /** A hub answers. */
  readonly isJoined: () => boolean;
  /** Stops all parts and starts them with what is in the file. */
  readonly restart: () => void;
  readonly clock: Clock;
  readonly log: Log;
}

export class ConfigurationTrial {
  readonly #parts: TrialParts;
  #timer: NodeJS.Timeout | undefined;

  constructor(parts: TrialParts) {
    this.#parts = parts;
  }

  start(): void {
    const { pushed, clock } = this.#parts;
    const { trialSeconds } = pushed;
    if (trialSeconds === undefined) return;
    const untilMs = clock.monotonicMs() + trialSeconds * 1000;
    this.#timer = setInterval(() => this.#look(untilMs, trialSeconds), LOOK_MS);
    this.#timer.unref();
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  /** Durable when it returns; then the edge starts anew, if it is to be tried. */
  take(command: ConfigureCommand): void {
    const { pushed, log, restart } = this.#parts;
    const isTried = pushed.take(command);
    const { version, state = 'refused', reason } = pushed.last() ?? {};
    log.info('configuration.pushed', {
      ...{ version: version ?? command.version, state, code: reason?.code ?? '' },
    });
    if (isTried) restart();
  }

  #look(untilMs: number, seconds: number): void {
    const { pushed, isJoined, clock, log, restart } = this.#parts;
    if (isJoined()) {
      this.stop();
      pushed.keep();
      log.info('configuration.kept', { version: pushed.last()?.version ?? 0 });
    } else if (clock.monotonicMs() > untilMs) {
      this.stop();
      const detail = `no hub was reached within ${seconds} seconds`;
      pushed.putBack({ code: 'HUB_NOT_REACHED', detail });
      log.warn('configuration.returned', { code: 'HUB_NOT_REACHED' });
      restart();
    }
  }
}
