/** How long an examination takes of a diary. SC-11. */
import { ageOn, type Demand } from './facts.ts';

/** Minutes beyond the examination's own. */
const MORE = { paediatric: 10, limitedMobility: 10, interpreter: 10, changeover: 5 } as const;
const PAEDIATRIC_BELOW = 16;
/** Diaries are cut in these. */
const STEP_MINUTES = 5;

export interface SiteDurations {
  /** By examination code; the site's own words count before the network's. */
  readonly minutes?: Readonly<Record<string, number>>;
  readonly changeoverMinutes?: number;
}

/** Minutes with the changeover to the next patient, rounded up to five. */
export function minutesNeeded(
  demand: Pick<Demand, 'examination' | 'birthDate' | 'needs' | 'interpreter'>,
  on: string,
  site: SiteDurations = {},
): number {
  const { examination, birthDate, needs, interpreter } = demand;
  const isChild = birthDate !== undefined && ageOn(birthDate, on) < PAEDIATRIC_BELOW;
  const isSlow = needs.includes('hoist') || needs.includes('wheelchair');
  const minutes =
    (site.minutes?.[examination.code] ?? examination.minutes) +
    (isChild ? MORE.paediatric : 0) +
    (isSlow ? MORE.limitedMobility : 0) +
    (interpreter ? MORE.interpreter : 0) +
    (site.changeoverMinutes ?? MORE.changeover);
  return Math.ceil(minutes / STEP_MINUTES) * STEP_MINUTES;
}
