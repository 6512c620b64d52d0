/** Between what the API takes and answers of scheduling, and what the parts behind it work with. */
import type * as z from 'zod';
import { auditedPatient } from '../../shared/audit/entry.ts';
import type { Sqlite } from '../../shared/sqlite/open.ts';
import type { DiaryView } from '../scheduling/capacity.ts';
import { flagsOf } from '../scheduling/demand.ts';
import { stateOfRequest } from '../scheduling/lists.ts';
import { movedByRis, notBookedOf } from '../scheduling/notices.ts';
import type { NewRequest } from '../scheduling/requests.ts';
import { examinationOf } from '../scheduling/rules/examinations.ts';
import { CAPABILITIES, type Capability } from '../scheduling/rules/facts.ts';
import { SchedulingError } from '../scheduling/scheduling-error.ts';
import type { Booking, ImagingRequest, Resource } from '../scheduling/types.ts';
import { withoutUndefined } from './routes-fetches.ts';
import type { RequestChange, RequestInput, ResourceInput } from './schemas-scheduling.ts';

type ResourceTold = z.output<typeof ResourceInput>;
type RequestTold = z.output<typeof RequestInput>;
type ChangeTold = z.output<typeof RequestChange>;

/** Names that mean the same as those of the rules. */
const ALIASES: Readonly<Record<string, Capability>> = {
  'paediatric-ga': 'paediatric-anaesthesia',
  medic: 'medic-on-site',
  biopsy: 'breast-biopsy',
};

export function resourceOf(id: string, told: ResourceTold): Resource {
  const { capabilities, closures, offeredOutShare, postcode, risName, durations, ...rest } = told;
  const known = new Set<string>(CAPABILITIES);
  const names = namesOf(capabilities).map((name) => ALIASES[name] ?? name);
  return {
    ...withoutUndefined(rest),
    ...numbersOf(capabilities),
    ...{ id, closures, offeredOutShare },
    durations: durations === undefined ? {} : withoutUndefined(durations),
    capabilities: names.filter((name): name is Capability => known.has(name)),
    notUnderstood: names.filter((name) => !known.has(name)),
    ...{ postcode: postcode ?? null, risName: risName ?? null },
  } as Resource;
}

/** `medicOnSite: true` and `medic-on-site` are one. */
function namesOf(told: ResourceTold['capabilities']): string[] {
  const names = Array.isArray(told)
    ? told
    : Object.keys(told).filter((name) => told[name] === true);
  return [...new Set(names.map(kebab))];
}

const kebab = (name: string): string =>
  name
    .replace(/([a-z])([A-Z])/g, '$1-$2')
    .replace(/[\s_]+/g, '-')
    .toLowerCase();

/** Field strength and weight limit, where they come among the capabilities. */
function numbersOf(told: ResourceTold['capabilities']): Partial<Resource> {
  if (Array.isArray(told)) return {};
  const number = (...names: string[]): number | undefined =>
    names.map((name) => told[name]).find((value) => typeof value === 'number') as
      | number
      | undefined;
  const tesla = number('tesla', 'fieldStrengthTesla', 'fieldStrength');
  const maxWeightKg = number('maxWeightKg', 'weightLimitKg', 'weightLimit');
  return withoutUndefined({ tesla, maxWeightKg }) as Partial<Resource>;
}

/** @param today YYYY-MM-DD @throws SchedulingError `EXAMINATION_UNKNOWN` */
export function requestOf(told: RequestTold, today: string): NewRequest {
  const { patient, safety, vetted, examCode, examText, modality, contrast, minutes } = told;
  const examination = examinationOf(
    examCode,
    withoutUndefined({ name: examText, modality, contrast, minutes }) as object,
  );
  if (examination === null)
    throw new SchedulingError(
      'EXAMINATION_UNKNOWN',
      'The code does not tell the modality: give it as modality.',
    );
  const { sex, issuer = told.trust, patientName, ...rest } = patient;
  const orNull = <T>(value: T | undefined): T | null => value ?? null;
  return {
    ...{ trust: told.trust, examination, minutesTold: minutes !== undefined, band: told.band },
    patient: {
      ...{
        patientId: rest.patientId,
        issuer,
        birthDate: rest.birthDate,
        name: orNull(patientName),
      },
      ...{ nhsNumber: orNull(rest.nhsNumber), sex: sex === 'M' || sex === 'F' ? sex : null },
      ...{ postcode: orNull(rest.postcode), decile: orNull(rest.decile) },
      ...{ email: orNull(rest.email), phone: orNull(rest.phone) },
      // What is told with the request was right when it was told.
      verifiedOn: rest.verifiedOn ?? ((rest.email ?? rest.phone) ? today : null),
      ...{ restricted: rest.restricted, deceased: rest.deceased },
    },
    safety: { ...withoutUndefined({ ...safety, vetted }) } as ImagingRequest['safety'],
    ...{ needs: told.needs ?? [], interpreter: told.interpreter ?? false },
    ...{ language: orNull(told.language), wishes: wishesOf(told.wishes) },
    channels: told.channels ?? channelsOf(rest),
    consentsElsewhere: told.consentsElsewhere ?? false,
    ...{ shortNotice: told.shortNotice ?? false, optedOut: told.optedOut ?? false },
    ...{ since: orNull(told.since), breachAt: orNull(told.breachAt), dueAt: orNull(told.dueAt) },
    ...{ orderId: orNull(told.orderId), accessionNumber: orNull(told.accessionNumber) },
    referrer: orNull(told.referrer),
  };
}

const wishesOf = (told: RequestTold['wishes']): ImagingRequest['wishes'] =>
  withoutUndefined(told ?? {}) as ImagingRequest['wishes'];

/** What a patient who was not asked can be reached by. */
function channelsOf({
  email,
  phone,
}: {
  email?: string | undefined;
  phone?: string | undefined;
}): ImagingRequest['channels'] {
  return [
    ...(email === undefined ? [] : (['email'] as const)),
    ...(phone === undefined ? [] : (['sms', 'phone'] as const)),
  ];
}

export function changesOf({
  safety,
  vetted,
  wishes,
  ...rest
}: ChangeTold): Partial<ImagingRequest> {
  return withoutUndefined({
    ...rest,
    ...(safety === undefined && vetted === undefined
      ? {}
      : { safety: withoutUndefined({ ...safety, vetted }) }),
    ...(wishes === undefined ? {} : { wishes: wishesOf(wishes) }),
  }) as Partial<ImagingRequest>;
}

/** How a request stands: what became of its newest booking without its asking, and what the RIS moved. */
export function standingOf(db: Sqlite, request: ImagingRequest) {
  const failed = notBookedOf(db, request.requestId);
  const moved = movedByRis(db, request.requestId);
  return {
    state: stateOfRequest(db, request.requestId),
    restricted: flagsOf(db, request).restricted,
    notBooked: failed === undefined ? null : bookingJson(failed),
    movedByRis: moved === undefined ? null : bookingJson(moved),
  };
}

/** Of a patient with the S-flag nothing that tells where they live or how they are reached (ID-20). */
export function requestJson(request: ImagingRequest, more: ReturnType<typeof standingOf>): object {
  const { patient } = request;
  const shown = more.restricted
    ? { ...patient, restricted: true, postcode: null, email: null, phone: null, decile: null }
    : patient;
  const { requestId, link: _, ...rest } = request;
  return {
    id: requestId,
    requestId,
    ...rest,
    patient: shown,
    state: more.state,
    notBooked: more.notBooked,
    movedByRis: more.movedByRis,
  };
}

export const subjectsOfRequests = (requests: readonly ImagingRequest[]) => ({
  patients: requests.map(({ patient }) => auditedPatient(patient)),
  studies: [],
  homes: requests.map(({ trust }) => trust),
});

export const bookingJson = (booking: Booking): object => {
  const { idempotency: _, ...shown } = booking;
  return { id: booking.bookingId, slotId: booking.slotIds[0] ?? null, ...shown };
};

export const diaryJson = ({ bookings, ...diary }: DiaryView): object => ({
  ...diary,
  bookings: bookings.map(bookingJson),
});
