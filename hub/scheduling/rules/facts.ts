/**
 * What the rules of scheduling decide on. Everything is given, nothing looked up: a decision that is
 * stored with its facts can be made again. Domain rules SC-10 to SC-34.
 *
 * - **examination**: what is to be done, by its NICIP code
 * - **demand**: one request that waits, with what is known of the patient
 * - **place**: one resource (scanner, room, session) and the rules of its site
 * - **opening**: a slot at a place that could be taken
 *
 * Absent (undefined) is "nobody told", never "no".
 */

/** SC-15. P1, emergencies and inpatients, never enters the pool. */
export const BANDS = ['P1', 'P2', 'P3', 'P4', 'P5'] as const;
export type Band = (typeof BANDS)[number];

/** What a resource can do beyond its modality. SC-10. */
export const CAPABILITIES = [
  'contrast',
  'medic-on-site',
  'cardiac',
  'paediatric-anaesthesia',
  'wheelchair',
  'hoist',
  'bariatric',
  'wide-bore',
  'female-operator',
  'male-operator',
  'breast-biopsy',
  'interventional',
  'isolation',
] as const;
export type Capability = (typeof CAPABILITIES)[number];

/** What has to be done or ordered before the examination. SC-34. */
export const PREPARATIONS = [
  'fasting',
  'bloods',
  'bowel',
  'tracer',
  'interpreter',
  'transport',
  'mri-screening',
] as const;
export type Preparation = (typeof PREPARATIONS)[number];

export interface Examination {
  readonly code: string;
  readonly name: string;
  /** What is compared between sites: `CT contrast`, `MR`. */
  readonly group: string;
  /** DICOM modality, PS3.3 C.7.3.1.1.1. */
  readonly modality: string;
  readonly ionising: boolean;
  readonly contrast: boolean;
  readonly minutes: number;
  readonly needs: readonly Capability[];
  readonly preparations: readonly Preparation[];
  /** Materials that an allergy may be to. */
  readonly materials: readonly string[];
}

/** Answers to the site's MRI safety questionnaire. SC-12. */
export interface MriAnswers {
  readonly pacemaker?: 'none' | 'conditional' | 'unsafe';
  /** Other implants. */
  readonly implant?: 'none' | 'conditional' | 'unsafe';
  /** Tesla: the strongest field that a conditional device bears. */
  readonly maxTesla?: number;
  readonly aneurysmClip?: boolean;
  readonly metalInEye?: boolean;
  readonly firstTrimester?: boolean;
}

/** What is known of the patient's safety; all of it may be unknown. SC-12. */
export interface Safety {
  /** IR(ME)R: the examination is justified and vetted; `refused` by the practitioner. */
  readonly vetted?: boolean | 'refused';
  readonly mri?: MriAnswers;
  /** mL/min/1.73 m², and the day it was taken. */
  readonly egfr?: { readonly value: number; readonly on: string };
  readonly kidneyDisease?: boolean;
  readonly metformin?: boolean;
  readonly contrastReaction?: 'none' | 'mild' | 'severe';
  readonly pregnant?: boolean;
  readonly weightKg?: number;
  readonly allergies?: readonly string[];
  readonly infectious?: boolean;
  readonly needsTransport?: boolean;
  readonly capacity?: 'has' | 'best-interest-decided' | 'lacks';
}

/** SC-14. Absent: no wish. */
export interface Wishes {
  readonly transport?: 'car' | 'public';
  readonly maxTravelMinutes?: number;
  /** 1 Monday to 7 Sunday. */
  readonly days?: readonly number[];
  /** Hours of the day in the UK, from and to. */
  readonly hours?: readonly [number, number];
  readonly noticeHours?: number;
  readonly excludedTrusts?: readonly string[];
  readonly notBefore?: string;
  readonly notAfter?: string;
}

export interface Demand {
  readonly id: string;
  /** The trust that referred, and its examination. */
  readonly trust: string;
  readonly examination: Examination;
  readonly band: Band;
  /** RFC 3339: when the wait began, and when it breaches. */
  readonly since: string;
  readonly breachAt: string;
  /** YYYY-MM-DD. */
  readonly birthDate?: string;
  readonly sex?: 'M' | 'F';
  readonly safety: Safety;
  /** Capabilities, those above or words of the network's own. */
  readonly needs: readonly string[];
  /** Beyond those of the examination. */
  readonly preparations?: readonly Preparation[];
  readonly interpreter?: boolean;
  readonly wishes: Wishes;
  /** The patient agreed to be offered other trusts. SC-13. */
  readonly consentsElsewhere?: boolean;
}

/** SC-10, SC-12: what a resource bears, and how long its site needs beforehand. */
export interface Place {
  readonly resource: string;
  readonly trust: string;
  readonly modality: string;
  readonly capabilities: readonly string[];
  readonly tesla?: number;
  readonly maxWeightKg?: number;
  /** Hours before a slot; a site may need less or more than the network's usual. */
  readonly leadHours?: Partial<Readonly<Record<Preparation, number>>>;
  readonly egfrDays?: number;
}

export interface Opening {
  readonly id: string;
  readonly place: Place;
  /** RFC 3339. */
  readonly start: string;
  readonly minutes: number;
}

/** A rule's word on a demand and an opening; `rule` is stable, `reason` is for people. */
export interface Removal {
  readonly rule: string;
  readonly reason: string;
}

export const HOUR_MS = 3_600_000;
export const DAY_MS = 24 * HOUR_MS;

/** Hours from a moment to the slot; negative when it has begun. */
export const hoursTo = (start: string, now: number): number => (Date.parse(start) - now) / HOUR_MS;

/** Whole years at a day. @param birthDate YYYY-MM-DD */
export function ageOn(birthDate: string, on: string): number {
  const years = Number(on.slice(0, 4)) - Number(birthDate.slice(0, 4));
  return on.slice(5, 10) < birthDate.slice(5, 10) ? years - 1 : years;
}
