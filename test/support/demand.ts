/** A patient who waits for an MRI of the knee, and a scanner with an opening, to vary in tests. */
import { examinationOf } from '../../hub/scheduling/rules/examinations.ts';
import type { Demand, Examination, Opening, Place } from '../../hub/scheduling/rules/facts.ts';

/** A Monday, 10:00 in the UK. */
export const NOW = Date.parse('2026-11-02T10:00:00Z');

export function examination(code: string): Examination {
  const found = examinationOf(code);
  if (found === null) throw new Error(`no examination ${code}`);
  return found;
}

/** Vetted, MRI safety answered, agreed to be offered elsewhere. */
export function demand(changes: Partial<Demand> = {}): Demand {
  return {
    ...{ id: 'request-1', trust: 'RRK', examination: examination('MKNEL'), band: 'P4' },
    ...{ since: '2026-10-05T00:00:00Z', breachAt: '2026-11-16T00:00:00Z' },
    ...{ birthDate: '1980-05-01', sex: 'F', needs: [], wishes: {}, consentsElsewhere: true },
    safety: {
      vetted: true,
      mri: { pacemaker: 'none', implant: 'none', aneurysmClip: false, metalInEye: false },
      ...{ contrastReaction: 'none', metformin: false, pregnant: false, allergies: [] },
      ...{ weightKg: 70, infectious: false, capacity: 'has' },
    },
    ...changes,
  };
}

export function place(changes: Partial<Place> = {}): Place {
  return {
    ...{ resource: 'mr1', trust: 'RJE', modality: 'MR', tesla: 1.5, maxWeightKg: 180 },
    capabilities: ['contrast', 'wheelchair'],
    ...changes,
  };
}

/** @param hours from now to the start */
export function opening(hours: number, changes: Partial<Place> = {}): Opening {
  const start = new Date(NOW + hours * 3_600_000).toISOString();
  return { id: `slot-${hours}`, place: place(changes), start, minutes: 60 };
}
