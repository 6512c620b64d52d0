/**
 * Studies that this trust keeps closer than others, as its own systems tell: of patients with the S-flag, by any
 * of their numbers, and those whose order (ORC-28) or own objects (0040,3001) said so. What people restrict at the hub, only the hub knows.
 */
import type { Sqlite } from '../../shared/sqlite/open.ts';

export function isRestricted(db: Sqlite, studyInstanceUID: string): boolean {
  const sql = `SELECT 1 FROM studies s WHERE s.study_uid = ? AND (s.confidentiality IS NOT NULL
      OR EXISTS (SELECT 1 FROM known_patients p WHERE p.patient_id = s.patient_id AND p.issuer = s.issuer
        AND p.is_restricted = 1)
      OR EXISTS (SELECT 1 FROM known_patients p WHERE p.nhs_number = s.nhs_number AND p.is_restricted = 1)
      OR EXISTS (SELECT 1 FROM known_patients p JOIN known_patients q
        ON q.patient_id = p.merged_into_id AND q.issuer = p.merged_into_issuer
        WHERE p.patient_id = s.patient_id AND p.issuer = s.issuer AND q.is_restricted = 1)
      OR EXISTS (SELECT 1 FROM orders o WHERE o.accession_number = s.accession_number
        AND o.confidentiality IN ('R', 'V'))
      OR EXISTS (SELECT 1 FROM orders o WHERE o.study_uid = s.study_uid
        AND o.confidentiality IN ('R', 'V')))`;
  return db.prepare(sql).get(studyInstanceUID) !== undefined;
}
