/** Whose data an answer shows, in the words of the audit trail. */
import {
  type AuditMove,
  type AuditNode,
  type AuditSubjects,
  auditedPatient,
  edgeOf,
} from '../../shared/audit/entry.ts';
import type { Sqlite } from '../../shared/sqlite/open.ts';
import type { FetchView } from '../fetch/order.ts';
import type { PatientView } from '../search/rows.ts';
import { findStudy } from '../search/study.ts';

interface Local {
  readonly patientId: string;
  readonly issuer: string;
}

/** Most in one answer; who has more is nobody. */
const MOST_NUMBERS = 200;

/**
 * All numbers under which the trail may name a person: what was looked at named the local one alone, or the link was
 * told later.
 *
 * @param number an NHS number, or `number^^^issuer`
 * @returns it first
 */
export function numbersOfPerson(db: Sqlite, number: string): string[] {
  const [patientId = '', issuer] = number.split('^^^');
  const nhsNumbers =
    issuer === undefined
      ? [number]
      : db
          .prepare<[string, string], string>(
            `SELECT DISTINCT nhs_number FROM patients
             WHERE patient_id = ? AND issuer = ? AND nhs_number IS NOT NULL LIMIT ${MOST_NUMBERS}`,
          )
          .pluck()
          .all(patientId, issuer);
  const locals = db.prepare<[string], Local>(
    `SELECT DISTINCT patient_id AS patientId, issuer FROM patients WHERE nhs_number = ?
     LIMIT ${MOST_NUMBERS}`,
  );
  const others = nhsNumbers.flatMap((nhsNumber) => [
    nhsNumber,
    ...locals.all(nhsNumber).map((local) => auditedPatient({ ...local, nhsNumber: null })),
  ]);
  return [...new Set([number, ...others])];
}

interface Shown {
  readonly studyInstanceUID: string;
  readonly home: string;
  readonly patient: Pick<PatientView, 'nhsNumber' | 'patientId' | 'issuer'>;
}

export const subjectsOfStudies = (studies: readonly Shown[]): AuditSubjects => ({
  patients: studies.map(({ patient }) => auditedPatient(patient)),
  studies: studies.map(({ studyInstanceUID }) => studyInstanceUID),
  homes: studies.map(({ home }) => home),
});

const edgeNode = (trust: string): AuditNode => ({
  ...{ kind: 'program', id: edgeOf(trust), address: null },
});

/** From the edge of a trust to the edge of another one. */
export const moveBetween = (home: string, to: string): AuditMove => ({
  ...{ from: edgeNode(home), to: edgeNode(to) },
});

/** Of fetches: the patients of their studies, and the trust that a study goes to. */
export function subjectsOfFetches(
  db: Sqlite,
  orders: readonly Pick<FetchView, 'studyInstanceUID' | 'home' | 'to'>[],
): AuditSubjects {
  const studies = orders.flatMap(({ studyInstanceUID, home }) =>
    findStudy(db, studyInstanceUID).filter((study) => study.home === home),
  );
  const { patients } = subjectsOfStudies(studies);
  return {
    patients,
    studies: orders.map(({ studyInstanceUID }) => studyInstanceUID),
    homes: orders.flatMap(({ home, to }) => [home, to.trust]),
  };
}
