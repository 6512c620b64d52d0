/** The simulator in small: a quarter of a year, five sites. The figures are those of `cdip bench equalise`. */
import t from 'tap';
import { makeWorld, type Site } from '../../bench/equalise/population.ts';
import { Sessions } from '../../bench/equalise/sessions.ts';
import { compare } from '../../bench/equalise.bench.ts';

const SMALL = { seed: 'small', days: 120, siteCount: 5, slotsADay: 8 };

t.test('the same seed is the same year, and the policies differ as they should', async (t) => {
  const { alone, shared, refilled } = compare(SMALL);
  t.strictSame(compare(SMALL).refilled, refilled);
  t.equal(alone.elsewherePercent, 0, 'a site alone sends nobody elsewhere');
  t.ok(shared.elsewherePercent > 0);
  t.ok(shared.elsewherePercent <= 20, 'not more than trusts offer out');
  t.ok(
    refilled.lateWasted / refilled.lateReleased < (0.5 * alone.lateWasted) / alone.lateReleased,
    'fewer slots that were given back late stay empty',
  );
  t.ok(refilled.spreadOfMedianDays < alone.spreadOfMedianDays, 'waits are more equal');
  t.ok(refilled.examined >= alone.examined);
});

t.test('sessions go to where people wait from six weeks later on; the slots stay as many', (t) => {
  const world = makeWorld(SMALL);
  const sessions = new Sessions(world);
  const [giver, , , , receiver] = world.sites as [Site, Site, Site, Site, Site];
  const waits = new Map(
    world.sites.map(({ trust }) => [trust, new Array(40).fill(trust === receiver.trust ? 90 : 5)]),
  );
  sessions.advise(
    56,
    waits,
    world.patients.filter(({ demand }) => demand.trust !== giver.trust),
  );
  t.ok(sessions.moved > 0);
  const week = (trust: Site, from: number): number =>
    [0, 1, 2, 3, 4].reduce((sum, day) => sum + sessions.slotsOn(trust, from + day), 0);
  const all = (from: number): number =>
    world.sites.reduce((sum, site) => sum + week(site, from), 0);
  t.equal(week(receiver, 91), receiver.slotsADay * 5, 'not before');
  t.equal(week(receiver, 98), receiver.slotsADay * 5 + 4 * sessions.moved);
  t.equal(week(giver, 98), giver.slotsADay * 5 - 4 * sessions.moved);
  t.equal(all(98), all(0));
  t.end();
});
