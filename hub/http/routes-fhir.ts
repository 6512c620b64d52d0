/** FHIR R4 of scheduling: what is read has an ETag, what is changed has to be based on it (BaRS). */
import * as z from 'zod';
import { VERSION } from '../../shared/version.ts';
import { capabilityStatement } from '../fhir/capability-statement.ts';
import { diaryOfSchedule, idOfReference, nameOfFhirId } from '../fhir/ids.ts';
import {
  isEnded,
  requestOfServiceRequest,
  ServiceRequestInput,
} from '../fhir/read-service-request.ts';
import {
  appointmentResource,
  appointmentStatus,
  type FhirResource,
  scheduleResource,
  searchSet,
  serviceRequestResource,
  slotResource,
} from '../fhir/resources.ts';
import { type TimeRange, timeRangeOf, valuesOf } from '../fhir/search-parameters.ts';
import { bookingVersion, listDiaries, listSlots, slotVersion } from '../scheduling/browse.ts';
import { listBookings, stateOfRequest } from '../scheduling/lists.ts';
import { findDiary, findRequest, findResource, findSlot } from '../scheduling/rows.ts';
import { ukDay } from '../scheduling/rules/uk-time.ts';
import { SchedulingError } from '../scheduling/scheduling-error.ts';
import type { Booking, ImagingRequest, SlotStatus } from '../scheduling/types.ts';
import { type ApiCall, type ApiRoute, apiRoute } from './api-route.ts';
import { baseUrlOf } from './base-url.ts';
import type { HttpParts } from './parts.ts';
import { HttpProblem } from './problem.ts';
import { idempotencyKeyOf, subjectsOfBookings } from './routes-bookings.ts';
import { requestOf, subjectsOfRequests } from './scheduling-json.ts';
import { NoQuery } from './schemas.ts';
import { RequestInput } from './schemas-scheduling.ts';
import { validate } from './validate.ts';

type Parts = Pick<HttpParts, 'scheduling' | 'projection' | 'config' | 'clock'>;
type Call = ApiCall<unknown, unknown>;

export const FHIR_JSON = 'application/fhir+json; charset=utf-8';
const RESOURCE = { status: 200, schema: FHIR_JSON } as const;

export const fhirRoutes = (parts: Parts): ApiRoute[] => [
  metadataRoute(parts),
  ...scheduleRoutes(parts),
  ...slotRoutes(parts),
  ...serviceRequestRoutes(parts),
  ...appointmentReads(parts),
  ...appointmentWrites(parts),
];

function metadataRoute({ clock }: Parts): ApiRoute {
  const date = new Date(clock.now()).toISOString();
  return apiRoute({
    method: 'GET',
    path: '/fhir/metadata',
    summary: 'The CapabilityStatement',
    ...{ action: null, audit: null, answer: RESOURCE, problems: [] },
    run: ({ reply }) => {
      reply.type(FHIR_JSON);
      return capabilityStatement({ version: VERSION, date });
    },
  });
}

/** One resource, with its version as ETag. */
export function sendOne(reply: Call['reply'], resource: FhirResource): FhirResource {
  const { versionId } = resource['meta'] as { versionId: string };
  reply.type(FHIR_JSON).header('etag', `W/"${versionId}"`);
  return resource;
}

export const PageQuery = {
  _count: z.coerce.number().pipe(z.int().min(1).max(500)).default(50),
  _offset: z.coerce.number().pipe(z.int().min(0).max(10_000_000)).default(0),
  _format: z.string().optional(),
};
export const Values = z.union([z.string(), z.array(z.string())]).optional();

export function sendSet(
  parts: Pick<HttpParts, 'config'>,
  { reply, request }: Pick<Call, 'reply' | 'request'>,
  found: {
    resources: readonly FhirResource[];
    total: number;
    count: number;
    offset: number;
    /** Further parameters of the next page. */
    also?: Readonly<Record<string, string>>;
    /** What the set leaves out. */
    outcome?: FhirResource | null;
  },
): FhirResource {
  reply.type(FHIR_JSON);
  const base = `${baseUrlOf(parts, request)}/fhir`;
  const self = `${baseUrlOf(parts, request)}${request.url}`;
  const next = new URL(self);
  next.searchParams.set('_offset', String(found.offset + found.count));
  for (const [name, value] of Object.entries(found.also ?? {})) next.searchParams.set(name, value);
  const hasNext = found.offset + found.resources.length < found.total;
  const set = { base, total: found.total, self, next: hasNext ? next.href : null };
  return searchSet(found.resources, set, found.outcome ?? null);
}

/** @throws HttpProblem `VALIDATION_FAILED` */
export function rangeOf(name: string, value: z.output<typeof Values>): TimeRange {
  const range = timeRangeOf(value);
  if (range !== null) return range;
  throw searchFault(name, 'a date or a time, with eq, ge, gt, le or lt before it');
}

export function searchFault(name: string, message: string): HttpProblem {
  return new HttpProblem('VALIDATION_FAILED', `query.${name}: ${message}`, {
    faults: [{ path: `query.${name}`, code: 'INVALID', message }],
  });
}

function scheduleRoutes(parts: Parts): ApiRoute[] {
  const { db } = parts.projection;
  const common = { action: 'book', audit: null, answer: RESOURCE } as const;
  return [
    apiRoute({
      ...common,
      method: 'GET',
      path: '/fhir/Schedule/:id',
      summary: 'A diary: the slots of a resource on a day',
      ...{ query: NoQuery, problems: ['DIARY_UNKNOWN'] },
      run: ({ path, reply }) => {
        const named = diaryOfSchedule(nameOfFhirId(path['id'] ?? ''));
        const diary = named === null ? undefined : findDiary(db, named.resource, named.date);
        const resource = findResource(db, named?.resource ?? '')?.value;
        if (diary === undefined || resource === undefined)
          throw new SchedulingError('DIARY_UNKNOWN', 'There is no such Schedule.');
        return sendOne(reply, scheduleResource(diary, resource));
      },
    }),
    apiRoute({
      ...common,
      method: 'GET',
      path: '/fhir/Schedule',
      summary: 'Diaries by day',
      query: z.strictObject({ date: Values, actor: z.string().optional(), ...PageQuery }),
      problems: ['VALIDATION_FAILED'],
      run: ({ query: { date, actor = null, _count: count, _offset: offset }, reply, request }) => {
        const filter = { ...rangeOf('date', date), resource: actor };
        const { diaries, total } = listDiaries(db, filter, { limit: count, offset });
        const resources = diaries.flatMap((diary) => {
          const resource = findResource(db, diary.resource)?.value;
          return resource === undefined ? [] : [scheduleResource(diary, resource)];
        });
        return sendSet(parts, { reply, request }, { resources, total, count, offset });
      },
    }),
  ];
}

const STATUSES: Readonly<Record<string, readonly SlotStatus[]>> = {
  ...{ free: ['free'], busy: ['booked'], 'busy-tentative': ['held', 'offered'] },
};

function slotRoutes(parts: Parts): ApiRoute[] {
  const { db } = parts.projection;
  const common = { action: 'book', audit: null, answer: RESOURCE } as const;
  return [
    apiRoute({
      ...common,
      method: 'GET',
      path: '/fhir/Slot/:id',
      summary: 'A slot as it is now',
      ...{ query: NoQuery, problems: ['SLOT_UNKNOWN'] },
      run: ({ path, reply }) => {
        const slot = findSlot(db, nameOfFhirId(path['id'] ?? ''));
        if (slot === undefined) throw new SchedulingError('SLOT_UNKNOWN', 'There is no such Slot.');
        return sendOne(reply, slotResource(slot, slotVersion(slot)));
      },
    }),
    apiRoute({
      ...common,
      method: 'GET',
      path: '/fhir/Slot',
      summary: 'Slots by time',
      query: z.strictObject({
        ...{ schedule: z.string().optional(), status: Values, start: Values, ...PageQuery },
      }),
      problems: ['VALIDATION_FAILED'],
      run: ({ query, reply, request }) => {
        const { schedule, _count: count, _offset: offset } = query;
        const statuses = valuesOf(query.status).flatMap((one) => one.split(','));
        const filter = {
          ...rangeOf('start', query.start),
          diary: schedule === undefined ? null : diaryNamed(schedule),
          status: statuses.length === 0 ? null : statuses.flatMap((one) => STATUSES[one] ?? []),
        };
        const { slots, total } = listSlots(db, filter, { limit: count, offset });
        const resources = slots.map((slot) => slotResource(slot, slotVersion(slot)));
        return sendSet(parts, { reply, request }, { resources, total, count, offset });
      },
    }),
  ];
}

function diaryNamed(reference: string): { resource: string; date: string } {
  const name = idOfReference(reference, 'Schedule') ?? nameOfFhirId(reference);
  return diaryOfSchedule(name) ?? { resource: name, date: '' };
}

function serviceRequestRoutes(parts: Parts): ApiRoute[] {
  const { scheduling, projection } = parts;
  const { db } = projection;
  const send = (request: ImagingRequest, { reply, saw }: Pick<Call, 'reply' | 'saw'>) => {
    saw(subjectsOfRequests([request]));
    const version = findRequest(db, request.requestId)?.streamSeq ?? 0;
    const isActive = stateOfRequest(db, request.requestId) !== 'cancelled';
    return sendOne(reply, serviceRequestResource(request, { version, isActive }));
  };
  return [
    apiRoute({
      method: 'GET',
      path: '/fhir/ServiceRequest/:id',
      summary: 'A request',
      ...{ action: 'book', audit: 'look', query: NoQuery, answer: RESOURCE },
      problems: ['REQUEST_UNKNOWN'],
      run: ({ path, principal, ...call }) =>
        send(scheduling.requests.findFor(nameOfFhirId(path['id'] ?? ''), principal), call),
    }),
    apiRoute({
      method: 'POST',
      path: '/fhir/ServiceRequest',
      summary:
        'A request for an examination, not vetted until somebody says so; the same identifier again changes it, ' +
        'and cancels it with status revoked',
      ...{ action: 'book', audit: 'booking', query: NoQuery, body: ServiceRequestInput },
      answer: { status: 201, schema: FHIR_JSON },
      problems: ['VALIDATION_FAILED', 'EXAMINATION_UNKNOWN', 'REQUEST_UNKNOWN'],
      run: async ({ body, principal, ...call }) => {
        const told = JSON.parse(JSON.stringify(requestOfServiceRequest(body))) as unknown;
        const wanted = requestOf(validate(RequestInput, told, 'body'), ukDay(parts.clock.now()));
        const request = isEnded(body)
          ? await scheduling.cancelOrder(wanted, principal, `ServiceRequest ${body.status}`)
          : await scheduling.requests.add(wanted, principal);
        const resource = send(request, call);
        call.reply.header('location', `/fhir/ServiceRequest/${String(resource['id'])}`);
        return resource;
      },
    }),
  ];
}

function appointmentReads(parts: Parts): ApiRoute[] {
  const { scheduling, projection } = parts;
  const { db } = projection;
  const shown = (booking: Booking): FhirResource =>
    appointmentResource(booking, bookingVersion(db, booking.bookingId));
  return [
    apiRoute({
      method: 'GET',
      path: '/fhir/Appointment/:id',
      summary: 'A booking',
      ...{ action: 'book', audit: 'look', query: NoQuery, answer: RESOURCE },
      problems: ['BOOKING_UNKNOWN'],
      run: ({ path, principal, reply, saw }) => {
        const booking = scheduling.bookings.findFor(nameOfFhirId(path['id'] ?? ''), principal);
        saw(subjectsOfBookings(db, [booking]));
        return sendOne(reply, shown(booking));
      },
    }),
    apiRoute({
      method: 'GET',
      path: '/fhir/Appointment',
      summary: 'Bookings by time; those that concern their trust for people of a trust',
      ...{ action: 'book', audit: 'search', answer: RESOURCE, problems: ['VALIDATION_FAILED'] },
      query: z.strictObject({ 'based-on': z.string().optional(), date: Values, ...PageQuery }),
      run: ({ query, principal, reply, request, saw }) => {
        const { date, _count: count, _offset: offset, 'based-on': basedOn } = query;
        const { from, to } = rangeOf('date', date);
        const filter = {
          ...(from === null ? {} : { from }),
          ...(to === null ? {} : { to }),
          ...(principal.trust === null ? {} : { concerns: principal.trust }),
          ...(basedOn === undefined
            ? {}
            : { requestId: idOfReference(basedOn, 'ServiceRequest') ?? nameOfFhirId(basedOn) }),
        };
        const { bookings, total } = listBookings(db, filter, { limit: count, offset });
        saw(subjectsOfBookings(db, bookings));
        const resources = bookings.map(shown);
        return sendSet(parts, { reply, request }, { resources, total, count, offset });
      },
    }),
  ];
}

const AppointmentInput = z.looseObject({
  resourceType: z.literal('Appointment'),
  status: z.enum(['proposed', 'pending', 'booked', 'cancelled']),
  slot: z.array(z.looseObject({ reference: z.string() })).default([]),
  basedOn: z.array(z.looseObject({ reference: z.string() })).default([]),
  cancelationReason: z
    .looseObject({
      text: z.string().optional(),
      coding: z
        .array(z.looseObject({ display: z.string().optional(), code: z.string().optional() }))
        .default([]),
    })
    .optional(),
  id: z.string().optional(),
});
type AppointmentTold = z.output<typeof AppointmentInput>;

function appointmentWrites(parts: Parts): ApiRoute[] {
  const { scheduling, projection } = parts;
  const { db } = projection;
  const send = (booking: Booking, { reply, saw }: Pick<Call, 'reply' | 'saw'>): FhirResource => {
    saw(subjectsOfBookings(db, [booking]));
    return sendOne(reply, appointmentResource(booking, bookingVersion(db, booking.bookingId)));
  };
  const common = {
    action: 'book',
    audit: 'booking',
    query: NoQuery,
    body: AppointmentInput,
  } as const;
  return [
    apiRoute({
      ...common,
      method: 'POST',
      path: '/fhir/Appointment',
      summary:
        'Books a slot (status booked), or holds it (proposed, pending); If-Match: the ETag of the Slot',
      answer: { status: 201, schema: FHIR_JSON },
      problems: ['SLOT_TAKEN', 'GATE_BLOCKED', 'VERSION_CHANGED'],
      run: async ({ body, principal, request, ...call }) => {
        const wish = wishOf(body);
        const slot = findSlot(db, wish.slotId);
        if (slot !== undefined) requireVersion(request.headers['if-match'], slotVersion(slot));
        const key = idempotencyKeyOf(request.headers['idempotency-key']);
        const booking = await scheduling.book({ ...wish, ...key }, principal);
        const resource = send(booking, call);
        call.reply.header('location', `/fhir/Appointment/${String(resource['id'])}`);
        return resource;
      },
    }),
    apiRoute({
      ...common,
      method: 'PUT',
      path: '/fhir/Appointment/:id',
      summary: 'Cancels a booking, or books what is held; If-Match: the ETag that was read',
      answer: RESOURCE,
      problems: ['BOOKING_UNKNOWN', 'BOOKING_ENDED', 'VERSION_REQUIRED', 'VERSION_CHANGED'],
      run: async ({ body, path, principal, request, ...call }) => {
        const id = nameOfFhirId(path['id'] ?? '');
        const before = scheduling.bookings.findFor(id, principal);
        const { bookingId, state } = before;
        const version = bookingVersion(db, bookingId);
        if (request.headers['if-match'] === undefined)
          throw new SchedulingError(
            'VERSION_REQUIRED',
            'Read it first, and send its ETag as If-Match.',
          );
        requireVersion(request.headers['if-match'], String(version));
        requireUnmoved(body, before);
        if (body.status === 'cancelled') {
          const as = [principal, reasonOf(body), version] as const;
          return send(await scheduling.bookings.cancel(bookingId, ...as), call);
        }
        if (body.status === 'booked')
          return send(await scheduling.bookings.confirm(bookingId, principal), call);
        if (body.status === appointmentStatus(state)) return send(before, call);
        throw new SchedulingError(
          'BOOKING_ENDED',
          `A booking that is ${state} can't be ${body.status}.`,
        );
      },
    }),
  ];
}

/** @throws HttpProblem `VALIDATION_FAILED` */
function wishOf({ slot, basedOn, status }: AppointmentTold) {
  const slotId = idOfReference(slot[0]?.reference ?? '', 'Slot');
  const requestId = idOfReference(basedOn[0]?.reference ?? '', 'ServiceRequest');
  if (slotId === null || slot.length > 1 || requestId === null || status === 'cancelled') {
    const message =
      'slot names one Slot (those behind it that the examination needs come with it), basedOn a ServiceRequest, ' +
      'status is booked, pending or proposed';
    throw new HttpProblem('VALIDATION_FAILED', message, {
      faults: [{ path: 'body', code: 'INVALID', message }],
    });
  }
  return { slotId, requestId, hold: status !== 'booked' };
}

/** In words, or as the first code says it. */
function reasonOf({ cancelationReason: told }: AppointmentTold): string {
  const [coded] = told?.coding ?? [];
  return told?.text ?? coded?.display ?? coded?.code ?? 'cancelled';
}

/** BaRS: of a booking the status alone changes; to be at another time is to be booked anew. @throws HttpProblem */
function requireUnmoved({ id, slot, basedOn }: AppointmentTold, before: Booking): void {
  const { bookingId, slotIds, requestId } = before;
  const slots = slot.map(({ reference }) => idOfReference(reference, 'Slot'));
  const requests = basedOn.map(({ reference }) => idOfReference(reference, 'ServiceRequest'));
  const isOther = id !== undefined && nameOfFhirId(id) !== bookingId;
  const isMoved = slots.some((one) => one === null || !slotIds.includes(one));
  if (!isOther && !isMoved && requests.every((one) => one === requestId)) return;
  const message = isOther
    ? 'id is not that of the address'
    : 'slot and basedOn stay as they are: POST an Appointment for the other Slot, which frees this one';
  throw new HttpProblem('VALIDATION_FAILED', message, {
    faults: [{ path: isOther ? 'body.id' : 'body', code: 'INVALID', message }],
  });
}

/** RFC 9110 §13.1.1; versions are weak ETags in FHIR. @throws SchedulingError `VERSION_CHANGED` */
function requireVersion(given: string | undefined, version: string): void {
  if (given === undefined || given === '*') return;
  const tags = given.split(',').map((tag) => tag.trim().replace(/^W\//, '').replaceAll('"', ''));
  if (tags.includes(version)) return;
  throw new SchedulingError('VERSION_CHANGED', 'It has changed since it was read. Read it again.');
}
