/** The reports of a study: whoever reported it, as long as both are of one person. */
import type { Sqlite } from '../../shared/sqlite/open.ts';
import { findIdentity, type IdentityKey } from '../identity/identities.ts';
import { personOf } from '../identity/persons.ts';
import type { StudyView } from '../search/rows.ts';
import { type ReportView, reportsOfStudy } from './reports.ts';

/** Newest first. */
export function reportsFor(
  db: Sqlite,
  {
    studyInstanceUID,
    home,
    accessionNumber,
    patient,
  }: Pick<StudyView, 'studyInstanceUID' | 'home' | 'accessionNumber' | 'patient'>,
): ReportView[] {
  const key: IdentityKey = { trust: home, patientId: patient.patientId, issuer: patient.issuer };
  const identity = findIdentity(db, key);
  const members = identity === undefined ? [key] : personOf(db, identity).members;
  return reportsOfStudy(db, { studyInstanceUID, home, accessionNumber }, members);
}
