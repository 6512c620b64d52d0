/** A fetch as it is kept: one row, its instances, and the steps that it has reached. */
import type { LocalPatient } from '../../shared/contract/commands.ts';
import type { FetchStateName, Patient } from '../../shared/contract/events.ts';

export interface FetchReason {
  readonly code: string;
  /** For a person: what it waits for, or what to do. Names no patient. */
  readonly detail: string;
}

export interface FetchRow {
  readonly fetchId: string;
  readonly studyInstanceUID: string;
  readonly home: string;
  readonly sourceTrust: string;
  readonly sourceUrl: string;
  readonly ticket: string;
  readonly seriesInstanceUIDs: readonly string[] | null;
  /** 0 is the most urgent. */
  readonly priority: number;
  readonly peer: string | null;
  /** False: filed here, delivered to no peer. */
  readonly isDelivered: boolean;
  readonly namedPatient: LocalPatient | null;
  /** As the source's index has it; null until its manifest was read. */
  readonly sourcePatient: Patient | null;
  readonly state: FetchStateName;
  readonly isCancelled: boolean;
  readonly tries: number;
  readonly dueAt: number;
  readonly deadlineAt: number;
  readonly reason: FetchReason | null;
  readonly instancesExpected: number;
  readonly bytesExpected: number | null;
  readonly instancesDone: number;
  readonly bytesDone: number;
  readonly etaSeconds: number | null;
  readonly receivedAt: number;
  readonly endedAt: number | null;
}

/** The row as SQLite gives it. */
export interface RawFetchRow
  extends Omit<
    FetchRow,
    | 'seriesInstanceUIDs'
    | 'namedPatient'
    | 'sourcePatient'
    | 'isCancelled'
    | 'isDelivered'
    | 'reason'
  > {
  readonly seriesUIDs: string | null;
  readonly namedPatientJson: string | null;
  readonly sourcePatientJson: string | null;
  readonly cancelled: number;
  readonly deliver: number;
  readonly reasonCode: string | null;
  readonly reasonDetail: string | null;
}

export const FETCH_COLUMNS = `fetch_id AS fetchId, study_uid AS studyInstanceUID, home,
  source_trust AS sourceTrust, source_url AS sourceUrl, ticket, series_uids AS seriesUIDs, priority,
  peer, deliver, named_patient AS namedPatientJson, source_patient AS sourcePatientJson, state,
  is_cancelled AS cancelled, tries, due_at AS dueAt, deadline_at AS deadlineAt,
  reason_code AS reasonCode, reason_detail AS reasonDetail,
  instances_expected AS instancesExpected, bytes_expected AS bytesExpected,
  instances_done AS instancesDone, bytes_done AS bytesDone, eta_seconds AS etaSeconds,
  received_at AS receivedAt, ended_at AS endedAt`;

export function fetchRow(raw: RawFetchRow): FetchRow {
  const {
    seriesUIDs,
    namedPatientJson,
    sourcePatientJson,
    cancelled,
    deliver,
    reasonCode,
    reasonDetail,
    ...rest
  } = raw;
  return {
    ...rest,
    seriesInstanceUIDs: parsed<string[]>(seriesUIDs),
    namedPatient: parsed<LocalPatient>(namedPatientJson),
    sourcePatient: parsed<Patient>(sourcePatientJson),
    isCancelled: cancelled === 1,
    isDelivered: deliver === 1,
    reason: reasonCode === null ? null : { code: reasonCode, detail: reasonDetail ?? '' },
  };
}

const parsed = <T>(json: string | null): T | null =>
  json === null ? null : (JSON.parse(json) as T);
