/**
 * Whether a demand may be offered an opening, and every reason why not. One answer for the search of a
 * patient, for a refill and for the simulator.
 */
import { missingCapabilities } from './capability.ts';
import { minutesNeeded, type SiteDurations } from './durations.ts';
import { type Demand, hoursTo, type Opening, type Removal } from './facts.ts';
import { tooLateFor } from './preparation.ts';
import { gatesBlocking, safetyGates } from './safety-gates.ts';
import { wishesAgainst } from './wishes.ts';

export interface Circumstances {
  readonly now: number;
  /** By the way the patient travels; null: nobody can say. */
  readonly travelMinutes: number | null;
  readonly durations?: SiteDurations;
}

/** Empty: it may be offered. Cheap reasons first, since most openings fall by them. */
export function removalsOf(
  demand: Demand,
  opening: Opening,
  { now, travelMinutes, durations }: Circumstances,
): Removal[] {
  if (demand.band === 'P1')
    return [{ rule: 'band', reason: 'Emergencies and inpatients are not offered slots' }];
  if (hoursTo(opening.start, now) <= 0) return [{ rule: 'past', reason: 'The slot has begun' }];
  const missing = missingCapabilities(demand, opening.place);
  if (missing.length > 0) return missing.map((reason) => ({ rule: 'capability', reason }));
  const minutes = minutesNeeded(demand, opening.start, durations);
  const late = tooLateFor(demand, opening, now);
  const gates = gatesBlocking(safetyGates(demand, opening, now), 'offer');
  return [
    ...(minutes > opening.minutes
      ? [{ rule: 'duration', reason: `Needs ${minutes} minutes, the slot has ${opening.minutes}` }]
      : []),
    ...(late === null ? [] : [{ rule: 'preparation', reason: late }]),
    ...gates.map(({ gate, reason }) => ({ rule: gate, reason })),
    ...wishesAgainst(demand, opening, { now, travelMinutes }),
  ];
}
