/** Copies follow their home. hub/fetch/top-up.ts. */
import t, { type Test } from 'tap';
import { TopUp } from '../../../../hub/fetch/top-up.ts';
import { silentLog } from '../../../../shared/log.ts';
import { seedStudy } from '../http/seed-study.ts';
import { COORDINATOR, ORDER, openWorld, STUDY, settled, type World } from './fetch-fixture.ts';

/** A study of RRK whose copy at RJE was brought by an order that is over. */
async function withCopy(t: Test, order: object = ORDER): Promise<{ world: World; topUp: TopUp }> {
  const world = openWorld(t);
  const view = await world.fetches.request({ ...ORDER, ...order }, COORDINATOR);
  world.report(view.fetchId, { state: 'available' });
  seedStudy(world.db, { trust: 'RJE', home: 'RRK', uid: STUDY });
  world.db.prepare("UPDATE studies SET quiet = 1, set_hash = 'one'").run();
  await settled();
  world.log.commands.length = 0;
  const { db, fetches } = world;
  const topUp = new TopUp({ db, fetches, onChange: () => () => {}, log: silentLog });
  return { world, topUp };
}

const grow = ({ db }: World, hash = 'two'): void => {
  db.prepare("UPDATE studies SET set_hash = ? WHERE trust = 'RRK'").run(hash);
};

t.test('what comes to a study at its home comes to its copies, as they were ordered', async (t) => {
  const { world, topUp } = await withCopy(t, { to: { trust: 'RJE', peer: 'pacs' } });
  await topUp.follow('RRK', STUDY);
  t.same(world.kinds(), [], 'a copy that equals its home lacks nothing');
  grow(world);
  await topUp.follow('RRK', STUDY);
  await settled();
  t.match(world.log.commands, [
    { ods: 'RJE', command: { kind: 'fetch', home: 'RRK', peer: 'pacs', priority: 'scheduled' } },
  ]);
});

t.test('once for each state of the home, and not while more comes there', async (t) => {
  const { world, topUp } = await withCopy(t);
  grow(world);
  world.db.prepare('UPDATE studies SET quiet = 0').run();
  await topUp.follow('RRK', STUDY);
  t.same(world.kinds(), []);
  world.db.prepare('UPDATE studies SET quiet = 1').run();
  for (let again = 0; again < 3; again += 1) {
    await topUp.follow('RRK', STUDY);
    await settled();
    for (const { command } of world.log.commands)
      if ('fetchId' in command) world.report(command.fetchId, { state: 'available' });
  }
  t.same(world.kinds(), ['fetch']);
});

t.test("a copy's own change orders nothing, nor does a copy that nobody ordered", async (t) => {
  const { world, topUp } = await withCopy(t);
  grow(world);
  await topUp.follow('RJE', STUDY);
  world.db.prepare('DELETE FROM fetches').run();
  await topUp.follow('RRK', STUDY);
  t.same(world.kinds(), []);
});
