/** Who writes a whole trail anew is found by what others keep of it. shared/audit/anchors.ts, hub/audit/exchange.ts. */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { AnchorKeeper } from '../../../../edge/uplink/anchor-keeper.ts';
import { exchangeAnchors } from '../../../../hub/audit/exchange.ts';
import { HUB_TRAIL, keptAnchors } from '../../../../shared/audit/anchors.ts';
import type { AuditEntry } from '../../../../shared/audit/entry.ts';
import { AuditTrail, auditFile, headFile } from '../../../../shared/audit/trail.ts';
import { verifyAudit } from '../../../../shared/audit/verify.ts';
import { AnchorsReplySchema } from '../../../../shared/contract/rpc.ts';
import { type Log, silentLog } from '../../../../shared/log.ts';

const DAY_MS = 86_400_000;
const look = (user: string): AuditEntry => ({
  ...{ event: 'look', action: 'R', outcome: 0, code: null, user, role: 'clinician', trust: null },
  ...{ what: 'GET /', address: null, purpose: null, query: {} },
  ...{ patients: ['9434765919'], studies: [], homes: [] },
});

function openWorld(t: Test) {
  const directory = t.testdir({ hub: {}, edge: {} });
  const directories = { hub: join(directory, 'hub'), edge: join(directory, 'edge') };
  const said: object[] = [];
  const log: Log = { ...silentLog, error: (event, fields) => void said.push({ event, ...fields }) };
  const clock = {
    ms: Date.parse('2026-05-01T10:00:00Z'),
    now: () => clock.ms,
    monotonicMs: () => 0,
  };
  const open = (of: 'hub' | 'edge'): AuditTrail => new AuditTrail(directories[of], clock);
  const world = {
    ...{ directories, said, clock },
    ...{ hub: open('hub'), edge: open('edge') },
    /** Somebody writes another trail, whole and with its head. */
    forge: (of: 'hub' | 'edge', rows: number): void => {
      world[of].close();
      const directory = directories[of];
      for (const file of ['', '-wal', '-shm']) rmSync(auditFile(directory) + file, { force: true });
      rmSync(headFile(directory));
      world[of] = open(of);
      for (let row = 0; row < rows; row += 1) world[of].append(look('nobody'));
    },
    exchange: () =>
      new AnchorKeeper({
        ...{ audit: world.edge, clock, log },
        ask: async (request) =>
          AnchorsReplySchema.parse(
            await exchangeAnchors(
              { audit: world.hub, signAnchor: async () => 'signed', clock, log },
              'RRK',
              JSON.parse(JSON.stringify(request)),
            ),
          ),
      }).exchange(),
    verdict: (of: 'hub' | 'edge') => verifyAudit(directories[of], () => {}).fault,
  };
  t.teardown(() => {
    world.hub.close();
    world.edge.close();
  });
  return world;
}

t.test('each keeps the end of the other one, once a day', async (t) => {
  const world = openWorld(t);
  for (let day = 0; day < 3; day += 1) {
    world.hub.append(look('A'));
    world.edge.append(look('B'));
    await world.exchange();
    await world.exchange();
    world.clock.ms += DAY_MS;
  }
  t.equal(keptAnchors(world.edge, HUB_TRAIL).length, 3);
  t.equal(keptAnchors(world.hub, 'RRK').length, 3);
  t.match(keptAnchors(world.edge, HUB_TRAIL)[0], { jws: 'signed' });
  for (const side of ['hub', 'edge'] as const) t.equal(world.verdict(side), null, side);
  t.same(world.said, []);
});

for (const side of ['hub', 'edge'] as const)
  t.test(`a trail of the ${side} that was written anew, with its head, is found`, async (t) => {
    const world = openWorld(t);
    for (let row = 0; row < 5; row += 1) world[side].append(look('A'));
    await world.exchange();
    world.forge(side, 40);
    t.equal(world.verdict(side), null, 'by itself it looks whole');
    await world.exchange();
    const fault = world.verdict(side);
    t.equal(fault?.code, 'ANCHOR_DIFFERS');
    t.ok((fault?.seq ?? 0) >= 5, 'from the first row that somebody keeps');
    t.match(world.said, [{ event: 'audit.differs', trust: side === 'hub' ? 'RRK' : HUB_TRAIL }]);
    const rows = world[side].head().seq;
    world.clock.ms += DAY_MS;
    await world.exchange();
    t.ok(world[side].head().seq <= rows + 1, 'it is recorded once');
  });

t.test('rows that are gone are found by an end that was printed before', async (t) => {
  const world = openWorld(t);
  for (let row = 0; row < 5; row += 1) world.hub.append(look('A'));
  const kept = [world.hub.head()];
  const compared = () => verifyAudit(world.directories.hub, () => {}, kept).fault;
  t.equal(compared(), null);
  world.hub.append(look('B'));
  t.equal(compared(), null, 'what came since does not matter');
  world.forge('hub', 3);
  t.same(compared(), { code: 'END_MISSING', seq: 4 });
  world.forge('hub', 9);
  t.same(compared(), { code: 'ANCHOR_DIFFERS', seq: 5 });
  rmSync(auditFile(world.directories.hub));
  t.same(compared(), { code: 'END_MISSING', seq: 1 }, 'the file is gone, its head is not');
});
