/** Requests and slots as the rules take them, with what the trust's PAS says of the patient now. */
import type { Sqlite } from '../../shared/sqlite/open.ts';
import { findIdentity, type Identity } from '../identity/identities.ts';
import { personOf } from '../identity/persons.ts';
import { minutesNeeded } from './rules/durations.ts';
import type { Demand, Opening } from './rules/facts.ts';
import type { ImagingRequest, Resource, Slot } from './types.ts';

/** Flags that may have been set since the request came: on any of the person's numbers, at any trust. */
export interface PatientFlags {
  readonly deceased: boolean;
  /** S-flag (ID-20). */
  readonly restricted: boolean;
}

export function flagsOf(
  db: Sqlite,
  { trust, patient }: Pick<ImagingRequest, 'trust' | 'patient'>,
): PatientFlags {
  const identity = findIdentity(db, { ...patient, trust });
  const members: readonly Identity[] = identity === undefined ? [] : personOf(db, identity).members;
  return {
    deceased: patient.deceased || members.some((one) => one.deceased),
    restricted: patient.restricted || members.some((one) => one.restricted),
  };
}

/** What is to be done for whom; `minutesTold`: the asker said how long it takes. */
export interface Asked {
  readonly demand: Demand;
  readonly minutesTold: boolean;
}

export function demandOf(request: ImagingRequest): Demand {
  const { requestId, trust, examination, band, since, breachAt, patient, safety } = request;
  return {
    ...{ id: requestId, trust, examination, band, since, breachAt, safety },
    birthDate: patient.birthDate,
    ...(patient.sex === null ? {} : { sex: patient.sex }),
    ...{ needs: request.needs, interpreter: request.interpreter, wishes: request.wishes },
    consentsElsewhere: request.consentsElsewhere,
  };
}

/**
 * Minutes that the examination takes here. Null: neither the site nor the request says, and a slot is as
 * long as its diary cut it.
 */
export function minutesAt(
  { demand, minutesTold }: Asked,
  { durations }: Pick<Resource, 'durations'>,
  on: string,
): number | null {
  const isTold = minutesTold || durations.minutes?.[demand.examination.code] !== undefined;
  // Where it is said how long an examination takes, that holds its changeover, unless the site says otherwise.
  return isTold ? minutesNeeded(demand, on, { changeoverMinutes: 0, ...durations }) : null;
}

export function openingOf(
  resource: Resource,
  slot: Pick<Slot, 'id' | 'start'>,
  minutes: number,
): Opening {
  const { id, trust, modality, capabilities, tesla, maxWeightKg, leadHours, egfrDays } = resource;
  const place = {
    ...{ resource: id, trust, modality, capabilities },
    ...(tesla === undefined ? {} : { tesla }),
    ...(maxWeightKg === undefined ? {} : { maxWeightKg }),
    ...(leadHours === undefined ? {} : { leadHours }),
    ...(egfrDays === undefined ? {} : { egfrDays }),
  };
  return { id: slot.id, place, start: slot.start, minutes };
}

/**
 * The slots from this one on that make room for so many minutes, as long as each begins where the one
 * before ends; fewer minutes than asked for when the row ends before.
 */
export function slotsInARow(slots: readonly Slot[], first: Slot, minutes: number): Slot[] {
  const row: Slot[] = [first];
  let end = Date.parse(first.start) + first.minutes * 60_000;
  const until = Date.parse(first.start) + minutes * 60_000;
  while (end < until) {
    const next = slots.find((slot) => Date.parse(slot.start) === end && slot !== row.at(-1));
    if (next === undefined) break;
    row.push(next);
    end += next.minutes * 60_000;
  }
  return row;
}

export const minutesOf = (slots: readonly Slot[]): number =>
  slots.reduce((sum, { minutes }) => sum + minutes, 0);
