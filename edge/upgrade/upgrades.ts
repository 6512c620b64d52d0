/**
 * Builds that the hub tells of: taken from it, kept until the trust wants them installed, handed over to root.
 *
 *   command ─► downloading ─► waiting (hours, a person) ─► installing ─► outcome of root ─► done │ returned │ refused
 *
 * The edge installs nothing: it has not the right to. It is replaced in the midst of it, and goes on from the files.
 */
import { backoffMs, sleep } from '../../shared/backoff.ts';
import { type Clock, rfc3339 } from '../../shared/clock.ts';
import type { UpgradeCommand, WithdrawUpgradeCommand } from '../../shared/contract/commands.ts';
import { RELEASES_PATH, type UpgradeTold } from '../../shared/contract/releases.ts';
import { codeOf, GatewayError } from '../../shared/errors.ts';
import type { HubAccess } from '../../shared/hub-access.ts';
import type { Log } from '../../shared/log.ts';
import type { EdgeConfig } from '../config.ts';
import { download } from './download.ts';
import { UpgradeFiles, type UpgradeState } from './state-file.ts';

const LOOK_MS = 1_000;
/** Root starts at once, and is done within a quarter of an hour. */
const NOBODY_MS = 30 * 60_000;
const BACKOFF = { firstMs: 1_000, maxMs: 300_000, random: Math.random } as const;

type Reason = UpgradeTold['reason'];

export interface UpgradeParts {
  readonly config: Pick<EdgeConfig, 'dataDirectory' | 'storage' | 'upgradeHours' | 'upgrades'>;
  readonly hub: Pick<HubAccess, 'fetch'>;
  /** Of this build. */
  readonly version: string;
  /** The hub is told at once. */
  readonly onChange: () => void;
  readonly clock: Clock;
  readonly log: Log;
}

export class Upgrades {
  readonly #parts: UpgradeParts;
  readonly #files: UpgradeFiles;
  #state: UpgradeState | undefined;
  #timer: NodeJS.Timeout | undefined;
  #downloading: { readonly ending: AbortController; readonly ended: Promise<void> } | undefined;

  constructor(parts: UpgradeParts) {
    this.#parts = parts;
    this.#files = new UpgradeFiles(parts.config.dataDirectory);
    this.#state = this.#files.read();
  }

  start(): void {
    const state = this.#state;
    // Somebody was quicker, by hand.
    if (state?.version === this.#parts.version && isBefore(state)) {
      this.#files.clear();
      this.#set({ ...state, state: 'done', reason: null });
    }
    this.#look();
    this.#timer = setInterval(() => this.#look(), LOOK_MS);
    this.#timer.unref();
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await this.#endDownload();
  }

  /** Undefined: the hub never told of a build. */
  told(): UpgradeTold | undefined {
    if (this.#state === undefined) return undefined;
    const { rollout, attempt, version, state, at, reason } = this.#state;
    return { rollout, attempt, version, state, at, reason };
  }

  /** Durable when it returns. One that is not newer than what was told before is passed over. */
  take(command: UpgradeCommand): void {
    const { rollout, attempt, version, sha256, bytes, signature } = command;
    const before = this.#state;
    const isNewer =
      before === undefined ||
      rollout > before.rollout ||
      (rollout === before.rollout && attempt > before.attempt);
    // Root is at work: the hub tells of it again.
    if (!isNewer || before?.state === 'installing') return;
    const state = version === this.#parts.version ? 'done' : 'downloading';
    void this.#endDownload();
    this.#files.clear();
    const told = { rollout, attempt, version, sha256, bytes, signature };
    this.#set({ ...told, state, at: '', reason: null });
  }

  /** Durable when it returns. What root has is root's to end. */
  withdraw({ rollout }: WithdrawUpgradeCommand): void {
    const state = this.#state;
    if (state?.rollout !== rollout || !isBefore(state)) return;
    void this.#endDownload();
    this.#files.clear();
    this.#set({ ...state, state: 'withdrawn', reason: null });
  }

  /** A person at the trust wants it now. @returns false: nothing waits */
  installNow(): boolean {
    if (this.#state?.state !== 'waiting') return false;
    this.#handOver(this.#state);
    return true;
  }

  #look(): void {
    const state = this.#state;
    try {
      if (state?.state === 'downloading') this.#download(state);
      else if (state?.state === 'waiting') this.#consider(state);
      else if (state?.state === 'installing') this.#follow(state);
    } catch (error) {
      this.#parts.log.warn('upgrade.step-failed', { code: codeOf(error) });
    }
  }

  #download(state: UpgradeState): void {
    if (this.#downloading !== undefined) return;
    const ending = new AbortController();
    const ended = this.#untilHere(state, ending.signal).finally(() => {
      if (this.#downloading?.ending === ending) this.#downloading = undefined;
    });
    this.#downloading = { ending, ended };
  }

  async #untilHere(state: UpgradeState, signal: AbortSignal): Promise<void> {
    const { config, hub, log } = this.#parts;
    const { sha256, bytes } = state;
    const path = `${RELEASES_PATH}/${sha256}`;
    const { reserveBytes } = config.storage;
    for (let tries = 0; !signal.aborted; tries += 1) {
      try {
        await download({ hub, path, file: this.#files.deb, bytes, sha256, reserveBytes, signal });
        if (!signal.aborted) this.#consider(state);
        return;
      } catch (error) {
        if (signal.aborted) return;
        log.warn('upgrade.step-failed', { code: codeOf(error) });
        const isExpected = error instanceof GatewayError;
        const detail = isExpected ? error.message : 'the build can not be written';
        this.#set({ ...state, reason: { code: codeOf(error), detail } });
      }
      await sleep(backoffMs(tries, BACKOFF), signal);
    }
  }

  async #endDownload(): Promise<void> {
    this.#downloading?.ending.abort();
    await this.#downloading?.ended;
  }

  /** It is here: now, or later? */
  #consider(state: UpgradeState): void {
    const { config, clock } = this.#parts;
    const reason = waitsFor(config, new Date(clock.now()));
    if (reason === null) this.#handOver(state);
    else if (state.state !== 'waiting' || state.reason?.code !== reason.code)
      this.#set({ ...state, state: 'waiting', reason });
  }

  #handOver(state: UpgradeState): void {
    this.#set({ ...state, state: 'installing', reason: null });
    this.#files.ask(state);
  }

  #follow(state: UpgradeState): void {
    const outcome = this.#files.outcomeOf(state);
    if (outcome !== undefined) {
      const { state: became, code, detail } = outcome;
      this.#set({ ...state, state: became, reason: code === '' ? null : { code, detail } });
    } else if (this.#parts.clock.now() - Date.parse(state.at) > NOBODY_MS) {
      this.#files.clear();
      const detail = 'this machine has nobody that installs it: is cdip-edge-upgrade.path enabled?';
      this.#set({ ...state, state: 'refused', reason: { code: 'UPGRADE_NOT_TAKEN', detail } });
    } else if (!this.#files.isAsked) this.#files.ask(state);
  }

  #set(state: UpgradeState): void {
    const { clock, log, onChange } = this.#parts;
    const kept = { ...state, at: rfc3339(clock.now()) };
    this.#files.write(kept);
    this.#state = kept;
    const { rollout, version, reason } = kept;
    log.info('upgrade.state', { rollout, version, state: kept.state, code: reason?.code ?? '' });
    onChange();
  }
}

/** Root does not have it yet. */
const isBefore = ({ state }: UpgradeState): boolean =>
  state === 'downloading' || state === 'waiting';

/** Null: it may be installed. By the machine's local time. */
function waitsFor(
  { upgrades, upgradeHours }: Pick<EdgeConfig, 'upgradeHours' | 'upgrades'>,
  now: Date,
): Reason {
  if (upgrades === 'manual')
    return { code: 'UPGRADE_MANUAL', detail: 'the trust installs it by hand, on its status page' };
  if (upgradeHours === undefined) return null;
  const { from, to } = upgradeHours;
  const time = now.toTimeString().slice(0, 5);
  const isIn = from <= to ? time >= from && time < to : time >= from || time < to;
  if (isIn) return null;
  return { code: 'UPGRADE_HOURS', detail: `the trust installs between ${from} and ${to}` };
}
