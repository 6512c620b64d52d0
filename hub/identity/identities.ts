/**
 * A trust's patient, as the hub knows it: what PAS and RIS tell, and, for whom they do not speak of, what
 * the trust's own studies name. SQL.
 */
import type { Sqlite } from '../../shared/sqlite/open.ts';
import { statement } from '../../shared/sqlite/statement.ts';
import type { Evidence } from './compare.ts';

export interface IdentityKey {
  readonly trust: string;
  readonly patientId: string;
  readonly issuer: string;
}

export interface Identity extends IdentityKey, Evidence {
  readonly deceased: boolean;
  readonly restricted: boolean;
  /** The number of the same trust that took this one's place. */
  readonly mergedInto: { readonly patientId: string; readonly issuer: string } | null;
  /** False: only studies name it. */
  readonly isTold: boolean;
}

interface Row extends IdentityKey, Evidence {
  readonly deceased: number;
  readonly restricted: number;
  readonly mergedIntoId: string | null;
  readonly mergedIntoIssuer: string | null;
  readonly isTold: number;
}

export const keyText = ({ trust, issuer, patientId }: IdentityKey): string =>
  [trust, issuer, patientId].map(encodeURIComponent).join('/');

export function keyOfText(text: string): IdentityKey | null {
  const parts = text.split('/').map(decodeURIComponent);
  const [trust, issuer, patientId] = parts;
  if (parts.length !== 3 || !trust || !issuer || patientId === undefined) return null;
  return { trust, issuer, patientId };
}

const TOLD = `SELECT trust, patient_id AS patientId, issuer, nhs_number AS nhsNumber,
  nhs_status AS nhsStatus, patient_name AS name, birth_date AS birthDate, sex, postcode, deceased,
  restricted, merged_into_id AS mergedIntoId, merged_into_issuer AS mergedIntoIssuer, 1 AS isTold
  FROM patients`;
const NAMED_BY_STUDIES = `SELECT trust, patient_id AS patientId, patient_issuer AS issuer,
  max(nhs_number) AS nhsNumber, NULL AS nhsStatus, max(patient_name) AS name,
  max(birth_date) AS birthDate, max(sex) AS sex, NULL AS postcode, 0 AS deceased, 0 AS restricted,
  NULL AS mergedIntoId, NULL AS mergedIntoIssuer, 0 AS isTold FROM studies s`;
const NOT_TOLD = `NOT EXISTS (SELECT 1 FROM patients p WHERE p.trust = s.trust
  AND p.patient_id = s.patient_id AND p.issuer = s.patient_issuer AND p.nhs_number IS NOT NULL)`;
const GROUPED = 'GROUP BY trust, patient_id, patient_issuer';

/** Those of whom their own trust says this number; a copy's number is not the home's word. */
export function withNhsNumber(db: Sqlite, nhsNumber: string): Identity[] {
  const sql = `${TOLD} WHERE nhs_number = @nhsNumber AND deleted = 0
    UNION ALL ${NAMED_BY_STUDIES} WHERE s.nhs_number = @nhsNumber AND s.trust = s.home AND ${NOT_TOLD}
    ${GROUPED}`;
  return statement<Row>(db, sql).all({ nhsNumber }).map(identityOf);
}

export function findIdentity(db: Sqlite, key: IdentityKey): Identity | undefined {
  const told = statement<Row>(db, `${TOLD} WHERE trust = ? AND patient_id = ? AND issuer = ?`).get(
    key.trust,
    key.patientId,
    key.issuer,
  );
  if (told !== undefined) return identityOf(told);
  const named = statement<Row>(
    db,
    `${NAMED_BY_STUDIES} WHERE s.trust = ? AND s.patient_id = ? AND s.patient_issuer = ?
       AND s.trust = s.home ${GROUPED}`,
  ).get(key.trust, key.patientId, key.issuer);
  return named && identityOf(named);
}

/** Numbers of the same trust that were merged into this one. */
export function mergedInto(db: Sqlite, { trust, patientId, issuer }: IdentityKey): Identity[] {
  return statement<Row>(
    db,
    // Else the planner looks through all patients of the trust.
    `${TOLD} INDEXED BY patients_merged
     WHERE trust = ? AND merged_into_id = ? AND merged_into_issuer = ?`,
  )
    .all(trust, patientId, issuer)
    .map(identityOf);
}

/** Patients of a trust, numbers in force, with this NHS number or birth date; at most 500. */
export function inForceAt(
  db: Sqlite,
  trust: string,
  { nhsNumber, birthDate }: Pick<Evidence, 'nhsNumber' | 'birthDate'>,
): Identity[] {
  return db
    .prepare<[object], Row>(
      `${TOLD} WHERE trust = @trust AND deleted = 0 AND merged_into_id IS NULL
         AND (nhs_number = @nhsNumber OR birth_date = @birthDate) LIMIT 500`,
    )
    .all({ trust, nhsNumber, birthDate })
    .map(identityOf);
}

/** Others who may be the same person: the same number, or born on the same day with the same postcode. */
export function candidatesOf(db: Sqlite, one: Identity): Identity[] {
  const found = one.nhsNumber === null ? [] : withNhsNumber(db, one.nhsNumber);
  const alike =
    one.postcode === null || one.birthDate === null
      ? []
      : db
          .prepare<[string, string], Row>(
            `${TOLD} WHERE birth_date = ? AND postcode = ? AND deleted = 0 LIMIT 50`,
          )
          .all(one.birthDate, one.postcode)
          .map(identityOf);
  const byKey = new Map([...found, ...alike].map((identity) => [keyText(identity), identity]));
  byKey.delete(keyText(one));
  return [...byKey.values()];
}

function identityOf({
  mergedIntoId,
  mergedIntoIssuer,
  deceased,
  restricted,
  isTold,
  ...row
}: Row): Identity {
  return {
    ...row,
    deceased: deceased === 1,
    restricted: restricted === 1,
    isTold: isTold === 1,
    mergedInto:
      mergedIntoId === null ? null : { patientId: mergedIntoId, issuer: mergedIntoIssuer ?? '' },
  };
}
