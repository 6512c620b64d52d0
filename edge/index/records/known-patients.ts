/**
 * Patients as PAS and RIS tell them. A merge is a pointer from the prior number to the one in force, so
 * that orders, reports and studies stay where they are and an unmerge takes nothing apart. ID-13, ID-14.
 */
import type { EventBody, Patient, PatientEvent } from '../../../shared/contract/events.ts';
import type { Sqlite } from '../../../shared/sqlite/open.ts';
import type { PatientFacts, PatientKey } from './types.ts';

export interface Telling {
  /** RFC 3339. */
  readonly asOf: string;
  /** Milliseconds since the epoch. */
  readonly now: number;
}

interface Row {
  readonly patientId: string;
  readonly issuer: string;
  readonly nhsNumber: string | null;
  readonly nhsStatus: string | null;
  readonly name: string | null;
  readonly birthDate: string | null;
  readonly sex: string | null;
  readonly postcode: string | null;
  readonly isDeceased: number;
  readonly isRestricted: number;
  readonly isDeleted: number;
  readonly mergedIntoId: string | null;
  readonly mergedIntoIssuer: string | null;
  readonly mergedAsOf: string | null;
  readonly asOf: string;
}

/** Chains of merges longer than this are damage. */
const MAX_CHAIN = 100;
/** An element that the PAS emptied: kept apart from one that nobody spoke of. */
const EMPTIED = '';

export class KnownPatients {
  readonly #statements: ReturnType<typeof prepareStatements>;

  constructor(db: Sqlite) {
    this.#statements = prepareStatements(db);
  }

  /** @returns true when it changed what is held; an older telling adds only what was not known */
  tell(facts: PatientFacts, { asOf, now }: Telling): boolean {
    const held = this.#statements.find.get(facts.patientId, facts.issuer);
    const isOlder = held !== undefined && asOf < held.asOf;
    const pick = <T>(told: T | null | undefined, before: T | null | undefined): T | null => {
      const said = told === null ? (EMPTIED as T) : told;
      return (isOlder ? (before ?? said) : (said ?? before)) ?? null;
    };
    const flag = (told: boolean | undefined, before: number | undefined): number =>
      Number(isOlder ? (before ?? told ?? 0) : (told ?? before ?? 0));
    const next = {
      patientId: facts.patientId,
      issuer: facts.issuer,
      nhsNumber: pick(facts.nhsNumber, held?.nhsNumber),
      nhsStatus: pick(facts.nhsStatus, held?.nhsStatus),
      name: pick(facts.name, held?.name),
      birthDate: pick(facts.birthDate, held?.birthDate),
      sex: pick(facts.sex, held?.sex),
      postcode: pick(facts.postcode, held?.postcode),
      isDeceased: flag(facts.isDeceased, held?.isDeceased),
      isRestricted: flag(facts.isRestricted, held?.isRestricted),
      isDeleted: flag(facts.isDeleted ?? false, held?.isDeleted),
    };
    const asOfKept = isOlder ? held.asOf : asOf;
    this.#statements.put.run({ ...next, asOf: asOfKept, now });
    return (
      held === undefined ||
      Object.entries(next).some(([name, value]) => held[name as keyof Row] !== value)
    );
  }

  /**
   * `prior` becomes a name of `survivor`; either may be unknown yet. An older merge than the one that is
   * in force for `prior` changes nothing.
   *
   * @returns the numbers that changed
   */
  merge(survivor: PatientKey, prior: PatientKey, { asOf, now }: Telling): PatientKey[] {
    if (isSame(survivor, prior)) return [];
    this.#statements.ensure.run({ ...prior, now });
    const held = this.#statements.find.get(prior.patientId, prior.issuer);
    if (held?.mergedAsOf && held.mergedAsOf > asOf) return [];
    if (held?.mergedIntoId === survivor.patientId && held.mergedIntoIssuer === survivor.issuer)
      return [];
    const changed = [prior];
    // Told the other way round before: the newer telling counts.
    if (isSame(this.inForce(survivor), prior)) {
      const { mergedAsOf } = this.#statements.find.get(survivor.patientId, survivor.issuer) ?? {};
      if (mergedAsOf && mergedAsOf > asOf) return [];
      this.#part(survivor, { asOf, now });
      changed.push(survivor);
    }
    this.#statements.point.run({
      ...{ ...prior, asOf, now, intoId: survivor.patientId, intoIssuer: survivor.issuer },
    });
    this.#note('merge', { survivor, prior }, { asOf, now });
    return changed;
  }

  /** Undoes the merge of the two, whichever of them it was that went. @returns the numbers that changed */
  unmerge(first: PatientKey, second: PatientKey, telling: Telling): PatientKey[] {
    return [
      [first, second],
      [second, first],
    ].flatMap(([prior, survivor]) => {
      const held = prior && this.#statements.find.get(prior.patientId, prior.issuer);
      if (prior === undefined || survivor === undefined || held === undefined) return [];
      if (held.mergedIntoId !== survivor.patientId || held.mergedIntoIssuer !== survivor.issuer)
        return [];
      if ((held.mergedAsOf ?? '') > telling.asOf) return [];
      this.#part(prior, telling);
      return [prior];
    });
  }

  #part(prior: PatientKey, telling: Telling): void {
    const { mergedIntoId, mergedIntoIssuer } =
      this.#statements.find.get(prior.patientId, prior.issuer) ?? {};
    if (!mergedIntoId) return;
    const survivor = { patientId: mergedIntoId, issuer: mergedIntoIssuer ?? '' };
    this.#statements.point.run({ ...prior, ...telling, intoId: null, intoIssuer: null });
    this.#note('unmerge', { survivor, prior }, telling);
  }

  #note(
    kind: string,
    { survivor, prior }: { survivor: PatientKey; prior: PatientKey },
    { asOf, now }: Telling,
  ): void {
    this.#statements.note.run(
      ...([
        prior.patientId,
        prior.issuer,
        survivor.patientId,
        survivor.issuer,
        kind,
        asOf,
        now,
      ] as const),
    );
  }

  /** The number under which the person goes now. */
  inForce(key: PatientKey): PatientKey {
    let current = key;
    for (let step = 0; step < MAX_CHAIN; step += 1) {
      const row = this.#statements.find.get(current.patientId, current.issuer);
      if (!row?.mergedIntoId) break;
      current = { patientId: row.mergedIntoId, issuer: row.mergedIntoIssuer ?? '' };
    }
    return { patientId: current.patientId, issuer: current.issuer };
  }

  /** As an event names the patient; what is not known is null. */
  patientOf({ patientId, issuer }: PatientKey): Patient {
    const row = this.#statements.find.get(patientId, issuer);
    return {
      ...{ patientId, issuer },
      nhsNumber: row?.nhsNumber || null,
      name: row?.name || null,
      birthDate: row?.birthDate || null,
      sex: row?.sex || null,
    };
  }

  /** @returns undefined for one that is not known */
  eventOf(key: PatientKey): EventBody<PatientEvent> | undefined {
    const row = this.#statements.find.get(key.patientId, key.issuer);
    if (row === undefined) return undefined;
    const isRestricted = row.isRestricted === 1;
    return {
      kind: 'patient',
      patient: this.patientOf(key),
      nhsNumberStatus: row.nhsStatus || null,
      postcode: isRestricted ? null : row.postcode || null,
      deceased: row.isDeceased === 1,
      restricted: isRestricted,
      deleted: row.isDeleted === 1,
      mergedInto: row.mergedIntoId
        ? { patientId: row.mergedIntoId, issuer: row.mergedIntoIssuer ?? '' }
        : null,
      asOf: row.asOf,
    };
  }

  keysAfter(after: PatientKey, limit: number): PatientKey[] {
    return this.#statements.after.all(after.patientId, after.issuer, limit);
  }
}

export const isSame = (a: PatientKey, b: PatientKey): boolean =>
  a.patientId === b.patientId && a.issuer === b.issuer;

function prepareStatements(db: Sqlite) {
  return {
    find: db.prepare<[string, string], Row>(
      `SELECT patient_id AS patientId, issuer, nhs_number AS nhsNumber, nhs_status AS nhsStatus,
         patient_name AS name, birth_date AS birthDate, sex, postcode, is_deceased AS isDeceased,
         is_restricted AS isRestricted, is_deleted AS isDeleted, merged_into_id AS mergedIntoId,
         merged_into_issuer AS mergedIntoIssuer, merged_as_of AS mergedAsOf, as_of AS asOf
       FROM known_patients WHERE patient_id = ? AND issuer = ?`,
    ),
    put: db.prepare<[object]>(
      `INSERT INTO known_patients (patient_id, issuer, nhs_number, nhs_status, patient_name,
         birth_date, sex, postcode, is_deceased, is_restricted, is_deleted, as_of, updated_at)
       VALUES (@patientId, @issuer, @nhsNumber, @nhsStatus, @name, @birthDate, @sex, @postcode,
         @isDeceased, @isRestricted, @isDeleted, @asOf, @now)
       ON CONFLICT DO UPDATE SET nhs_number = excluded.nhs_number, nhs_status = excluded.nhs_status,
         patient_name = excluded.patient_name, birth_date = excluded.birth_date,
         sex = excluded.sex, postcode = excluded.postcode, is_deceased = excluded.is_deceased,
         is_restricted = excluded.is_restricted, is_deleted = excluded.is_deleted,
         as_of = excluded.as_of, updated_at = excluded.updated_at`,
    ),
    ensure: db.prepare<[object]>(
      `INSERT INTO known_patients (patient_id, issuer, as_of, updated_at)
       VALUES (@patientId, @issuer, '1970-01-01T00:00:00.000Z', @now) ON CONFLICT DO NOTHING`,
    ),
    point: db.prepare<[object]>(
      `UPDATE known_patients SET merged_into_id = @intoId, merged_into_issuer = @intoIssuer,
         merged_as_of = @asOf, updated_at = @now WHERE patient_id = @patientId AND issuer = @issuer`,
    ),
    note: db.prepare<[string, string, string, string, string, string, number]>(
      `INSERT INTO patient_merges (prior_id, prior_issuer, survivor_id, survivor_issuer, kind, as_of,
         told_at) VALUES (?, ?, ?, ?, ?, ?, ?)`,
    ),
    after: db.prepare<[string, string, number], PatientKey>(
      `SELECT patient_id AS patientId, issuer FROM known_patients
       WHERE (patient_id, issuer) > (?, ?) ORDER BY patient_id, issuer LIMIT ?`,
    ),
  };
}
