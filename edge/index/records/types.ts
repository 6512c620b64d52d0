/**
 * What the RIS and the PAS tell of a trust's patients, orders, reports and bookings, as the index keeps it.
 *
 * Times are RFC 3339 UTC, dates YYYYMMDD, names as DICOM PN. `asOf` is when the sender says that it was
 * so: an older telling never replaces a newer one. Undefined: nothing was said; null: it is to go.
 */
import type {
  AppointmentStatus,
  EncounterStatus,
  OrderStatus,
  ReportStatus,
} from '../../../shared/contract/events.ts';

/** A patient of this trust: the number and who gave it. */
export interface PatientKey {
  readonly patientId: string;
  readonly issuer: string;
}

export type { AppointmentStatus, OrderStatus, ReportStatus };

export interface PatientFacts extends PatientKey {
  readonly nhsNumber?: string | null | undefined;
  /** NHS Number Status Indicator Code, 01 to 08. */
  readonly nhsStatus?: string | null | undefined;
  readonly name?: string | null | undefined;
  readonly birthDate?: string | null | undefined;
  readonly sex?: string | null | undefined;
  readonly postcode?: string | null | undefined;
  readonly isDeceased?: boolean | undefined;
  /** The address must not be shown: PD1-12. */
  readonly isRestricted?: boolean | undefined;
  readonly isDeleted?: boolean | undefined;
}

export interface Coded {
  readonly code: string | null;
  readonly text: string | null;
  readonly system: string | null;
}

export interface OrderFacts {
  /** The accession number, else the placer's or filler's number: what names it at this trust. */
  readonly orderId: string;
  readonly accessionNumber?: string | undefined;
  readonly accessionIssuer?: string | undefined;
  readonly placerNumber?: string | undefined;
  readonly fillerNumber?: string | undefined;
  readonly status: OrderStatus;
  readonly procedure?: Coded | undefined;
  readonly modality?: string | undefined;
  readonly priority?: string | undefined;
  readonly scheduledAt?: string | undefined;
  readonly requestedAt?: string | undefined;
  readonly referrer?: string | undefined;
  readonly location?: string | undefined;
  readonly stationAETitle?: string | undefined;
  readonly reason?: string | undefined;
  readonly studyInstanceUID?: string | undefined;
  readonly stepId?: string | undefined;
  readonly requestedProcedureId?: string | undefined;
  /** When the examination began and ended. */
  readonly startedAt?: string | undefined;
  readonly endedAt?: string | undefined;
  /** HL7 table 0004. */
  readonly patientClass?: string | undefined;
  readonly confidentiality?: 'N' | 'R' | 'V' | undefined;
}

export interface ReportFacts {
  /** OBR-3, else the accession number: what names it at this trust. */
  readonly reportId: string;
  readonly accessionNumbers: readonly string[];
  readonly studyInstanceUIDs: readonly string[];
  readonly status: ReportStatus;
  readonly issuedAt: string;
  readonly title: string | null;
  readonly author: string | null;
  /** Whom the author reports for. */
  readonly authorOrganisation: string | null;
  readonly startedAt: string | null;
  readonly endedAt: string | null;
  readonly text: string;
  /** A document that came with it: PDF mostly. */
  readonly document: { readonly mediaType: string; readonly bytes: Buffer } | null;
  /** True: the text is put behind the version in force. */
  readonly isAddendum: boolean;
}

export interface AppointmentFacts {
  readonly appointmentId: string;
  readonly status: AppointmentStatus;
  readonly startsAt?: string | undefined;
  readonly minutes?: number | undefined;
  readonly procedure?: Coded | undefined;
  readonly resource?: string | undefined;
  readonly location?: string | undefined;
  /** Every name of a place or thing that it needs; empty: none is told. */
  readonly resources?: readonly string[] | undefined;
  readonly placerNumber?: string | undefined;
  readonly fillerNumber?: string | undefined;
  readonly reason?: string | undefined;
  /** SCH-1. */
  readonly placerAppointmentId?: string | undefined;
}

export interface EncounterFacts {
  readonly encounterId: string;
  readonly status: EncounterStatus;
  readonly patientClass?: string | undefined;
  readonly beganAt?: string | undefined;
  readonly endedAt?: string | undefined;
}

/** What one telling changes. */
export type RecordChange =
  | { readonly kind: 'patient'; readonly patient: PatientFacts }
  /** `prior` is the same person as `survivor`, who keeps the number. */
  | { readonly kind: 'merge'; readonly survivor: PatientFacts; readonly prior: PatientKey }
  | { readonly kind: 'unmerge'; readonly first: PatientKey; readonly second: PatientKey }
  | { readonly kind: 'order'; readonly patient: PatientFacts; readonly order: OrderFacts }
  | { readonly kind: 'report'; readonly patient: PatientFacts; readonly report: ReportFacts }
  | {
      readonly kind: 'appointment';
      readonly patient: PatientFacts;
      readonly appointment: AppointmentFacts;
    }
  | {
      readonly kind: 'encounter';
      readonly patient: PatientFacts;
      readonly encounter: EncounterFacts;
    };
