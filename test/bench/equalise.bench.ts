/**
 * `cdip bench equalise`: a year of a network's MRI through four policies, with the rules that the hub books
 * by (hub/scheduling/rules): each site alone, one pool for all, one pool with refill, and with it sessions that staff
 * take to where the hub advises them to. The same patients meet each, and as many slots; their behaviour is assumed
 * (equalise/behaviour.ts), not measured.
 *
 * value: the spread of the sites' median waits with pool and refill, over that of each site alone; the median
 * of six networks that differ in who lives where and which sites are under pressure.
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
const MOVED: Policy = { ...REFILLED, name: 'with refill and sessions moved', isMoved: true };

const YEAR: Omit<WorldOptions, 'seed'> = { days: 365, siteCount: 15, slotsADay: 12 };
/** Who lives where and which sites are under pressure differs with each. */
const SEEDS = Array.from({ length: 6 }, (_, at) => `equalise-${at + 1}`);

export interface Comparison {
  readonly alone: Outcome;
  readonly shared: Outcome;
  readonly refilled: Outcome;
  readonly moved: Outcome;
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
    const outcome = new Simulation(world, policy, travel).run((day) => {
      if (day % 91 === 0) onProgress(`${world.seed}, ${policy.name}: day ${day} of ${world.days}`);
    });
    onProgress(`${world.seed}, ${policy.name}: spread ${outcome.spreadOfMedianDays} days`);
    return outcome;
  };
  return {
    alone: simulate(SITE_ALONE),
    shared: simulate(SHARED),
    refilled: simulate(REFILLED),
    moved: simulate(MOVED),
  };
}

const spreadOver = (one: Outcome, alone: Outcome): number =>
  one.spreadOfMedianDays / alone.spreadOfMedianDays;

export async function run(json: boolean): Promise<void> {
  const found = SEEDS.map((seed) => compare({ ...YEAR, seed }, say));
  const ratios = found.map(({ alone, refilled }) => spreadOver(refilled, alone));
  const withSessions = found.map(({ alone, moved }) => spreadOver(moved, alone));
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
      ratiosWithSessions: withSessions.map((ratio) => rounded(ratio)),
      sessionsMoved: found.map(({ moved }) => moved.sessionsMoved),
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
