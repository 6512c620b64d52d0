/** Whose study it is, as the trail names patients. */
import { auditedPatient } from '../../shared/audit/entry.ts';
import type { Sqlite } from '../../shared/sqlite/open.ts';

export interface StudySubject {
  readonly study: string;
  readonly home: string;
  readonly patient: string;
}

interface Row {
  readonly study: string;
  readonly home: string;
  readonly patientId: string;
  readonly issuer: string;
  readonly nhsNumber: string | null;
}

export interface Subjects {
  /** One for each trust whose study is here; none: it is not. */
  ofStudy(studyInstanceUID: string): StudySubject[];
}

export function openSubjects(db: Sqlite): Subjects {
  const byStudy = db.prepare<[string], Row>(
    `SELECT study_uid AS study, home, patient_id AS patientId, issuer, nhs_number AS nhsNumber
     FROM studies WHERE study_uid = ?`,
  );
  const subject = ({ study, home, ...patient }: Row): StudySubject => ({
    ...{ study, home, patient: auditedPatient(patient) },
  });
  return { ofStudy: (uid) => byStudy.all(uid).map(subject) };
}
