/** What people decide on rollouts, and what edges are sent for it. */
import t from 'tap';
import { projectionSchema } from '../../../../hub/projection/schema.ts';
import type { EdgeNow } from '../../../../hub/releases/rollout.ts';
import { applyRollout } from '../../../../hub/releases/rollout-rows.ts';
import { type RolloutProposal, Rollouts } from '../../../../hub/releases/rollouts.ts';
import { rfc3339 } from '../../../../shared/clock.ts';
import type { Command } from '../../../../shared/contract/commands.ts';
import type { UpgradeTold } from '../../../../shared/contract/releases.ts';
import { silentLog } from '../../../../shared/log.ts';
import { openSqlite } from '../../../../shared/sqlite/open.ts';
import { fakeDecisions } from '../../../support/fake-decisions.ts';

const [ANNA, BEN] = ['anna', 'ben'].map((name) => ({ name, trust: null }));
const OF_A_TRUST = { name: 'cara', trust: 'RRK' };
const TRUSTS = ['RRK', 'RJE', 'RXK', 'RL4', 'RBK', 'RNA'];
const SHA256 = 'b'.repeat(64);

function openWorld() {
  const db = openSqlite(':memory:', projectionSchema);
  const { networkLog, projection } = fakeDecisions(db);
  projection.registerHubAggregate('rollout', applyRollout);
  let nowMs = Date.parse('2026-11-02T02:00:00.000Z');
  const sent: { trust: string; command: Command }[] = [];
  const edges = new Map<string, Partial<EdgeNow>>();
  const rollouts = new Rollouts({
    ...{ db, untilDecided: async () => {}, log: silentLog },
    trusts: TRUSTS.map((ods) => ({ ods })),
    networkLog: {
      ...networkLog,
      sendCommand: async (trust, command) => void sent.push({ trust, command }),
    },
    isEnrolled: (trust) => trust !== 'RNA',
    findRelease: (sha256) =>
      sha256 === SHA256
        ? { ...{ sha256, version: '2.0.0', architecture: 'amd64', bytes: 9 }, ...SIGNED }
        : undefined,
    edgeNow: (trust) => ({
      ...{ trust, lastHeardAt: nowMs, isLive: true, version: '1.0.0', isReady: true, pages: [] },
      ...{ upgrade: undefined, ...edges.get(trust) },
    }),
    clock: { now: () => nowMs, monotonicMs: () => nowMs },
  });
  const told = (trust: string, state: UpgradeTold['state'], attempt = 1): void => {
    const version = state === 'done' ? '2.0.0' : '1.0.0';
    const at = rfc3339(nowMs);
    const upgrade = { rollout: 1, attempt, version: '2.0.0', state, at, reason: null };
    edges.set(trust, { version, upgrade });
  };
  const pass = async (minutes: number): Promise<void> => {
    nowMs += minutes * 60_000;
    await rollouts.look();
  };
  const take = (): string[] =>
    sent.splice(0).map(({ trust, command }) => `${trust} ${command.kind} ${command.id}`);
  return { rollouts, edges, told, pass, take };
}

const SIGNED = { signature: 'A'.repeat(88), addedAt: '2026-11-01T00:00:00.000Z' };
const proposal = (more: Partial<RolloutProposal> = {}): RolloutProposal => ({
  ...{ sha256: SHA256, canary: 'RRK', second: undefined, gateMinutes: 30, patienceMinutes: 60 },
  ...{ reason: 'a test', ...more },
});

async function running() {
  const world = openWorld();
  if (ANNA === undefined || BEN === undefined) throw new Error('nobody is there');
  await world.rollouts.propose(proposal(), ANNA);
  await world.rollouts.approve(1, BEN);
  return { ...world, anna: ANNA };
}

t.test('one, three, then the rest; who has no edge is in none', async (t) => {
  const { rollouts } = await running();
  t.strictSame(rollouts.list()[0]?.rings, [['RRK'], ['RJE', 'RXK', 'RL4'], ['RBK']]);
});

t.test('a hub whose log is gone counts on from what edges were told', async (t) => {
  const { rollouts, edges } = openWorld();
  const at = rfc3339(0);
  const upgrade = { attempt: 1, version: '1.0.0', state: 'done', at, reason: null } as const;
  edges.set('RBK', { upgrade: { ...upgrade, rollout: 7 } });
  if (ANNA !== undefined) t.equal(await rollouts.propose(proposal(), ANNA), 8);
});

t.test('who may decide', async (t) => {
  const { rollouts, take } = openWorld();
  if (ANNA === undefined || BEN === undefined) return;
  await t.rejects(rollouts.propose(proposal(), OF_A_TRUST), { code: 'ROLLOUT_FORBIDDEN' });
  await rollouts.propose(proposal(), ANNA);
  await t.rejects(rollouts.approve(1, ANNA), { code: 'APPROVAL_FORBIDDEN' }, 'not the same person');
  await t.rejects(rollouts.approve(1, OF_A_TRUST), { code: 'ROLLOUT_FORBIDDEN' });
  await t.rejects(rollouts.end(1, 'no', OF_A_TRUST), { code: 'ROLLOUT_FORBIDDEN' });
  await rollouts.look();
  t.strictSame(take(), [], 'nothing is sent before somebody else approves');
  await rollouts.propose(proposal(), BEN);
  await t.rejects(rollouts.approve(1, BEN), { code: 'ROLLOUT_STATE' }, 'a newer one was proposed');
  await rollouts.approve(2, ANNA);
  await t.rejects(rollouts.propose(proposal(), ANNA), { code: 'ROLLOUT_STATE' }, 'one at a time');
  await t.rejects(rollouts.approve(9, ANNA), { code: 'ROLLOUT_UNKNOWN' });
  await t.rejects(rollouts.propose(proposal({ sha256: 'c' }), BEN), { code: 'RELEASE_UNKNOWN' });
  await t.rejects(rollouts.propose(proposal({ canary: 'RNA' }), BEN), { code: 'TRUST_UNKNOWN' });
});

t.test('an edge is told again until it tells of it, the next ring after the gate', async (t) => {
  const { told, pass, take } = await running();
  t.strictSame(take(), ['RRK upgrade upgrade-1.1-RRK']);
  await pass(0.5);
  t.strictSame(take(), []);
  await pass(0.6);
  t.strictSame(take(), ['RRK upgrade upgrade-1.1-RRK']);
  told('RRK', 'downloading');
  await pass(5);
  t.strictSame(take(), []);
  told('RRK', 'done');
  await pass(1);
  await pass(29);
  t.strictSame(take(), [], 'within the gate');
  await pass(1);
  t.strictSame(
    take(),
    ['RJE', 'RXK', 'RL4'].map((trust) => `${trust} upgrade upgrade-1.1-${trust}`),
  );
});

t.test(
  'where it stands still, what waits is taken back; it goes on without who failed',
  async (t) => {
    const { rollouts, anna, told, pass, take } = await running();
    told('RRK', 'done');
    await pass(1);
    await pass(30);
    take();
    told('RJE', 'returned');
    told('RXK', 'waiting');
    told('RL4', 'installing');
    await pass(1);
    t.equal(rollouts.list()[0]?.state, 'standing');
    t.strictSame(take(), ['RXK withdraw-upgrade withdraw-upgrade-1.1-RXK']);
    told('RXK', 'withdrawn');
    told('RL4', 'done');
    await pass(1);
    await rollouts.goOn(1, [], anna);
    t.strictSame(take(), ['RXK upgrade upgrade-1.2-RXK'], 'not RJE again');
    t.match(rollouts.list()[0], { state: 'running', leftOut: [{ trust: 'RJE', by: 'anna' }] });
    told('RXK', 'done', 2);
    await pass(1);
    await pass(30);
    t.strictSame(take(), ['RBK upgrade upgrade-1.2-RBK']);
  },
);

t.test('it goes on with another try where somebody says so', async (t) => {
  const { rollouts, anna, told, pass, take } = await running();
  told('RRK', 'returned');
  await pass(1);
  take();
  await pass(1);
  await rollouts.goOn(1, ['RRK'], anna);
  t.strictSame(take(), ['RRK upgrade upgrade-1.2-RRK']);
  t.match(rollouts.list()[0], { state: 'running', leftOut: [] });
});

t.test('a trust that waits is left out; what is stopped is taken back', async (t) => {
  const { rollouts, anna, told, pass, take } = await running();
  told('RRK', 'done');
  await pass(1);
  await pass(30);
  told('RJE', 'done');
  told('RXK', 'done');
  told('RL4', 'waiting');
  await rollouts.leaveOut(1, { trust: 'RL4', reason: 'manual' }, anna);
  await t.rejects(rollouts.leaveOut(1, { trust: 'RNA', reason: '' }, anna), {
    code: 'TRUST_UNKNOWN',
  });
  await pass(1);
  await pass(30);
  t.equal(rollouts.list()[0]?.ring, 2);
  take();
  await rollouts.end(1, 'enough', anna);
  t.ok(take().includes('RBK withdraw-upgrade withdraw-upgrade-1.1-RBK'));
  t.equal(rollouts.list()[0]?.state, 'stopped');
  await t.rejects(rollouts.goOn(1, [], anna), { code: 'ROLLOUT_STATE' });
});
