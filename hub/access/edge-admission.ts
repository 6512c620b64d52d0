/**
 * Has the broker, the relay and the other edges go by the keys that are in force, within a second of a change.
 *
 *   EdgeCredentials ─ each second, and at once ─► keys of the trust's account │ its waiting connections end │
 *                                                 the other edges ask for the directory
 */
import type { Clock } from '../../shared/clock.ts';
import { rfc3339 } from '../../shared/clock.ts';
import { codeOf } from '../../shared/errors.ts';
import type { Log } from '../../shared/log.ts';
import type { NetworkLog } from '../log/network-log.ts';
import type { EdgeCredentials } from './edge-credentials.ts';

const LOOK_MS = 1_000;

export interface EdgeAdmissionOptions {
  readonly credentials: EdgeCredentials;
  readonly networkLog: Pick<NetworkLog, 'setEdgeKeys' | 'sendCommand'>;
  /** Ends what a trust's edge holds open at the relay. */
  readonly dropRelayed: (ods: string) => void;
  readonly clock: Clock;
  readonly log: Log;
}

export class EdgeAdmission {
  readonly #options: EdgeAdmissionOptions;
  /** As the broker has them. */
  #applied: ReadonlyMap<string, readonly string[]> = new Map();
  #told = '';
  #applying: Promise<void> = Promise.resolve();
  #timer: NodeJS.Timeout | undefined;

  constructor(options: EdgeAdmissionOptions) {
    this.#options = options;
  }

  /** @param started the keys that the broker was started with */
  start(started: ReadonlyMap<string, readonly string[]>): void {
    this.#applied = started;
    this.#timer = setInterval(() => void this.#look(), LOOK_MS);
    this.#timer.unref();
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await this.#applying;
  }

  /** The broker has the keys that are in force when this resolves. @throws LogError */
  apply(): Promise<void> {
    const applied = this.#applying.then(() => this.#apply());
    this.#applying = applied.catch(() => {});
    return applied;
  }

  async #look(): Promise<void> {
    try {
      await this.apply();
    } catch (error) {
      this.#options.log.warn('edge.keys-not-applied', { code: codeOf(error) });
    }
  }

  async #apply(): Promise<void> {
    const { credentials, networkLog, dropRelayed, log } = this.#options;
    const keys = credentials.keys();
    const trusts = new Set([...keys.keys(), ...this.#applied.keys()]);
    for (const ods of trusts) {
      const [now, before] = [keys.get(ods) ?? [], this.#applied.get(ods) ?? []];
      if (now.join() === before.join()) continue;
      await networkLog.setEdgeKeys(ods, now);
      this.#applied = new Map(this.#applied).set(ods, now);
      if (now.length === 0) {
        log.warn('edge.revoked', { trust: ods });
        dropRelayed(ods);
      }
    }
    await this.#tell();
  }

  /** Tickets that are bound to a key that ended are refused everywhere, as soon as everybody knows. */
  async #tell(): Promise<void> {
    const { credentials, networkLog, clock } = this.#options;
    const ended = credentials.endedLately().join();
    if (ended === this.#told) return;
    const at = clock.now();
    if (ended !== '')
      for (const ods of credentials.keys().keys())
        await networkLog.sendCommand(ods, {
          ...{ v: 1, id: `directory-${ods}-${at}`, at: rfc3339(at), kind: 'directory' },
        });
    this.#told = ended;
  }
}
