/**
 * What of the network one asker is shown: facts from the rows, the decision from hub/access/decide.ts.
 *
 *   study, report, order ─► its person ─► restrictions, relationships, emergency access ─► decide ─► shown │ withheld
 *
 * A discloser is made for one question: each person is looked at once, and why things were shown is kept for the
 * audit trail. It never says whose record was hidden, only as much as ID-20 to ID-22 let it.
 */
import type { Clock } from '../../shared/clock.ts';
import type { Sqlite } from '../../shared/sqlite/open.ts';
import { statement } from '../../shared/sqlite/statement.ts';
import {
  type Confidentiality,
  type Decision,
  decide,
  isNetworkMachine,
  type PatientFacts,
  strictest,
} from '../access/decide.ts';
import type { Principal } from '../access/rules.ts';
import { findIdentity, type Identity, type IdentityKey, keyText } from '../identity/identities.ts';
import { personOf } from '../identity/persons.ts';
import type { StudyRow, StudyView } from '../search/rows.ts';
import { glassInForce } from './glass.ts';
import { relationshipsOf } from './relationships.ts';
import {
  isSensitive,
  levelOfReport,
  levelOfStudy,
  levelsOfPatient,
  type ReportAsked,
} from './restrictions.ts';

export interface DisclosureOptions {
  readonly db: Sqlite;
  readonly clock: Clock;
  /** hub.yaml `access`. */
  readonly config: {
    readonly daysAfterCare: number;
    readonly region: string;
    readonly workstations: 'trust' | 'relationship';
  };
}

/** How much was left out, as far as it may be said. */
export interface WithheldNote {
  /** Of other trusts, with which nothing makes the asker concerned. */
  readonly unrelated: number;
  /** Of patients or studies that are restricted: region and month are all that is said. ID-21 */
  readonly restricted: readonly { readonly region: string; readonly month: string | null }[];
}

interface PersonFacts extends PatientFacts {
  readonly members: readonly IdentityKey[];
  readonly levels: ReadonlyMap<string, Confidentiality>;
}

/** A study as rows or views name it. */
interface StudyAsked {
  readonly studyInstanceUID: string;
  readonly home: string;
  /** The patient, as the trust names them whose word it is. */
  readonly patient: IdentityKey & { readonly nhsNumber: string | null };
  readonly isHeldHere: boolean;
}

export class Disclosure {
  readonly #options: DisclosureOptions;

  constructor(options: DisclosureOptions) {
    this.#options = options;
  }

  to(asker: Principal): Discloser {
    return new Discloser(this.#options, asker, false);
  }

  /** A workstation of a trust, of whom only the trust is known. */
  toWorkstation(trust: string): Discloser {
    const asker = { name: `workstation at ${trust}`, role: 'edge', trust };
    return new Discloser(this.#options, asker, this.#options.config.workstations === 'trust');
  }
}

export class Discloser {
  readonly asker: Principal;
  readonly #options: DisclosureOptions;
  readonly #isVouchedFor: boolean;
  readonly #persons = new Map<string, PersonFacts>();
  readonly #bases = new Set<string>();
  #refused = 0;

  constructor(options: DisclosureOptions, asker: Principal, isVouchedFor: boolean) {
    this.#options = options;
    this.asker = asker;
    this.#isVouchedFor = isVouchedFor;
  }

  /** Why what was shown was shown, for the audit trail. */
  get bases(): readonly string[] {
    return [...this.#bases];
  }

  /** How many studies and records were asked for and not shown. */
  get refused(): number {
    return this.#refused;
  }

  study(study: StudyView): Decision {
    const { studyInstanceUID, home, copies, patient } = study;
    const trust = this.asker.trust;
    const isHeldHere = trust !== null && copies.some((copy) => copy.trust === trust);
    // Where the home has not told of it itself, the first copy's word is shown.
    const isCopyShown = study.warnings.some(({ code }) => code === 'HOME_UNKNOWN');
    const teller = isCopyShown ? (copies[0]?.trust ?? home) : home;
    return this.#study({
      ...{ studyInstanceUID, home, isHeldHere },
      patient: { ...patient, trust: teller },
    });
  }

  /** An order, a booking or a patient of a trust. */
  record(patient: IdentityKey): Decision {
    return this.#record(patient, 'N');
  }

  /** A report is kept as close as the studies that it is of. */
  report(report: ReportAsked): Decision {
    return this.#record(report, levelOfReport(this.#options.db, report));
  }

  /** Of the rows those that are shown, in their order, and what may be said of the rest. */
  chooseRows(rows: readonly StudyRow[]): {
    readonly shown: readonly StudyRow[];
    readonly withheld: WithheldNote;
  } {
    const note = new Note(this.#options.config.region);
    const shown = rows.filter((row) => {
      const decision = this.#study({
        ...{ studyInstanceUID: row.study_uid, home: row.home },
        patient: {
          ...{ trust: row.trust, patientId: row.patient_id, issuer: row.patient_issuer },
          nhsNumber: row.nhs_number,
        },
        isHeldHere: this.#holds(row),
      });
      note.take(decision, row.day);
      return decision.kind === 'shown';
    });
    return { shown, withheld: note };
  }

  /** What of a study that is shown may be told of other places. ID-21: they are where the patient lives or is seen. */
  masked<S extends StudyView>(study: S): S {
    const { home, patient } = study;
    const { isSensitive: isHidden, glassId } = this.#personOf({ ...patient, trust: home });
    if (!isHidden || glassId !== null) return study;
    return { ...study, copies: study.copies.filter(({ trust }) => trust === this.asker.trust) };
  }

  /** Kept closer than others: by the S-flag, or by its home. */
  isRestricted({ studyInstanceUID, home, patient }: StudyView): boolean {
    const person = this.#personOf({ ...patient, trust: home });
    const level = levelOfStudy(this.#options.db, studyInstanceUID, home);
    return person.isSensitive || strictest(level, person.levels.get(home) ?? 'N') !== 'N';
  }

  /** All numbers of the person, of all trusts. */
  membersOf(patient: IdentityKey): readonly IdentityKey[] {
    return this.#personOf(patient).members;
  }

  #record(patient: IdentityKey, level: Confidentiality): Decision {
    const person = this.#personOf(patient);
    return this.#noted(
      decide(this.asker, {
        ...{ home: patient.trust, isHeldHere: false, patient: person },
        confidentiality: strictest(level, person.levels.get(patient.trust) ?? 'N'),
      }),
    );
  }

  #study({ studyInstanceUID, home, patient, isHeldHere }: StudyAsked): Decision {
    const person = this.#personOf(patient);
    const level = levelOfStudy(this.#options.db, studyInstanceUID, home);
    return this.#noted(
      decide(this.asker, {
        ...{ home, isHeldHere, patient: person },
        confidentiality: strictest(level, person.levels.get(home) ?? 'N'),
      }),
    );
  }

  #noted(decision: Decision): Decision {
    if (decision.kind === 'shown') this.#bases.add(decision.basis);
    else this.#refused += 1;
    return decision;
  }

  #personOf(patient: IdentityKey & { readonly nhsNumber?: string | null }): PersonFacts {
    const key = keyText(patient);
    const known = this.#persons.get(key);
    if (known !== undefined) return known;
    const found = this.#factsOf(patient);
    // All numbers of a person are that person's.
    for (const member of [patient, ...found.members]) this.#persons.set(keyText(member), found);
    return found;
  }

  #factsOf(patient: IdentityKey & { readonly nhsNumber?: string | null }): PersonFacts {
    const { db, clock, config } = this.#options;
    const { trust } = this.asker;
    const now = clock.now();
    const identity = findIdentity(db, patient);
    const members: readonly Pick<Identity, keyof IdentityKey | 'nhsNumber'>[] =
      identity === undefined
        ? [{ ...patient, nhsNumber: patient.nhsNumber ?? null }]
        : personOf(db, identity).members;
    const { daysAfterCare } = config;
    const found = isNetworkMachine(this.asker)
      ? []
      : relationshipsOf(db, { members, trust, now, daysAfterCare });
    const vouched =
      this.#isVouchedFor && trust !== null ? [{ kind: 'workstation' as const, trust, id: '' }] : [];
    return {
      members,
      levels: levelsOfPatient(db, members),
      isSensitive: isSensitive(db, members),
      relationships: [...found, ...vouched],
      glassId: glassInForce(db, this.asker, { members, now }),
    };
  }

  #holds({ study_uid, home }: StudyRow): boolean {
    const { trust } = this.asker;
    if (trust === null || trust === home) return false;
    const sql = 'SELECT 1 AS one FROM studies WHERE trust = ? AND study_uid = ? AND home = ?';
    return statement(this.#options.db, sql).get(trust, study_uid, home) !== undefined;
  }
}

class Note implements WithheldNote {
  readonly #region: string;
  readonly restricted: { region: string; month: string | null }[] = [];
  unrelated = 0;

  constructor(region: string) {
    this.#region = region;
  }

  /** @param day YYYYMMDD, or `undated` */
  take(decision: Decision, day: string): void {
    if (decision.kind === 'shown') return;
    if (decision.why === 'relationship') this.unrelated += 1;
    if (decision.why !== 'restricted') return;
    const month = /^\d{8}$/.test(day) ? `${day.slice(0, 4)}-${day.slice(4, 6)}` : null;
    this.restricted.push({ region: this.#region, month });
  }
}
