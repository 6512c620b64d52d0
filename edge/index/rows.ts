/** Rows of the index as SQLite gives them, and what they are for the rest of the edge. */
import type { Nearline } from '../../shared/held-counts.ts';
import type { StoredInstance } from './types.ts';

/** The columns that make a {@link StoredInstance}, from `instances i`, `series s`, `studies t`. */
export const STORED_COLUMNS = `i.sop_uid AS sopInstanceUID, i.sop_class_uid AS sopClassUID,
  t.study_uid AS studyInstanceUID, s.series_uid AS seriesInstanceUID, i.home AS home,
  i.transfer_syntax_uid AS transferSyntaxUID, i.path AS path,
  i.data_set_offset AS dataSetOffset, i.data_set_bytes AS dataSetBytes,
  i.content_digest AS contentDigest, i.home_digest AS homeDigest,
  i.instance_number AS instanceNumber`;

export const FROM_STORED = `FROM instances i
  JOIN series s ON s.series_key = i.series_key JOIN studies t ON t.study_key = s.study_key`;

export interface InstanceRow extends StoredInstance {
  readonly instanceKey: number;
  readonly seriesKey: number;
  readonly studyKey: number;
  readonly missingSince: number | null;
}

export interface StudyRow {
  readonly study_key: number;
  readonly study_uid: string;
  readonly home: string;
  readonly rev: number;
  readonly patient_id: string;
  readonly issuer: string;
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
  readonly series: number;
  readonly instances: number;
  readonly bytes: number;
  readonly set_hash: string;
  readonly conflicts: number;
  /** As its own objects say; null: they say nothing. */
  readonly confidentiality: 'R' | 'V' | null;
  /** When its last object came. */
  readonly last_at: number;
  /** Null: no PACS is known to hold it. */
  readonly pacs_seen_at: number | null;
  readonly pacs_series: number | null;
  readonly pacs_instances: number | null;
  readonly pacs_modalities: string | null;
  readonly announced_day: string | null;
  readonly announced_hash: string | null;
  readonly announced_series: number;
  readonly announced_instances: number;
}

export interface SeriesRow {
  readonly series_key: number;
  readonly series_uid: string;
  readonly modality: string | null;
  readonly series_number: number | null;
  readonly description: string | null;
  readonly body_part: string | null;
  readonly instances: number;
  readonly bytes: number;
  readonly set_hash: string;
}

/** What the PACS says of the study; null: no PACS is known to hold it. */
export function nearlineOf(
  row: Pick<StudyRow, 'pacs_seen_at' | 'pacs_series' | 'pacs_instances' | 'pacs_modalities'>,
): Nearline | null {
  if (row.pacs_seen_at === null) return null;
  return {
    series: row.pacs_series,
    instances: row.pacs_instances,
    modalities: row.pacs_modalities ? row.pacs_modalities.split('\\') : [],
  };
}

export function storedInstance(row: InstanceRow): StoredInstance {
  const { instanceKey: _i, seriesKey: _s, studyKey: _t, missingSince: _m, ...stored } = row;
  return stored;
}
