/** `cdip hub release …`: builds of the edge that rollouts can send. Also while the hub runs. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { systemClock } from '../../shared/clock.ts';
import type { HubConfig } from '../config.ts';
import { ReleaseStore } from '../releases/release-store.ts';
import { RolloutError } from '../releases/rollout-error.ts';
import { record } from './issue.ts';

/** Where a signed package of the hub carries it. */
const OWN_KEY = join(import.meta.dirname, '..', '..', 'release.pem');

/** @returns null: it was not understood @throws RolloutError */
export function release(
  words: readonly string[],
  config: HubConfig,
  keyFile: string | undefined,
): number | null {
  const [verb, first, signature, ...more] = words;
  const store = new ReleaseStore(config.dataDirectory);
  if (verb === 'list' && first === undefined) return list(store);
  if (first === undefined || more.length > 0) return null;
  if (verb === 'drop' && signature === undefined) return drop(store, config, first);
  if (verb !== 'add' || signature === undefined) return null;
  const key = keyOf(keyFile);
  if (key === undefined)
    process.stderr.write('This hub carries no release key: each edge verifies by its own.\n');
  const { sha256, version } = store.add({ deb: first, signature, key, now: systemClock.now() });
  record(config, { what: 'cdip hub release add', query: { sha256, version } });
  process.stderr.write(`Version ${version} can be sent: propose it at /fleet/releases.\n`);
  process.stdout.write(`${sha256}\n`);
  return 0;
}

function list(store: ReleaseStore): number {
  for (const { version, architecture, sha256, addedAt } of store.list())
    process.stdout.write(`${[version, architecture, sha256, addedAt].join('\t')}\n`);
  return 0;
}

function drop(store: ReleaseStore, config: HubConfig, sha256: string): number {
  if (!store.drop(sha256)) throw new RolloutError('RELEASE_UNKNOWN', `there is no ${sha256}`);
  record(config, { what: 'cdip hub release drop', query: { sha256 }, action: 'D' });
  process.stderr.write('It can not be sent any more.\n');
  return 0;
}

function keyOf(file: string | undefined): string | undefined {
  const named = file ?? (existsSync(OWN_KEY) ? OWN_KEY : undefined);
  if (named === undefined) return undefined;
  try {
    return readFileSync(named, 'utf8');
  } catch (cause) {
    throw new RolloutError('RELEASE_REFUSED', `${named} can not be read`, { cause });
  }
}
