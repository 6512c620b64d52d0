/** How long before a slot each preparation has to begin, so who can still take a late one. SC-34. */
import { type Demand, hoursTo, type Opening, type Place, type Preparation } from './facts.ts';

/** Hours; a site says otherwise in its place. */
export const LEAD_HOURS: Readonly<Record<Preparation, number>> = {
  fasting: 6,
  bloods: 48,
  bowel: 48,
  tracer: 24,
  interpreter: 48,
  transport: 48,
  'mri-screening': 24,
};

const WORDS: Readonly<Record<Preparation, string>> = {
  fasting: 'Fasting',
  bloods: 'Bloods',
  bowel: 'Bowel preparation',
  tracer: 'The tracer',
  interpreter: 'An interpreter',
  transport: 'Patient transport',
  'mri-screening': 'MRI screening',
};

export const leadHoursOf = ({ leadHours }: Place, preparation: Preparation): number =>
  leadHours?.[preparation] ?? LEAD_HOURS[preparation];

/** What the examination and the patient need beforehand. */
export function preparationsOf({
  examination,
  preparations = [],
  interpreter,
  safety,
}: Pick<Demand, 'examination' | 'preparations' | 'interpreter' | 'safety'>): Preparation[] {
  return [
    ...examination.preparations,
    ...preparations,
    ...(interpreter ? (['interpreter'] as const) : []),
    ...(safety.needsTransport ? (['transport'] as const) : []),
  ];
}

/** The preparation that there is no time for any more; null: there is time for all. */
export function tooLateFor(demand: Demand, { place, start }: Opening, now: number): string | null {
  const late = preparationsOf(demand)
    .map((preparation) => ({ preparation, lead: leadHoursOf(place, preparation) }))
    .filter(({ lead }) => hoursTo(start, now) < lead)
    .toSorted((a, b) => b.lead - a.lead)[0];
  return late === undefined
    ? null
    : `${WORDS[late.preparation]} needs ${late.lead} hours beforehand`;
}
