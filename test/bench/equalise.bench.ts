/**
 * `cdip bench equalise`: a year of a network's MRI through three policies, with the rules that the hub books
 * by (hub/scheduling/rules): each site alone, one pool for all, one pool with refill. The same patients meet
 * each; their behaviour is assumed (equalise/behaviour.ts), not measured.
 *
 * value: the spread of the sites' median waits with pool and refill, over that of each site alone; the median
 * of three networks that differ in who lives where and which sites are under pressure.
 */
import { Postcodes } from '../../hub/scheduling/travel/postcodes.ts';
import { Travel } from '../../hub/scheduling/travel/travel.ts';
import type { Outcome } from './equalise/measured.ts';
import { makeWorld, type WorldOptions } from './equalise/population.ts';
import { type Policy, Simulation } from './equalise/simulation.ts';
import { median, rounded, say, tell } from './result.ts';

const SITE_ALONE: Policy = { name: 'each site alone', isShared: false, isRefilled: false };
const SHARED: Policy = { name: 'shared pool', isShared: true, isRefilled: false };
const REFILLED: Policy = { name: 'shared pool with refill', isShared: true, isRefilled: true };

const YEAR: Omit<WorldOptions, 'seed'> = { days: 365, siteCount: 15, slotsADay: 12 };
/** Who lives where and which sites are under pressure differs with each. */
const SEEDS = ['equalise-1', 'equalise-2', 'equalise-3'];

export interface Comparison {
  readonly alone: Outcome;
  readonly shared: Outcome;
  readonly refilled: Outcome;
}

/** @param onProgress hears how far each year is */
export function compare(
  options: WorldOptions,
  onProgress: (text: string) => void = () => {},
): Comparison {
  const world = makeWorld(options);
  const simulate = (policy: Policy): Outcome => {
    const sites = world.sites.map(({ postcode }) => postcode);
    const travel = new Travel({ postcodes: new Postcodes(), timetable: null, sites });
    return new Simulation(world, policy, travel).run((day) => {
      if (day % 91 === 0) onProgress(`${world.seed}, ${policy.name}: day ${day} of ${world.days}`);
    });
  };
  return {
    alone: simulate(SITE_ALONE),
    shared: simulate(SHARED),
    refilled: simulate(REFILLED),
  };
}

export async function run(json: boolean): Promise<void> {
  const found = SEEDS.map((seed) => compare({ ...YEAR, seed }, say));
  const ratios = found.map(
    ({ alone, refilled }) => refilled.spreadOfMedianDays / alone.spreadOfMedianDays,
  );
  const wasted = ({ lateWasted, lateReleased }: Outcome): number => lateWasted / lateReleased;
  const fewer = found.map(({ alone, refilled }) => 100 * (1 - wasted(refilled) / wasted(alone)));
  tell(
    {
      name: 'equalise',
      value: rounded(median(ratios)),
      unit: 'spread of median waits, over each site alone',
      ratio: rounded(median(ratios)),
      against: SITE_ALONE.name,
      runs: SEEDS.length,
      ratios: ratios.map((ratio) => rounded(ratio)),
      wastedLateFewerPercent: fewer.map((percent) => rounded(percent, 1)),
      phoneOnlyPercent: found.map(({ refilled }) => ({
        ofRefills: refilled.phoneOnlyPercentOfRefills,
        ofList: refilled.phoneOnlyPercentOfList,
      })),
      years: found,
    },
    json,
  );
}
