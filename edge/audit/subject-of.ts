/** Whose study it is, as the trail names patients; and what of it there is. */
import { type AuditContent, auditedPatient } from '../../shared/audit/entry.ts';
import { readNhsNumber } from '../../shared/nhs-number.ts';
import type { Sqlite } from '../../shared/sqlite/open.ts';

export interface StudySubject {
  readonly study: string;
  readonly home: string;
  readonly patient: string;
  readonly accession: string | null;
}

interface Row {
  readonly study: string;
  readonly home: string;
  readonly patientId: string;
  readonly issuer: string;
  readonly nhsNumber: string | null;
  readonly accession: string | null;
}

export interface Subjects {
  /** One for each trust whose study is here; none: it is not. */
  ofStudy(studyInstanceUID: string): StudySubject[];
  /** As the source's trust names the patient of a fetch; none: its source has not told yet. */
  ofFetch(fetchId: string): string[];
  /** As the trail names those who have the number here; none: nobody. */
  withNumber(patientId: string): string[];
  /**
   * @param counted how many instances went; undefined: all that are here
   * @returns by SOP class where that is all there is, else their number alone
   */
  contentOf(study: { study: string; home: string }, counted?: number): AuditContent;
}

export function openSubjects(db: Sqlite): Subjects {
  const columns = `study_uid AS study, home, patient_id AS patientId, issuer, nhs_number AS nhsNumber,
    nullif(accession_number, '') AS accession`;
  const byStudy = db.prepare<[string], Row>(`SELECT ${columns} FROM studies WHERE study_uid = ?`);
  const byNumber = db.prepare<[string], Row>(
    `SELECT ${columns} FROM studies WHERE patient_id = ? GROUP BY patient_id, issuer, nhs_number`,
  );
  const classes = db.prepare<[string, string], { uid: string; instances: number }>(
    `SELECT sop_class_uid AS uid, count(*) AS instances
     FROM studies JOIN series USING (study_key) JOIN instances USING (series_key)
     WHERE study_uid = ? AND studies.home = ? AND missing_since IS NULL
     GROUP BY sop_class_uid ORDER BY sop_class_uid`,
  );
  const sourcePatient = db
    .prepare<[string], string | null>('SELECT source_patient FROM fetches WHERE fetch_id = ?')
    .pluck();
  const subject = ({ study, home, accession, ...patient }: Row): StudySubject => ({
    ...{ study, home, accession, patient: auditedPatient(patient) },
  });
  const ofStudy = (uid: string): StudySubject[] => byStudy.all(uid).map(subject);
  return {
    ofStudy,
    ofFetch: (fetchId) => {
      const told = sourcePatient.get(fetchId) ?? null;
      return told === null ? [] : [auditedPatient(JSON.parse(told))];
    },
    withNumber: (id) => {
      const nhsNumber = readNhsNumber(id);
      const local = byNumber.all(id).map((row) => subject(row).patient);
      return [...new Set(nhsNumber === null ? local : [...local, nhsNumber])];
    },
    contentOf: ({ study, home }, counted) => {
      const accession = ofStudy(study).find((one) => one.home === home)?.accession ?? null;
      const held = classes.all(study, home);
      const all = held.reduce((sum, { instances }) => sum + instances, 0);
      const instances =
        counted === undefined || counted === all
          ? Object.fromEntries(held.map((one) => [one.uid, one.instances]))
          : { '': counted };
      return { study, accession, instances };
    },
  };
}
