/**
 * The safety gates of an examination at a place and time: pass, fail, or nobody knows. SC-12.
 *
 *   demand + opening ──► gates ──► `offer`: not to be offered · `confirm`: may be held, not confirmed
 *                                  `attend`: to be asked before or on the day
 *
 * A gate that fails is never softened by another one; one that is unknown says what would answer it.
 */
import {
  ageOn,
  DAY_MS,
  type Demand,
  hoursTo,
  type MriAnswers,
  type Opening,
  type Place,
  type Preparation,
} from './facts.ts';
import { leadHoursOf } from './preparation.ts';

export type GateName =
  | 'vetting'
  | 'mri-safety'
  | 'kidney-function'
  | 'contrast-reaction'
  | 'metformin'
  | 'pregnancy'
  | 'weight'
  | 'allergies'
  | 'infection'
  | 'transport'
  | 'capacity';

/** The first thing that may not happen while a gate stands as it does. */
export type BlockedState = 'offer' | 'confirm' | 'attend';

export interface Gate {
  readonly gate: GateName;
  readonly outcome: 'pass' | 'fail' | 'unknown';
  /** Null: nothing is held up. */
  readonly blocks: BlockedState | null;
  /** In words for staff: why, and what would change it. */
  readonly reason: string;
}

/** Ages at which pregnancy is asked for; the radiology rule, not biology. */
const PREGNANCY_AGES = [12, 55] as const;
/** Above it, contrast needs a kidney function of its own. */
const EGFR_AGE = 64;
const EGFR_DAYS = 90;
const EGFR_MIN_HOURS_BEFORE = 24;
const EGFR_LOWEST = 30;

type Check = (demand: Demand, opening: Opening, now: number) => Omit<Gate, 'gate'> | null;

const pass = (reason: string): Omit<Gate, 'gate'> => ({ outcome: 'pass', blocks: null, reason });
const fail = (blocks: BlockedState, reason: string): Omit<Gate, 'gate'> => ({
  outcome: 'fail',
  blocks,
  reason,
});
const unknown = (blocks: BlockedState, reason: string): Omit<Gate, 'gate'> => ({
  outcome: 'unknown',
  blocks,
  reason,
});

const vetting: Check = ({ safety: { vetted } }) => {
  if (vetted === true) return pass('Justified and vetted');
  if (vetted === 'refused')
    return fail('offer', 'The practitioner refused the examination at vetting');
  return unknown('confirm', 'Not justified and vetted yet (IR(ME)R): it can be held, not booked');
};

const mriSafety: Check = ({ examination, safety }, opening, now) => {
  if (examination.modality !== 'MR') return null;
  const mri = safety.mri ?? {};
  const contraindication = mriContraindication(mri, opening.place);
  if (contraindication !== null) return fail('offer', contraindication);
  const open = MRI_QUESTIONS.filter(([, isAnswered]) => !isAnswered(mri)).map(([name]) => name);
  if (open.length === 0) return pass('MRI safety questionnaire answered');
  return timeToAnswer(opening, now, {
    preparation: 'mri-screening',
    missing: `MRI safety is not known: ${open.join(', ')}`,
    means: 'screening',
  });
};

const MRI_QUESTIONS: readonly [string, (mri: MriAnswers) => boolean][] = [
  ['pacemaker', ({ pacemaker }) => pacemaker !== undefined],
  ['implants', ({ implant }) => implant !== undefined],
  ['aneurysm clip', ({ aneurysmClip }) => aneurysmClip !== undefined],
  ['metal in the eye', ({ metalInEye }) => metalInEye !== undefined],
];

function mriContraindication(mri: MriAnswers, { tesla }: Place): string | null {
  const has: [string, boolean | undefined][] = [
    ['a pacemaker that is not safe for MRI', mri.pacemaker === 'unsafe'],
    ['an implant that is not safe for MRI', mri.implant === 'unsafe'],
    ['an aneurysm clip', mri.aneurysmClip],
    ['metal in the eye', mri.metalInEye],
  ];
  const found = has.find(([, isSo]) => isSo)?.[0];
  if (found !== undefined) return `The patient has ${found}: an MRI safety expert has to decide`;
  if (mri.firstTrimester) return 'In the first trimester of pregnancy: a radiologist has to decide';
  if (mri.pacemaker !== 'conditional' && mri.implant !== 'conditional') return null;
  if (mri.maxTesla === undefined || tesla === undefined)
    return 'A device is MRI conditional, and its limit or the field of this scanner is not known';
  if (tesla > mri.maxTesla)
    return `A device bears ${mri.maxTesla} T at most; this scanner has ${tesla} T`;
  return null;
}

const kidneyFunction: Check = (demand, opening, now) => {
  const { examination, safety, birthDate } = demand;
  if (!examination.contrast) return null;
  const { egfr } = safety;
  const isOld = birthDate === undefined || ageOn(birthDate, opening.start) > EGFR_AGE;
  const isAtRisk = safety.kidneyDisease === true || safety.metformin === true;
  if (!isOld && !isAtRisk && egfr === undefined)
    return pass('No kidney function is needed at this age without kidney disease');
  const days = opening.place.egfrDays ?? EGFR_DAYS;
  const isRecent =
    egfr !== undefined && Date.parse(opening.start) - Date.parse(egfr.on) <= days * DAY_MS;
  if (egfr === undefined || !isRecent)
    return timeToAnswer(opening, now, {
      preparation: 'bloods',
      missing: `Contrast needs an eGFR not older than ${days} days`,
      means: 'a blood test',
    });
  if (egfr.value < EGFR_LOWEST)
    return fail('offer', `eGFR is ${egfr.value}: a radiologist has to decide on contrast`);
  if (hoursTo(opening.start, Date.parse(egfr.on)) < EGFR_MIN_HOURS_BEFORE)
    return fail('offer', `The eGFR has to be taken ${EGFR_MIN_HOURS_BEFORE} hours before or more`);
  return pass(`eGFR ${egfr.value} of ${egfr.on}`);
};

const contrastReaction: Check = ({ examination, safety }, { place }) => {
  if (!examination.contrast) return null;
  switch (safety.contrastReaction) {
    case 'none':
      return pass('No earlier reaction to contrast');
    case 'severe':
      return fail('offer', 'Severe reaction to contrast before: a radiologist has to decide');
    case 'mild':
      return place.capabilities.includes('medic-on-site')
        ? pass('Mild reaction to contrast before; a medic is on site')
        : fail('offer', 'Mild reaction to contrast before: only where a medic is on site');
    default:
      return unknown(
        'confirm',
        'Ask for earlier reactions to contrast: it can be held, not booked',
      );
  }
};

const metformin: Check = ({ examination, safety }) => {
  if (!examination.contrast || safety.metformin === false) return null;
  if (safety.metformin === undefined) return unknown('attend', 'Ask whether metformin is taken');
  if (safety.egfr === undefined)
    return unknown('confirm', 'Metformin is taken and kidney function is not known');
  return safety.egfr.value < EGFR_LOWEST
    ? fail('confirm', 'Metformin has to be stopped first: ask the referrer')
    : pass('Metformin may be taken at this kidney function');
};

const pregnancy: Check = ({ examination, safety, sex, birthDate }, opening) => {
  if (!examination.ionising || sex === 'M') return null;
  const age = birthDate === undefined ? undefined : ageOn(birthDate, opening.start);
  const [from, to] = PREGNANCY_AGES;
  if (age !== undefined && (age < from || age > to)) return null;
  if (safety.pregnant === true)
    return fail('offer', 'The patient is pregnant: the practitioner has to justify radiation anew');
  if (safety.pregnant === false) return pass('Not pregnant when asked; asked again on the day');
  return unknown('attend', 'Ask about pregnancy before radiation');
};

const weight: Check = ({ safety: { weightKg } }, { place: { maxWeightKg } }) => {
  if (maxWeightKg === undefined) return null;
  if (weightKg === undefined)
    return unknown('attend', `Ask for the weight: the table bears ${maxWeightKg} kg`);
  return weightKg > maxWeightKg
    ? fail('offer', `${weightKg} kg is more than the table bears (${maxWeightKg} kg)`)
    : pass(`${weightKg} kg; the table bears ${maxWeightKg} kg`);
};

const allergies: Check = ({ examination: { materials }, safety }) => {
  if (materials.length === 0) return null;
  if (safety.allergies === undefined)
    return unknown('attend', `Ask for allergies to ${materials.join(', ')}`);
  const told = safety.allergies.map((one) => one.toLowerCase());
  const met = materials.find((material) => told.some((one) => one.includes(material)));
  return met === undefined
    ? pass('No allergy to what is used')
    : fail('offer', `Allergy to ${met}, which this examination uses: a radiologist has to decide`);
};

const infection: Check = ({ safety: { infectious } }, { place }) => {
  if (infectious === undefined) return unknown('attend', 'Ask for infections on the day');
  if (!infectious) return pass('No infection known');
  return place.capabilities.includes('isolation')
    ? pass('Infectious; the site can isolate')
    : fail('offer', 'Infectious: only where the site can isolate');
};

const transport: Check = ({ safety: { needsTransport } }, opening, now) => {
  if (needsTransport !== true) return null;
  const lead = leadHoursOf(opening.place, 'transport');
  return hoursTo(opening.start, now) < lead
    ? fail('offer', `Patient transport has to be ordered ${lead} hours before`)
    : pass('Time enough to order patient transport');
};

const capacity: Check = ({ safety }) => {
  switch (safety.capacity) {
    case 'has':
      return pass('The patient can consent');
    case 'best-interest-decided':
      return pass('Decided in the best interest of the patient');
    case 'lacks':
      return fail('confirm', 'The patient can not consent: a best-interest decision is needed');
    default:
      return unknown('attend', 'Consent is taken on the day');
  }
};

/** What nobody knows may still be found out, where there is time for it. */
function timeToAnswer(
  { place, start }: Opening,
  now: number,
  ask: { preparation: Preparation; missing: string; means: string },
): Omit<Gate, 'gate'> {
  const lead = leadHoursOf(place, ask.preparation);
  return hoursTo(start, now) < lead
    ? unknown('offer', `${ask.missing}; too late here for ${ask.means} (${lead} hours)`)
    : unknown('attend', `${ask.missing}; time enough here for ${ask.means} (${lead} hours)`);
}

const CHECKS: Readonly<Record<GateName, Check>> = {
  vetting,
  'mri-safety': mriSafety,
  'kidney-function': kidneyFunction,
  'contrast-reaction': contrastReaction,
  metformin,
  pregnancy,
  weight,
  allergies,
  infection,
  transport,
  capacity,
};

/** Every gate that the examination has, in the order of SC-12. */
export function safetyGates(demand: Demand, opening: Opening, now: number): Gate[] {
  return (Object.keys(CHECKS) as GateName[]).flatMap((gate) => {
    const found = CHECKS[gate](demand, opening, now);
    return found === null ? [] : [{ gate, ...found }];
  });
}

/** The gates that keep a state from being reached: what keeps from an offer keeps from all behind it. */
export function gatesBlocking(gates: readonly Gate[], state: 'offer' | 'confirm'): Gate[] {
  return gates.filter(({ blocks }) => blocks === 'offer' || blocks === state);
}
