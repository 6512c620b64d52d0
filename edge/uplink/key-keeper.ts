/**
 * The edge's key, and its next one before it ends. Nothing stops meanwhile.
 *
 *   new seed beside the old one ─► hub admits both ─► a connection with the new one works ─► it takes the file's
 *   name ─► the uplink connects with it ─► the hub hears of it, and ends the old one
 *
 * Killed between any two steps, it goes on with the seed that lies there.
 */
import {
  chmodSync,
  closeSync,
  existsSync,
  fsyncSync,
  openSync,
  readFileSync,
  renameSync,
  writeSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { createUser } from '@nats-io/nkeys';
import { sleep } from '../../shared/backoff.ts';
import { keepPair, pairOf } from '../../shared/client-pair.ts';
import type { Clock } from '../../shared/clock.ts';
import type { KeysReply } from '../../shared/contract/rpc.ts';
import { keyOfSeed, nkeyOf } from '../../shared/ed25519.ts';
import { codeOf } from '../../shared/errors.ts';
import type { Log } from '../../shared/log.ts';
import { UplinkError } from './uplink-error.ts';

const LOOK_MS = 3_600_000;
const RETRY_MS = 60_000;
/** So long before its end a key is replaced: a third of its time, in which an edge may be away. */
const ROTATE_BEFORE_MS = 30 * 86_400_000;

export interface KeyKeeperOptions {
  readonly seedFile: string;
  readonly tell: (keys: { current: string; next?: string }) => Promise<KeysReply>;
  /** Whether the broker lets this key in. @throws UplinkError */
  readonly tryKey: (seed: Uint8Array) => Promise<void>;
  /** Connects anew, with the key that the file holds now. */
  readonly reconnect: () => Promise<void>;
  readonly clock: Clock;
  readonly log: Log;
}

export class KeyKeeper {
  readonly #options: KeyKeeperOptions;
  #endsAt: number | null = null;
  #rotating: Promise<void> | undefined;

  constructor(options: KeyKeeperOptions) {
    this.#options = options;
  }

  /** Milliseconds since the epoch; null: no hub has said it yet. */
  endsAt(): number | null {
    return this.#endsAt;
  }

  /** Looks after the key as long as there is a connection. */
  async keep(signal: AbortSignal): Promise<void> {
    const { clock, log } = this.#options;
    while (!signal.aborted) {
      let wait = LOOK_MS;
      try {
        const left = (await this.#tell()) - clock.now();
        if (left < ROTATE_BEFORE_MS || existsSync(this.#nextFile)) await this.rotate();
      } catch (error) {
        if (signal.aborted) return;
        log.warn('uplink.step-failed', { what: 'keys', code: codeOf(error) });
        wait = RETRY_MS;
      }
      await sleep(wait, signal);
    }
  }

  /** One at a time. @throws UplinkError; the key in force stays in force */
  rotate(): Promise<void> {
    this.#rotating ??= this.#rotate().finally(() => {
      this.#rotating = undefined;
    });
    return this.#rotating;
  }

  async #rotate(): Promise<void> {
    const { seedFile, tryKey, reconnect, log } = this.#options;
    if (!existsSync(this.#nextFile)) writeSeed(this.#nextFile, createUser().getSeed());
    const seed = readFileSync(this.#nextFile);
    const next = nkeyOf(keyOfSeed(seed));
    await this.#tell(next);
    await tryKey(seed);
    renameSync(this.#nextFile, seedFile);
    syncDirectory(seedFile);
    log.info('uplink.key-rotated', {});
    await reconnect();
  }

  /** @returns when the key in use ends */
  async #tell(next?: string): Promise<number> {
    const { seedFile } = this.#options;
    const seed = readFileSync(seedFile);
    const current = nkeyOf(keyOfSeed(seed));
    const reply = await this.#options.tell({ current, ...(next === undefined ? {} : { next }) });
    if ('error' in reply)
      throw new UplinkError('KEY_REFUSED', `the hub refuses the key: ${reply.error.detail}`);
    const { certificate, authority } = reply;
    if (certificate !== undefined && authority !== undefined)
      keepPair(dirname(seedFile), pairOf(seed, certificate), authority);
    this.#endsAt = Date.parse(reply.endsAt);
    return this.#endsAt;
  }

  get #nextFile(): string {
    return `${this.#options.seedFile}.next`;
  }
}

/** Durable before the hub is told of its public half. */
function writeSeed(file: string, seed: Uint8Array): void {
  const temporary = `${file}.new`;
  const written = openSync(temporary, 'w', 0o600);
  try {
    writeSync(written, seed);
    fsyncSync(written);
  } finally {
    closeSync(written);
  }
  chmodSync(temporary, 0o600);
  renameSync(temporary, file);
  syncDirectory(file);
}

function syncDirectory(file: string): void {
  const directory = openSync(dirname(file), 'r');
  fsyncSync(directory);
  closeSync(directory);
}
