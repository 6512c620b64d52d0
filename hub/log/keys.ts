/**
 * The nkeys of the hub's side: its own, and for each trust without an edge a placeholder that nobody
 * holds, so that every trust's account is there from the start (an account that comes with a reload is
 * half-wired on nats-server 2.9; a swapped key is not).
 */
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createUser, fromSeed } from '@nats-io/nkeys';

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
    hubPublicKey: fromSeed(seed).getPublicKey(),
    systemPublicKey: fromSeed(system).getPublicKey(),
    placeholder: (ods) =>
      fromSeed(ownSeed(join(directory, `placeholder-${ods}.seed`))).getPublicKey(),
  };
}

function ownSeed(file: string): Uint8Array {
  if (!existsSync(file)) {
    writeFileSync(`${file}.new`, createUser().getSeed(), { mode: 0o600 });
    renameSync(`${file}.new`, file);
  }
  return readFileSync(file);
}
