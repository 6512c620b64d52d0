/**
 * Diaries, slots, requests and bookings as FHIR R4: Schedule, Slot, ServiceRequest, Appointment, along
 * UK Core. `meta.versionId` is the sequence of the last decision: what a change has to be based on.
 */
import type { Diary } from '../scheduling/rows.ts';
import type { Booking, BookingState, ImagingRequest, Resource, Slot } from '../scheduling/types.ts';
import { fhirId, scheduleName } from './ids.ts';

export const ODS_SYSTEM = 'https://fhir.nhs.uk/Id/ods-organization-code';
export const NHS_NUMBER_SYSTEM = 'https://fhir.nhs.uk/Id/nhs-number';
/** Of ids that an issuer gives: its name stands behind. */
export const LOCAL_SYSTEM = 'urn:cdip:patient:';
export const NICIP_SYSTEM = 'https://fhir.hl7.org.uk/CodeSystem/NICIP';
export const SNOMED_SYSTEM = 'http://snomed.info/sct';

export type FhirResource = Readonly<Record<string, unknown>> & { readonly resourceType: string };

/** By its ODS code. */
export const organization = (ods: string): object => ({
  identifier: { system: ODS_SYSTEM, value: ods },
});

const meta = (version: number | string): object => ({ versionId: String(version) });

export function scheduleResource(diary: Diary, resource: Resource): FhirResource {
  const { date } = diary;
  return {
    resourceType: 'Schedule',
    id: fhirId(scheduleName(resource.id, date)),
    meta: meta(diary.streamSeq),
    active: true,
    serviceType: [{ text: resource.modality }],
    actor: [
      { display: resource.name, identifier: { value: resource.id } },
      { type: 'Organization', ...organization(resource.trust) },
    ],
    planningHorizon: { start: `${date}T00:00:00Z`, end: `${date}T23:59:59Z` },
  };
}

const SLOT_STATUS: Readonly<Record<Slot['status'], string>> = {
  ...{ free: 'free', booked: 'busy', held: 'busy-tentative', offered: 'busy-tentative' },
};

export function slotResource(slot: Slot, version: string): FhirResource {
  const end = new Date(Date.parse(slot.start) + slot.minutes * 60_000).toISOString();
  return {
    resourceType: 'Slot',
    id: fhirId(slot.id),
    meta: meta(version),
    schedule: { reference: `Schedule/${fhirId(scheduleName(slot.resource, slot.date))}` },
    status: SLOT_STATUS[slot.status],
    ...{ start: slot.start, end },
  };
}

const APPOINTMENT_STATUS: Readonly<Record<BookingState, string>> = {
  ...{ held: 'pending', booked: 'booked', cancelled: 'cancelled', expired: 'cancelled' },
  ...{ refused: 'cancelled', missed: 'noshow', attended: 'fulfilled' },
};

export const appointmentStatus = (state: BookingState): string => APPOINTMENT_STATUS[state];

export function appointmentResource(booking: Booking, version: number): FhirResource {
  const { bookingId, requestId, slotIds, start, minutes, state, reason, trust } = booking;
  const end = new Date(Date.parse(start) + minutes * 60_000).toISOString();
  const isOver = APPOINTMENT_STATUS[state] === 'cancelled';
  return {
    resourceType: 'Appointment',
    id: fhirId(bookingId),
    meta: meta(version),
    status: APPOINTMENT_STATUS[state],
    ...(isOver && reason !== null ? { cancelationReason: { text: reason } } : {}),
    ...{ start, end, minutesDuration: minutes, created: booking.at },
    ...(slotIds.length === 0
      ? {}
      : { slot: slotIds.map((id) => ({ reference: `Slot/${fhirId(id)}` })) }),
    ...(requestId === null
      ? {}
      : { basedOn: [{ reference: `ServiceRequest/${fhirId(requestId)}` }] }),
    participant: [
      {
        actor: { type: 'Location', display: booking.resource, ...organization(trust) },
        status: state === 'held' ? 'needs-action' : 'accepted',
      },
    ],
  };
}

const PRIORITY = { P1: 'stat', P2: 'asap', P3: 'urgent', P4: 'routine', P5: 'routine' } as const;

export function serviceRequestResource(
  request: ImagingRequest,
  { version, isActive }: { version: number; isActive: boolean },
): FhirResource {
  const { requestId, examination, patient, trust, band } = request;
  const system = /^\d{6,18}$/.test(examination.code) ? SNOMED_SYSTEM : NICIP_SYSTEM;
  return {
    resourceType: 'ServiceRequest',
    id: fhirId(requestId),
    meta: meta(version),
    status: request.cancelled !== null ? 'revoked' : isActive ? 'active' : 'completed',
    ...{ intent: 'order', priority: PRIORITY[band], authoredOn: request.since },
    code: { coding: [{ system, code: examination.code, display: examination.name }] },
    subject: { type: 'Patient', identifier: patientIdentifier(patient) },
    requester: { type: 'Organization', ...organization(trust) },
  };
}

export const patientIdentifier = ({
  nhsNumber,
  patientId,
  issuer,
}: Pick<ImagingRequest['patient'], 'nhsNumber' | 'patientId' | 'issuer'>): object =>
  nhsNumber === null
    ? { system: `${LOCAL_SYSTEM}${issuer}`, value: patientId }
    : { system: NHS_NUMBER_SYSTEM, value: nhsNumber };

/**
 * @param base address of the FHIR server, without a slash at its end
 * @param outcome what the set leaves out; in no total
 */
export function searchSet(
  resources: readonly FhirResource[],
  { base, total, self, next }: { base: string; total: number; self: string; next: string | null },
  outcome: FhirResource | null = null,
): FhirResource {
  return {
    ...{ resourceType: 'Bundle', type: 'searchset', total },
    link: [
      { relation: 'self', url: self },
      ...(next === null ? [] : [{ relation: 'next', url: next }]),
    ],
    entry: [
      ...resources.map((resource) => ({
        fullUrl: `${base}/${resource.resourceType}/${String(resource['id'])}`,
        resource,
        search: { mode: 'match' },
      })),
      ...(outcome === null ? [] : [{ resource: outcome, search: { mode: 'outcome' } }]),
    ],
  };
}

/** The IssueType of R4 that a status stands for. */
const ISSUES: Readonly<Record<number, string>> = {
  ...{ 400: 'invalid', 401: 'login', 403: 'forbidden', 404: 'not-found', 409: 'conflict' },
  ...{ 412: 'conflict', 422: 'business-rule', 428: 'required', 503: 'transient' },
};

export const operationOutcome = (
  status: number,
  { code, detail }: { code: string; detail: string },
): FhirResource => ({
  resourceType: 'OperationOutcome',
  issue: [
    {
      ...{ severity: 'error', code: ISSUES[status] ?? 'exception' },
      ...{ details: { coding: [{ system: 'urn:cdip:problem', code }] }, diagnostics: detail },
    },
  ],
});
