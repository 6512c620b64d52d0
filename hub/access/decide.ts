/**
 * Who sees whose data: the one decision that every page, route, feed and federated answer asks. Default deny.
 * SE-04, ID-20 to ID-22 of the domain notes; architecture.md, rule 10.
 *
 *   role (rules.ts) ─► organisation ─► restriction ─► relationship ─► break-glass ─► shown, and why │ withheld
 *
 * Pure: what is known of the patient comes in; hub/relations finds it.
 */
import { type Principal, ROLES } from './rules.ts';

/** What makes a trust concerned with a patient. */
export type RelationshipKind =
  | 'order'
  | 'request'
  | 'booking'
  | 'appointment'
  | 'admission'
  | 'mdt-list'
  | 'fetch'
  /** The trust answers for who looks at its workstations. */
  | 'workstation';

export interface Relationship {
  readonly kind: RelationshipKind;
  /** The trust that is concerned. */
  readonly trust: string;
  /** Names it, for the audit trail. */
  readonly id: string;
}

/** HL7 table 0177: normal, restricted, very restricted. */
export const CONFIDENTIALITIES = ['N', 'R', 'V'] as const;
export type Confidentiality = (typeof CONFIDENTIALITIES)[number];

/** What is known of the patient of a study, report, order or booking, for one asker. */
export interface PatientFacts {
  /** Those of the asker's trust; of somebody who works for the network, those of any trust. */
  readonly relationships: readonly Relationship[];
  /** The asker's own emergency access to this patient that is in force; null: none. */
  readonly glassId: string | null;
  /** The S-flag: where the patient lives, is seen and was imaged must not be told. */
  readonly isSensitive: boolean;
}

/** Whose record is asked for. */
export interface SubjectFacts {
  /** The trust whose record it is. */
  readonly home: string;
  /** The asker's trust holds a copy. */
  readonly isHeldHere: boolean;
  /** As its home has restricted the study, or the patient. */
  readonly confidentiality: Confidentiality;
  readonly patient: PatientFacts;
}

/** Why something is shown, in the words of the audit trail: `order A123 of RJE`, `break-glass …`. */
export type Basis = string;

export type Decision =
  | { readonly kind: 'shown'; readonly basis: Basis }
  | { readonly kind: 'withheld'; readonly why: Withheld };

/**
 * `relationship`: nothing is known that makes the asker concerned. `restricted`: it is, and restricted too: what
 * is said is region and month. `hidden`: that there is anything is not said either.
 */
export type Withheld = 'relationship' | 'restricted' | 'hidden';

/** An account of a machine of the network, not of a trust: it acts for all of them, within its role. */
export const isNetworkMachine = ({ role, trust, method }: Principal): boolean =>
  trust === null && method === undefined && ROLES.some((known) => known === role);

export function decide(asker: Principal, subject: SubjectFacts): Decision {
  const { home, patient, confidentiality: level } = subject;
  const isOwn = asker.trust !== null && home === asker.trust;
  // What the law or its home keeps to itself crosses to nobody; at home it takes a reason that is reviewed.
  if (level === 'V')
    return isOwn ? (byGlass(patient) ?? withheld('restricted')) : withheld('hidden');
  if (isOwn) return shown(ownText(subject));
  if (patient.isSensitive || level === 'R')
    return (
      byGlass(patient) ?? withheld(isConcerned(asker, subject) ? 'restricted' : 'relationship')
    );
  if (isNetworkMachine(asker)) return shown('account of the network');
  if (subject.isHeldHere) return shown(`copy at ${asker.trust}`);
  const [first] = patient.relationships;
  if (first !== undefined) return shown(relationshipText(first));
  return byGlass(patient) ?? withheld('relationship');
}

const shown = (basis: Basis): Decision => ({ kind: 'shown', basis });
/** Who looks at a flagged patient at home stands in the trail so that the privacy officer finds it. ID-21 */
const ownText = ({ home, patient }: SubjectFacts): Basis =>
  `own record of ${home}${patient.isSensitive ? ', S-flag' : ''}`;
const withheld = (why: Withheld): Decision => ({ kind: 'withheld', why });

const byGlass = ({ glassId }: PatientFacts): Decision | undefined =>
  glassId === null ? undefined : shown(`break-glass ${glassId}`);

/** Without restriction it would be shown. */
const isConcerned = (asker: Principal, { isHeldHere, patient }: SubjectFacts): boolean =>
  isNetworkMachine(asker) || isHeldHere || patient.relationships.length > 0;

export const relationshipText = ({ kind, id, trust }: Relationship): Basis =>
  kind === 'workstation' ? `workstation of ${trust}` : `${kind} ${id} of ${trust}`;

export const strictest = (a: Confidentiality, b: Confidentiality): Confidentiality =>
  CONFIDENTIALITIES.indexOf(a) > CONFIDENTIALITIES.indexOf(b) ? a : b;
