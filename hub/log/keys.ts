/**
 * The nkeys of the hub's side: its own, and for each trust without an edge a placeholder that nobody
 * holds, so that every trust's account is there from the start (an account that comes with a reload is
 * half-wired on nats-server 2.9; a swapped key is not).
 */
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createUser, fromPublic } from '@nats-io/nkeys';
import { keyOfSeed, nkeyOf } from '../../shared/ed25519.ts';
import type { Log } from '../../shared/log.ts';
import { LogError } from './network-log.ts';

export interface HubKeys {
  /** The hub's seed. */
  readonly seed: Uint8Array;
  readonly hubPublicKey: string;
  readonly systemPublicKey: string;
  /** The key that a trust's account has until its edge is enrolled. */
  placeholder(ods: string): string;
}

export function openHubKeys(directory: string): HubKeys {
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const seed = ownSeed(join(directory, 'hub.seed'));
  const system = ownSeed(join(directory, 'system.seed'));
  return {
    seed,
    hubPublicKey: nkeyOf(keyOfSeed(seed)),
    systemPublicKey: nkeyOf(keyOfSeed(system)),
    placeholder: (ods) => nkeyOf(keyOfSeed(ownSeed(join(directory, `placeholder-${ods}.seed`)))),
  };
}

/** Who holds which key, the hub among them. */
export interface KeyHolders {
  readonly hubPublicKey: string;
  readonly systemPublicKey: string;
  readonly trusts: ReadonlyMap<string, readonly string[]>;
}

/**
 * Refuses a key that nats-server would not start with, once it stands in the configuration: one whose
 * checksum is wrong, or that two accounts have.
 *
 * @throws LogError `LOG_KEY_REFUSED`
 */
export function requireEdgeKey(ods: string, key: string, holders: KeyHolders): void {
  if (!isUserKey(key)) throw new LogError('LOG_KEY_REFUSED', `${ods}: this is no nkey of a user`);
  const others = [...holders.trusts].flatMap(([other, held]) => (other === ods ? [] : held));
  if ([holders.hubPublicKey, holders.systemPublicKey, ...others].includes(key))
    throw new LogError('LOG_KEY_REFUSED', `${ods}: this key is another's; make one of its own`);
}

/**
 * The keys of each trust's account: its edge's, or a placeholder. A key that was recorded but can't be
 * used costs its own trust the connection, never the others theirs.
 */
export function keysOfTrusts(
  trusts: readonly string[],
  edgeKeys: ReadonlyMap<string, readonly string[]>,
  { keys, log }: { keys: HubKeys; log: Log },
): Map<string, readonly string[]> {
  const chosen = new Map<string, readonly string[]>();
  for (const ods of trusts) {
    const usable = (edgeKeys.get(ods) ?? []).filter((key) => {
      try {
        requireEdgeKey(ods, key, { ...keys, trusts: chosen });
        return true;
      } catch (error) {
        log.error('log.key-refused', { trust: ods, error });
        return false;
      }
    });
    chosen.set(ods, usable.length > 0 ? usable : [keys.placeholder(ods)]);
  }
  return chosen;
}

function isUserKey(key: string): boolean {
  try {
    return key.startsWith('U') && fromPublic(key).getPublicKey() === key;
  } catch {
    return false;
  }
}

function ownSeed(file: string): Uint8Array {
  if (!existsSync(file)) {
    writeFileSync(`${file}.new`, createUser().getSeed(), { mode: 0o600 });
    renameSync(`${file}.new`, file);
  }
  return readFileSync(file);
}
