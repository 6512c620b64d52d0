/** The edge's key is replaced before it ends, over kill -9 between any two steps. edge/uplink/key-keeper.ts. */
import { existsSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createUser, fromSeed } from '@nats-io/nkeys';
import t, { type Test } from 'tap';
import { KeyKeeper } from '../../../../edge/uplink/key-keeper.ts';
import { UplinkError } from '../../../../edge/uplink/uplink-error.ts';
import type { KeysReply } from '../../../../shared/contract/rpc.ts';
import { silentLog } from '../../../../shared/log.ts';
import { eventually } from '../../../support/eventually.ts';

const DAY_MS = 86_400_000;
const NOW = Date.parse('2026-05-01T00:00:00Z');

function openWorld(t: Test, leftMs: number) {
  const seedFile = join(t.testdir(), 'nats.seed');
  writeFileSync(seedFile, createUser().getSeed(), { mode: 0o600 });
  const steps: string[] = [];
  const admitted = new Set<string>();
  const inForce = (): string => fromSeed(readFileSync(seedFile)).getPublicKey();
  const first = inForce();
  admitted.add(first);
  const world = {
    ...{ seedFile, steps, admitted, first, inForce },
    refusal: undefined as KeysReply | undefined,
    keeper: () =>
      new KeyKeeper({
        seedFile,
        tell: async ({ current, next }) => {
          if (world.refusal !== undefined) return world.refusal;
          steps.push(next === undefined ? 'tell' : 'tell next');
          if (next !== undefined) admitted.add(next);
          else endOthers(admitted, current);
          const endsAt = new Date(NOW + (current === first ? leftMs : 90 * DAY_MS)).toISOString();
          return { endsAt, at: new Date(NOW).toISOString() };
        },
        tryKey: async (seed) => {
          steps.push('try');
          if (!admitted.has(fromSeed(seed).getPublicKey()))
            throw new UplinkError('HUB_UNAVAILABLE', 'not let in');
        },
        reconnect: async () => void steps.push('reconnect'),
        clock: { now: () => NOW, monotonicMs: () => 0 },
        log: silentLog,
      }),
  };
  return world;
}

function endOthers(admitted: Set<string>, current: string): void {
  for (const key of admitted) if (key !== current) admitted.delete(key);
}

t.test('a key with much time left stays', async (t) => {
  const world = openWorld(t, 31 * DAY_MS);
  const ending = new AbortController();
  const keeper = world.keeper();
  const kept = keeper.keep(ending.signal);
  await eventually('the hub has said when it ends', () => keeper.endsAt());
  ending.abort();
  await kept;
  t.same(world.steps, ['tell']);
  t.equal(world.inForce(), world.first);
});

t.test('before its end another one takes its place, which the hub hears of first', async (t) => {
  const world = openWorld(t, 29 * DAY_MS);
  const ending = new AbortController();
  const keeping = world.keeper().keep(ending.signal);
  await eventually('it connects anew', () => world.steps.includes('reconnect'));
  ending.abort();
  await keeping;
  t.same(world.steps, ['tell', 'tell next', 'try', 'reconnect']);
  t.not(world.inForce(), world.first);
  t.ok(world.admitted.has(world.inForce()));
  t.equal(statSync(world.seedFile).mode & 0o077, 0, 'for its owner alone');
  t.notOk(existsSync(`${world.seedFile}.next`));
});

t.test('killed before the new one had its name, it goes on with that', async (t) => {
  const world = openWorld(t, 80 * DAY_MS);
  const next = createUser();
  writeFileSync(`${world.seedFile}.next`, next.getSeed());
  const ending = new AbortController();
  const keeping = world.keeper().keep(ending.signal);
  await eventually('it connects anew', () => world.steps.includes('reconnect'));
  ending.abort();
  await keeping;
  t.equal(world.inForce(), next.getPublicKey());
});

t.test('killed right after, it tells the hub of the one it has', async (t) => {
  const world = openWorld(t, 80 * DAY_MS);
  const next = createUser();
  world.admitted.add(next.getPublicKey());
  writeFileSync(`${world.seedFile}.next`, next.getSeed());
  renameSync(`${world.seedFile}.next`, world.seedFile);
  const ending = new AbortController();
  const keeper = world.keeper();
  const keeping = keeper.keep(ending.signal);
  await eventually('the hub has heard it', () => keeper.endsAt());
  ending.abort();
  await keeping;
  t.same([...world.admitted], [next.getPublicKey()], 'and the one before has ended');
});

t.test('a key that the hub or the broker does not take changes nothing', async (t) => {
  const world = openWorld(t, DAY_MS);
  world.refusal = { error: { code: 'EDGE_KEY_UNKNOWN', detail: 'no' } };
  await t.rejects(world.keeper().rotate(), { code: 'KEY_REFUSED', retry: 'safe' });
  world.refusal = { endsAt: new Date(NOW).toISOString(), at: new Date(NOW).toISOString() };
  await t.rejects(world.keeper().rotate(), { code: 'HUB_UNAVAILABLE' });
  t.equal(world.inForce(), world.first);
});
