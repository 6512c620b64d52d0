/**
 * Configurations of edges: proposed, approved by another person, pushed until the edge tells of them. What becomes of
 * one the edge tells in its heartbeat; one with which it does not reach a hub it takes back by itself.
 *
 *   propose ─► log ─► approve (somebody else) ─► log ─► command ─► edge ─► heartbeat: kept │ returned │ refused
 */
import { type Clock, rfc3339 } from '../../shared/clock.ts';
import type { PushedConfiguration } from '../../shared/contract/events.ts';
import { hubSubject } from '../../shared/contract/subjects.ts';
import { codeOf, GatewayError, type Retry } from '../../shared/errors.ts';
import type { Log } from '../../shared/log.ts';
import type { Sqlite } from '../../shared/sqlite/open.ts';
import type { NetworkLog } from '../log/network-log.ts';
import {
  type ConfigurationDecision,
  type ConfigurationVersion,
  lastDecisionOn,
  versionsOf,
} from './decisions.ts';

const LOOK_MS = 5_000;
/** An edge tells every 15 seconds; one that does not is told again after this. */
const AGAIN_MS = 60_000;

export type ConfigurationErrorCode =
  | 'TRUST_UNKNOWN'
  | 'CONFIGURATION_UNKNOWN'
  /** A newer one was proposed, or it is approved already. */
  | 'CONFIGURATION_ENDED'
  /** Whoever proposes does not approve. */
  | 'APPROVAL_FORBIDDEN';

export class ConfigurationError extends GatewayError {
  override readonly name = 'ConfigurationError';
  readonly code: ConfigurationErrorCode;
  readonly retry: Retry = 'never';

  constructor(code: ConfigurationErrorCode, message: string) {
    super(message);
    this.code = code;
  }
}

export interface ConfigurationsOptions {
  readonly trusts: readonly { readonly ods: string }[];
  readonly db: Sqlite;
  readonly networkLog: Pick<NetworkLog, 'append' | 'sendCommand'>;
  readonly untilDecided: (streamSeq: number) => Promise<void>;
  /** What the edge told last; undefined: nothing. */
  readonly toldBy: (trust: string) => PushedConfiguration | undefined;
  readonly clock: Clock;
  readonly log: Log;
}

export interface Proposal {
  readonly trust: string;
  readonly changes: Readonly<Record<string, unknown>>;
  readonly returnSeconds: number;
  readonly reason: string;
  readonly by: string;
}

/** A version, and what the edge says of it; null: nothing yet. */
export type ConfigurationView = ConfigurationVersion & {
  readonly edge: PushedConfiguration | null;
};

type Body = ConfigurationDecision extends infer D
  ? D extends unknown
    ? Omit<D, 'v' | 'at'>
    : never
  : never;

export class Configurations {
  readonly #options: ConfigurationsOptions;
  /** By trust: the version that was sent, and when it is sent again. */
  readonly #sent = new Map<string, { version: number; dueMs: number }>();
  #timer: NodeJS.Timeout | undefined;

  constructor(options: ConfigurationsOptions) {
    this.#options = options;
  }

  start(): void {
    this.#timer = setInterval(() => void this.#look(), LOOK_MS);
    this.#timer.unref();
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  /** Newest first. @throws ConfigurationError `TRUST_UNKNOWN` */
  list(trust: string): ConfigurationView[] {
    this.#requireTrust(trust);
    const told = this.#options.toldBy(trust);
    return versionsOf(this.#options.db, trust).map((version) => ({
      ...version,
      edge: told?.version === version.version ? told : null,
    }));
  }

  /** @returns its number @throws ConfigurationError; LogError `LOG_CONFLICT`, `LOG_UNAVAILABLE` */
  async propose({ trust, changes, returnSeconds, reason, by }: Proposal): Promise<number> {
    this.#requireTrust(trust);
    const [newest] = versionsOf(this.#options.db, trust);
    const version = (newest?.version ?? 0) + 1;
    await this.#decide({
      ...{ action: 'proposed', trust, version, changes, returnSeconds, reason, by },
    });
    return version;
  }

  /** @throws ConfigurationError; LogError */
  async approve(trust: string, version: number, by: string): Promise<void> {
    this.#requireTrust(trust);
    const [newest, ...others] = versionsOf(this.#options.db, trust);
    const known = [newest, ...others].find((one) => one?.version === version);
    if (known === undefined)
      throw new ConfigurationError('CONFIGURATION_UNKNOWN', `${trust} has no version ${version}`);
    if (known !== newest || known.approvedBy !== null)
      throw new ConfigurationError(
        'CONFIGURATION_ENDED',
        `version ${version} is approved already, or a newer one was proposed`,
      );
    if (known.proposedBy === by)
      throw new ConfigurationError('APPROVAL_FORBIDDEN', 'somebody else has to approve it');
    await this.#decide({ action: 'approved', trust, version, by });
    await this.#look();
  }

  async #decide(decision: Body): Promise<void> {
    const { networkLog, db, clock, untilDecided } = this.#options;
    const { trust } = decision;
    const body: ConfigurationDecision = { v: 1, ...decision, at: rfc3339(clock.now()) };
    const expectedLastSeq = lastDecisionOn(db, trust);
    await untilDecided(
      await networkLog.append(hubSubject('configuration', trust), body, { expectedLastSeq }),
    );
  }

  #requireTrust(trust: string): void {
    if (this.#options.trusts.some(({ ods }) => ods === trust)) return;
    throw new ConfigurationError(
      'TRUST_UNKNOWN',
      `${trust} is not in the configuration of the hub`,
    );
  }

  /** Sends what is approved and of which the edge has not told. */
  async #look(): Promise<void> {
    const { trusts, db, toldBy, networkLog, clock, log } = this.#options;
    for (const { ods } of trusts) {
      const approved = versionsOf(db, ods).find(({ approvedBy }) => approvedBy !== null);
      if (approved === undefined || (toldBy(ods)?.version ?? 0) >= approved.version) continue;
      const { version, changes, returnSeconds } = approved;
      const sent = this.#sent.get(ods);
      const nowMs = clock.monotonicMs();
      if (sent?.version === version && sent.dueMs > nowMs) continue;
      this.#sent.set(ods, { version, dueMs: nowMs + AGAIN_MS });
      try {
        await networkLog.sendCommand(ods, {
          ...{ v: 1, id: `configure-${ods}-${version}`, at: rfc3339(clock.now()) },
          ...{ kind: 'configure', version, changes: { ...changes }, returnSeconds },
        });
      } catch (error) {
        this.#sent.delete(ods);
        log.warn('configuration.not-sent', { trust: ods, version, code: codeOf(error) });
      }
    }
  }
}
