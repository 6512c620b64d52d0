/**
 * What the network told, one table a kind: the raw material of every measure. Rows are only ever added; the
 * facts are folded from them again and again, so that what comes late, twice or out of order restates them.
 *
 *   events ─► inbox (hub/projection) ─► here ─► facts (fold.ts)        CSV of the past ─► here
 *
 * Patients stand here under keys, never under their numbers (pseudonyms.ts). Times are UTC.
 */
import { REASON_NAMES } from './facts/cancellation-reasons.ts';

export type ColumnType =
  | 'VARCHAR'
  | 'TIMESTAMP'
  | 'DATE'
  | 'BIGINT'
  | 'DOUBLE'
  | 'BOOLEAN'
  | 'VARCHAR[]';

export interface ToldKind {
  /** Column and type; the first ones, up to `key`, name the subject. New ones come last. */
  readonly columns: Readonly<Record<string, ColumnType>>;
  /** Columns that a row of a CSV must have. */
  readonly required: readonly string[];
  /** Columns of a CSV in which only these words are values. */
  readonly words?: Readonly<Record<string, readonly string[]>>;
  /** Columns of a CSV that name a patient: they become keys when they are read. */
  readonly patient?: true;
}

/** The patient under a key of the trust, and under one of the NHS number where that was told. */
const WHO = { patient_key: 'VARCHAR', nhs_key: 'VARCHAR' } as const;

export const TOLD = {
  patient: {
    columns: {
      ...{ trust: 'VARCHAR', ...WHO, as_of: 'TIMESTAMP', nhs_status: 'VARCHAR' },
      ...{ birth_month: 'DATE', sex: 'VARCHAR', restricted: 'BOOLEAN', deleted: 'BOOLEAN' },
      merged_into: 'VARCHAR',
    },
    required: ['trust', 'as_of'],
    patient: true,
  },
  order: {
    columns: {
      ...{ trust: 'VARCHAR', exam: 'VARCHAR', as_of: 'TIMESTAMP', status: 'VARCHAR', ...WHO },
      ...{ placer: 'VARCHAR', filler: 'VARCHAR', requested_at: 'TIMESTAMP' },
      ...{ scheduled_at: 'TIMESTAMP', started_at: 'TIMESTAMP', ended_at: 'TIMESTAMP' },
      ...{ code: 'VARCHAR', code_system: 'VARCHAR', modality: 'VARCHAR', priority: 'VARCHAR' },
      ...{ setting: 'VARCHAR', site: 'VARCHAR', study_uid: 'VARCHAR' },
    },
    required: ['trust', 'exam', 'as_of', 'status'],
    patient: true,
  },
  report: {
    columns: {
      ...{ trust: 'VARCHAR', report_id: 'VARCHAR', version: 'BIGINT', status: 'VARCHAR' },
      ...{ issued_at: 'TIMESTAMP', ...WHO, exams: 'VARCHAR[]', study_uids: 'VARCHAR[]' },
      ...{ started_at: 'TIMESTAMP', ended_at: 'TIMESTAMP', provider: 'VARCHAR' },
    },
    required: ['trust', 'report_id', 'version', 'status', 'issued_at'],
    patient: true,
  },
  appointment: {
    columns: {
      ...{ trust: 'VARCHAR', appointment_id: 'VARCHAR', as_of: 'TIMESTAMP', status: 'VARCHAR' },
      ...{ ...WHO, starts_at: 'TIMESTAMP', minutes: 'BIGINT', resource: 'VARCHAR' },
      ...{ placer: 'VARCHAR', filler: 'VARCHAR', reason: 'VARCHAR' },
    },
    required: ['trust', 'appointment_id', 'as_of', 'status'],
    patient: true,
  },
  study: {
    columns: {
      ...{ trust: 'VARCHAR', study_uid: 'VARCHAR', as_of: 'TIMESTAMP', ...WHO },
      ...{ exam: 'VARCHAR', started_at: 'TIMESTAMP', modality: 'VARCHAR', region: 'VARCHAR' },
      // As modalities said in performed procedure steps.
      ...{ deleted: 'BOOLEAN', performed_started_at: 'TIMESTAMP', performed_ended_at: 'TIMESTAMP' },
    },
    required: ['trust', 'study_uid', 'as_of'],
    patient: true,
  },
  transfer: {
    columns: {
      ...{ transfer_id: 'VARCHAR', as_of: 'TIMESTAMP', home: 'VARCHAR', source: 'VARCHAR' },
      ...{ to_trust: 'VARCHAR', study_uid: 'VARCHAR', modality: 'VARCHAR', priority: 'VARCHAR' },
      ...{ requested_at: 'TIMESTAMP', available_at: 'TIMESTAMP', state: 'VARCHAR' },
      // False: filed at the trust, and delivered to none of its peers.
      ...{ needed_by: 'TIMESTAMP', delivered: 'BOOLEAN' },
    },
    required: ['transfer_id', 'as_of', 'home', 'to_trust', 'requested_at', 'state'],
  },
  // Who opened what through the hub: the trust, never the person.
  view: {
    columns: {
      ...{ trust: 'VARCHAR', study_uid: 'VARCHAR', viewed_at: 'TIMESTAMP', part: 'VARCHAR' },
    },
    required: ['trust', 'study_uid', 'viewed_at', 'part'],
    words: { part: ['images', 'record'] },
  },
  dose: {
    columns: {
      ...{ trust: 'VARCHAR', exam: 'VARCHAR', event_uid: 'VARCHAR', as_of: 'TIMESTAMP' },
      ...{ modality: 'VARCHAR', protocol: 'VARCHAR', device: 'VARCHAR' },
      ...{ ctdivol_mgy: 'DOUBLE', dlp_mgycm: 'DOUBLE', dap_gycm2: 'DOUBLE' },
      ...{ reference_point_mgy: 'DOUBLE', fluoro_seconds: 'DOUBLE', study_uid: 'VARCHAR' },
      ...{ glandular_mgy: 'DOUBLE', activity_mbq: 'DOUBLE' },
    },
    required: ['trust', 'exam', 'event_uid', 'as_of'],
  },
  session: {
    columns: {
      ...{ trust: 'VARCHAR', resource: 'VARCHAR', starts_at: 'TIMESTAMP', ends_at: 'TIMESTAMP' },
      ...{ kind: 'VARCHAR', modality: 'VARCHAR' },
    },
    required: ['trust', 'resource', 'starts_at', 'ends_at', 'kind'],
  },
  alert: {
    columns: {
      ...{ trust: 'VARCHAR', alert_id: 'VARCHAR', exam: 'VARCHAR', category: 'VARCHAR' },
      ...{ sent_at: 'TIMESTAMP', acknowledged_at: 'TIMESTAMP' },
    },
    required: ['trust', 'alert_id', 'category', 'sent_at'],
  },
  review: {
    columns: {
      ...{ trust: 'VARCHAR', review_id: 'VARCHAR', reviewed_at: 'TIMESTAMP' },
      ...{ modality: 'VARCHAR', grade: 'VARCHAR' },
    },
    required: ['trust', 'review_id', 'reviewed_at', 'grade'],
  },
  code: {
    columns: {
      ...{ code: 'VARCHAR', snomed: 'VARCHAR', modality: 'VARCHAR', region: 'VARCHAR' },
      ...{ test: 'VARCHAR', reporting_minutes: 'DOUBLE', retired_on: 'DATE' },
      // Of reference-levels.ts.
      examination: 'VARCHAR',
      // Evaluated by who asked for it, under IR(ME)R: no radiology report is to come.
      delegated: 'BOOLEAN',
    },
    required: ['code'],
  },
  reason: {
    columns: { ...{ trust: 'VARCHAR', told: 'VARCHAR', common: 'VARCHAR' } },
    required: ['trust', 'told', 'common'],
    words: { common: REASON_NAMES },
  },
  level: {
    columns: {
      ...{ trust: 'VARCHAR', examination: 'VARCHAR', quantity: 'VARCHAR', level: 'DOUBLE' },
      ...{ source: 'VARCHAR', version: 'VARCHAR' },
    },
    required: ['examination', 'quantity', 'level', 'source', 'version'],
    words: {
      quantity: ['ctdivol_mgy', 'dlp_mgycm', 'dap_gycm2', 'glandular_mgy', 'activity_mbq'],
    },
  },
} as const satisfies Readonly<Record<string, ToldKind>>;

export type KindName = keyof typeof TOLD;
export const KINDS = Object.keys(TOLD) as KindName[];

/** One row, by column; what is absent is null. */
export type ToldRow = Readonly<
  Record<string, string | number | boolean | readonly string[] | null | undefined>
>;

/** `CREATE TABLE told_…` of every kind. A column that an older store lacks is added behind the others. */
export const TOLD_SCHEMA = KINDS.map((kind) => {
  const columns = Object.entries(TOLD[kind].columns).map(([name, type]) => `${name} ${type}`);
  const added = columns.map((one) => `ALTER TABLE told_${kind} ADD COLUMN IF NOT EXISTS ${one};`);
  return [`CREATE TABLE IF NOT EXISTS told_${kind} (${columns.join(', ')});`, ...added].join('\n');
}).join('\n');
