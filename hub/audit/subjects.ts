/** Whose data an answer shows, in the words of the audit trail. */
import { type AuditSubjects, auditedPatient } from '../../shared/audit/entry.ts';
import type { Sqlite } from '../../shared/sqlite/open.ts';
import type { FetchView } from '../fetch/order.ts';
import type { PatientView } from '../search/rows.ts';
import { findStudy } from '../search/study.ts';

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
