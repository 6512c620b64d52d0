/**
 * A study as the API shows it, and how it is made of the projection's rows.
 *
 * A study is named by (studyInstanceUID, home): one entry whose `copies` are the trusts that
 * fetched it. Dates are YYYY-MM-DD, times HH:MM:SS, null when the object has none that is valid.
 */
import { isoDate, isoTime } from './dates.ts';

/** A row of `studies`. */
export interface StudyRow {
  readonly trust: string;
  readonly study_uid: string;
  readonly home: string;
  readonly rev: number;
  readonly quiet: number;
  readonly complete: 'mpps' | 'pacs-count' | 'time' | 'no' | null;
  readonly patient_id: string;
  readonly patient_issuer: string;
  readonly nhs_number: string | null;
  readonly patient_name: string | null;
  readonly birth_date: string | null;
  readonly sex: string | null;
  readonly study_date: string | null;
  readonly study_time: string | null;
  readonly study_id: string | null;
  readonly accession_number: string | null;
  readonly accession_issuer: string | null;
  readonly description: string | null;
  readonly referring_physician: string | null;
  readonly institution: string | null;
  readonly modalities: string;
  readonly series: number;
  readonly instances: number;
  readonly bytes: number;
  /** In the spool; null: all. */
  readonly online_instances: number | null;
  /** Null: no PACS is known to hold it. */
  readonly nearline_modalities: string | null;
  /** JSON; null: nothing. */
  readonly rejected: string | null;
  readonly set_hash: string;
  readonly conflicts: number;
  readonly day: string;
  readonly event_at: string;
}

export interface PatientView {
  readonly patientId: string;
  readonly issuer: string;
  readonly nhsNumber: string | null;
  /** As DICOM PN. */
  readonly name: string | null;
  readonly birthDate: string | null;
  readonly sex: string | null;
}

export interface CopyView {
  /** The trust that fetched it. */
  readonly trust: string;
  readonly instances: number;
  /** The copy holds exactly the home's objects; null when the home's own objects are not known. */
  readonly complete: boolean | null;
  /** Under which local patient it is filed there. */
  readonly patientId: string;
  readonly issuer: string;
  readonly asOf: string;
}

/** Objects that the home took back by rejection notes (IHE IOCM). */
export interface RejectionView {
  /** Of the note's title, in DCM. */
  readonly code: string;
  readonly instances: number;
  readonly at: string;
}

export interface StudyWarning {
  readonly code: 'HOME_UNKNOWN' | 'IDENTITY_DIFFERS' | 'CLAIMED_BY_SEVERAL';
  readonly detail: string;
}

export interface StudyView {
  readonly studyInstanceUID: string;
  readonly home: string;
  readonly patient: PatientView;
  readonly studyDate: string | null;
  readonly studyTime: string | null;
  readonly studyId: string | null;
  readonly modalities: readonly string[];
  readonly description: string | null;
  readonly accessionNumber: string | null;
  readonly accessionIssuer: string | null;
  readonly referringPhysician: string | null;
  readonly institution: string | null;
  /** NEARLINE: its trust's PACS holds it, the edge does not, or not all of it. */
  readonly availability: 'ONLINE' | 'NEARLINE';
  /** Null: the PACS that holds it does not say. */
  readonly numberOfSeries: number | null;
  readonly numberOfInstances: number | null;
  readonly bytes: number;
  readonly setHash: string;
  /** False while objects still come in. */
  readonly quiet: boolean;
  /** All of it has come; null: its trust does not say. */
  readonly complete: boolean | null;
  /** By whose word; null when it is not, or not known to be. */
  readonly completeBy: 'mpps' | 'pacs-count' | 'time' | null;
  readonly conflicts: number;
  /** In no count; what is left of the study is shown. */
  readonly rejected: readonly RejectionView[];
  readonly copies: readonly CopyView[];
  readonly warnings: readonly StudyWarning[];
  /** When the trust said this. */
  readonly asOf: string;
}

/**
 * @param row the home's row, or a copy's when the home's is missing
 * @param held all rows of the same (study, home), `row` among them
 */
export function viewStudy(row: StudyRow, held: readonly StudyRow[]): StudyView {
  const homeRow = row.trust === row.home ? row : undefined;
  const copies = held.filter((other) => other.trust !== other.home);
  return {
    studyInstanceUID: row.study_uid,
    home: row.home,
    patient: {
      patientId: row.patient_id,
      issuer: row.patient_issuer,
      nhsNumber: row.nhs_number,
      name: row.patient_name,
      birthDate: isoDate(row.birth_date),
      sex: row.sex,
    },
    studyDate: isoDate(row.study_date),
    studyTime: isoTime(row.study_time),
    studyId: row.study_id,
    modalities: row.modalities === '' ? [] : row.modalities.split('\\'),
    description: row.description,
    accessionNumber: row.accession_number,
    accessionIssuer: row.accession_issuer,
    referringPhysician: row.referring_physician,
    institution: row.institution,
    availability: isOnline(row) ? 'ONLINE' : 'NEARLINE',
    numberOfSeries: row.series === 0 && !isOnline(row) ? null : row.series,
    numberOfInstances: row.instances === 0 && !isOnline(row) ? null : row.instances,
    bytes: row.bytes,
    setHash: row.set_hash,
    quiet: row.quiet === 1,
    complete: row.complete === null ? null : row.complete !== 'no',
    completeBy: row.complete === 'no' ? null : row.complete,
    conflicts: row.conflicts,
    rejected: row.rejected === null ? [] : (JSON.parse(row.rejected) as RejectionView[]),
    copies: copies.map((copy) => ({
      trust: copy.trust,
      instances: copy.instances,
      complete:
        homeRow === undefined || !isOnline(homeRow) ? null : copy.set_hash === homeRow.set_hash,
      patientId: copy.patient_id,
      issuer: copy.patient_issuer,
      asOf: copy.event_at,
    })),
    warnings: warningsOf(row, copies),
    asOf: row.event_at,
  };
}

/** All that is known of it lies in the edge's spool. */
const isOnline = ({
  online_instances: online,
  instances,
  nearline_modalities,
}: StudyRow): boolean =>
  nearline_modalities === null || (instances > 0 && (online ?? instances) >= instances);

function warningsOf(row: StudyRow, copies: readonly StudyRow[]): StudyWarning[] {
  const warnings: StudyWarning[] = [];
  if (row.trust !== row.home)
    warnings.push({
      code: 'HOME_UNKNOWN',
      detail: `${row.home} has not told of this study itself; what is shown is the copy at ${row.trust}`,
    });
  for (const copy of copies) {
    if (copy.nhs_number !== null && row.nhs_number !== null && copy.nhs_number !== row.nhs_number)
      warnings.push({
        code: 'IDENTITY_DIFFERS',
        detail: `the copy at ${copy.trust} is filed under another NHS number than the study at ${row.home}`,
      });
  }
  return warnings;
}
