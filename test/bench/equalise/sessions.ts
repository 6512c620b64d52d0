/**
 * Sessions that staff take to another site, as the hub advises once a month; the network's slots stay as many. What is
 * advised holds from six weeks later on: rosters are written before that.
 */
import { DAY_MS } from '../../../hub/scheduling/rules/facts.ts';
import { medianWaits } from '../../../hub/scheduling/rules/guardrails.ts';
import { SESSION_SLOTS, sessionMoves } from '../../../hub/scheduling/rules/session-moves.ts';
import { FROM, type Patient, type Site, type World } from './population.ts';

export const ADVISED_EVERY = 28;
const NOTICE_DAYS = 42;
const WORKING_DAYS = 5;

/** Of a site: so many slots more, or fewer, on one day of each week. */
interface Change {
  readonly trust: string;
  readonly from: number;
  /** 0 Monday to 4 Friday. */
  readonly weekday: number;
  readonly slots: number;
}

export class Sessions {
  readonly #world: World;
  readonly #changes: Change[] = [];
  /** Sessions, back and forth. */
  moved = 0;

  constructor(world: World) {
    this.#world = world;
  }

  slotsOn(site: Site, day: number): number {
    const changed = this.#changes.filter(
      ({ trust, from, weekday }) => trust === site.trust && from <= day && weekday === day % 7,
    );
    return changed.reduce((sum, { slots }) => sum + slots, site.slotsADay);
  }

  /** @param waits by trust, days so far, the shortest first @param arrived all who were referred until now */
  advise(
    day: number,
    waits: ReadonlyMap<string, readonly number[]>,
    arrived: readonly Patient[],
  ): void {
    const since = new Date(FROM + (day - ADVISED_EVERY) * DAY_MS).toISOString();
    const recent = arrived.filter(({ demand }) => demand.since >= since);
    const standings = this.#world.sites.map((site) => {
      const theirs = waits.get(site.trust) ?? [];
      const referred = recent.filter(({ demand }) => demand.trust === site.trust).length;
      return {
        trust: site.trust,
        waiting: theirs.length,
        medianWaitDays: medianWaits(theirs).medianWaitDays?.here ?? 0,
        slotsAWeek: this.#slotsAWeek(site),
        referralsAWeek: (referred * 7) / ADVISED_EVERY,
      };
    });
    for (const { from, to, sessionsAWeek } of sessionMoves(standings))
      for (let n = 0; n < sessionsAWeek; n += 1) this.#move(from, to, day + NOTICE_DAYS);
  }

  /** Once all that was advised holds. */
  #slotsAWeek({ trust, slotsADay }: Site): number {
    const changed = this.#changes.filter((one) => one.trust === trust);
    return changed.reduce((sum, { slots }) => sum + slots, slotsADay * WORKING_DAYS);
  }

  /** On the day of the week on which the giver has most. */
  #move(from: string, to: string, since: number): void {
    const giver = this.#world.sites.find(({ trust }) => trust === from);
    if (giver === undefined) return;
    const days = Array.from({ length: WORKING_DAYS }, (_, weekday) => weekday);
    const monday = since - (since % 7);
    const most = Math.max(...days.map((day) => this.slotsOn(giver, monday + 7 + day)));
    const weekday = days.findLast((day) => this.slotsOn(giver, monday + 7 + day) === most) ?? 0;
    this.moved += 1;
    this.#changes.push(
      { trust: from, from: since, weekday, slots: -SESSION_SLOTS },
      { trust: to, from: since, weekday, slots: SESSION_SLOTS },
    );
  }
}
