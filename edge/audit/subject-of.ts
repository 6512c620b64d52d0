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
const COLUMNS =
  'st.study_uid AS study, st.home, st.patient_id AS patientId, st.issuer, st.nhs_number AS nhsNumber';

export interface Subjects {
  /** Of an object that is here; undefined: it is not. */
  ofInstance(sopInstanceUID: string): StudySubject | undefined;
  ofStudy(studyInstanceUID: string): StudySubject[];
}

export function openSubjects(db: Sqlite): Subjects {
  const byInstance = db.prepare<[string], Row>(
    `SELECT ${COLUMNS} FROM instances i JOIN series s USING (series_key)
     JOIN studies st USING (study_key) WHERE i.sop_uid = ? LIMIT 1`,
  );
  const byStudy = db.prepare<[string], Row>(
    `SELECT ${COLUMNS} FROM studies st WHERE st.study_uid = ?`,
  );
  const subject = ({ study, home, ...patient }: Row): StudySubject => ({
    ...{ study, home, patient: auditedPatient(patient) },
  });
  return {
    ofInstance: (uid) => {
      const row = byInstance.get(uid);
      return row && subject(row);
    },
    ofStudy: (uid) => byStudy.all(uid).map(subject),
  };
}
