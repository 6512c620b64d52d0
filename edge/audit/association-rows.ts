/**
 * What an association did so far, and the rows that tell it: one for each patient whose objects went, one for each
 * different question. PS3.15 A.5.3.3, A.5.3.7 and A.5.3.10.
 */
import type {
  AuditContent,
  AuditEnd,
  AuditEntry,
  AuditEvent,
  AuditIdentifier,
  AuditMove,
} from '../../shared/audit/entry.ts';
import type { AssociationPeer } from '../ul/association.ts';
import type { Subjects } from './subject-of.ts';

/** Of one association: more are counted, and not named. */
export const MAX_NAMED = 1_000;

export type Verb = 'C-STORE' | 'C-FIND' | 'C-MOVE' | 'C-GET';

const KINDS: Readonly<Record<Verb, readonly [AuditEvent, AuditEntry['action']]>> = {
  'C-STORE': ['transfer', 'C'],
  'C-FIND': ['search', 'E'],
  'C-MOVE': ['transfer', 'R'],
  'C-GET': ['transfer', 'R'],
};

/** What one row tells. */
export interface Did {
  readonly verb: Verb;
  readonly moved: AuditMove;
  readonly identifier?: AuditIdentifier;
  count: number;
  failed: number;
  readonly patients: Set<string>;
  readonly studies: Set<string>;
  readonly homes: Set<string>;
  readonly asked: object[];
  /** C-STORE: instances by study and SOP class. */
  readonly stored: Map<string, Map<string, number>>;
  /** C-MOVE, C-GET: what was sent, by study. */
  readonly sent: Map<string, number>;
  /** Studies of which it was told that they begin to go; '': those that the question does not name. */
  readonly begun: Set<string>;
}

export class AssociationRows {
  readonly #peer: AssociationPeer;
  readonly #did = new Map<string, Did>();

  constructor(peer: AssociationPeer) {
    this.#peer = peer;
  }

  /** The row of this kind, for this patient or question; of too many, the one that counts the others. */
  of(verb: Verb, about: string, given: Pick<Did, 'moved' | 'identifier'>): Did {
    const isKnown = this.#did.has(`${verb} ${about}`) || this.#did.size < MAX_NAMED;
    const key = isKnown ? `${verb} ${about}` : verb;
    const did = this.#did.get(key) ?? this.#begin(verb, isKnown ? given : { moved: given.moved });
    this.#did.set(key, did);
    return did;
  }

  #begin(verb: Verb, given: Pick<Did, 'moved' | 'identifier'>): Did {
    return {
      ...{ verb, ...given, count: 0, failed: 0, asked: [] },
      ...{ patients: new Set(), studies: new Set(), homes: new Set() },
      ...{ stored: new Map(), sent: new Map(), begun: new Set() },
    };
  }

  entries(subjects: Subjects): AuditEntry[] {
    return [...this.#did.values()].map((one) => {
      const [event, action] = KINDS[one.verb];
      const contents = contentsOf(one, subjects);
      return {
        ...this.#entry(one, { event, action }),
        ...(contents.length === 0 ? {} : { contents }),
      };
    });
  }

  /** That what was asked for begins to go; undefined: it was told. A workstation may ask for each image of a study. */
  beginning(one: Did, study: string): AuditEntry | undefined {
    if (one.begun.has(study) || one.begun.size >= MAX_NAMED) return undefined;
    one.begun.add(study);
    const entry = this.#entry(one, { event: 'transfer-begun', action: 'E' });
    return study === '' ? entry : { ...entry, studies: [study] };
  }

  #entry(one: Did, kind: Pick<AuditEntry, 'event' | 'action'>): AuditEntry {
    const { callingAETitle, calledAETitle, host, associationId } = this.#peer;
    const { verb, count, failed, asked, moved, identifier } = one;
    const isBegun = kind.event === 'transfer-begun';
    return {
      ...{ ...kind, outcome: failed === 0 || isBegun ? 0 : 4, code: null, moved },
      ...{ user: callingAETitle, role: 'DICOM', trust: null, address: host, purpose: null },
      what: `${verb} to ${calledAETitle}`,
      query: {
        ...{ association: associationId, ...(isBegun ? {} : { count, failed }) },
        ...(asked.length === 0 ? {} : { asked: isBegun ? asked.slice(-1) : [...asked] }),
      },
      ...{ patients: [...one.patients], studies: [...one.studies], homes: [...one.homes] },
      ...(identifier === undefined ? {} : { identifier }),
    };
  }
}

function contentsOf({ stored, sent }: Did, subjects: Subjects): AuditContent[] {
  const homeOf = (study: string) => subjects.ofStudy(study)[0];
  return [
    ...[...stored].map(([study, classes]) => ({
      ...{ study, accession: homeOf(study)?.accession ?? null },
      instances: Object.fromEntries(classes),
    })),
    ...[...sent].flatMap(([study, counted]) => {
      const home = homeOf(study)?.home;
      const unknown = { study, accession: null, instances: { '': counted } };
      return home === undefined ? [unknown] : [subjects.contentOf({ study, home }, counted)];
    }),
  ];
}

/** Names whose studies they are, as far as there is room. */
export function nameIn(
  one: Did,
  subjects: readonly { study?: string; home?: string; patient: string }[],
): void {
  for (const { study, home, patient } of subjects) {
    if (study !== undefined && one.studies.size < MAX_NAMED) one.studies.add(study);
    if (one.patients.size < MAX_NAMED) one.patients.add(patient);
    if (home !== undefined) one.homes.add(home);
  }
}

/** From here to who asked, or to a third. */
export const sentTo = (to: AuditEnd): AuditMove => ({ from: 'here', to });
export const FROM_PEER: AuditMove = { from: 'user', to: 'here' };
