/** Requests, the search for slots, bookings. */
import { rfc3339 } from '../../shared/clock.ts';
import { listBookings, listRequests } from '../scheduling/lists.ts';
import { findRequest } from '../scheduling/rows.ts';
import { ukDay } from '../scheduling/rules/uk-time.ts';
import type { Booking, ImagingRequest } from '../scheduling/types.ts';
import { type ApiCall, type ApiRoute, apiRoute } from './api-route.ts';
import type { HttpParts } from './parts.ts';
import { HttpProblem } from './problem.ts';
import { withoutUndefined } from './routes-fetches.ts';
import { answeredJson, trustName } from './routes-studies.ts';
import {
  bookingJson,
  changesOf,
  requestJson,
  requestOf,
  standingOf,
  subjectsOfRequests,
} from './scheduling-json.ts';
import { NoQuery } from './schemas.ts';
import {
  BookingInput,
  BookingsQuery,
  ReasonInput,
  RequestChange,
  RequestInput,
  RequestsQuery,
  SlotsQuery,
  TransferInput,
} from './schemas-scheduling.ts';
import {
  BookingAnswer,
  BookingsAnswer,
  RequestAnswer,
  RequestsAnswer,
  SlotsAnswer,
} from './schemas-scheduling-answers.ts';

type Parts = Pick<HttpParts, 'scheduling' | 'projection' | 'fleet' | 'config' | 'clock'>;
type Call = ApiCall<unknown, unknown>;

const MAX_KEY = 200;
const SEARCH_DAYS_MS = 90 * 86_400_000;

export const bookingRoutes = (parts: Parts): ApiRoute[] => [
  ...requestRoutes(parts),
  requestListRoute(parts),
  slotsRoute(parts),
  ...bookingListRoutes(parts),
  ...bookingChangeRoutes(parts),
];

function requestRoutes({ scheduling, projection: { db }, clock }: Parts): ApiRoute[] {
  const { requests } = scheduling;
  const shown = (request: ImagingRequest, saw: Call['saw']): object => {
    saw(subjectsOfRequests([request]));
    return requestJson(request, standingOf(db, request));
  };
  const common = { action: 'book', query: NoQuery } as const;
  return [
    apiRoute({
      ...common,
      method: 'POST',
      path: '/api/requests',
      summary: 'An examination that a patient waits for; the same order again is the same request',
      audit: 'booking',
      body: RequestInput,
      answer: { status: 201, schema: RequestAnswer },
      problems: ['VALIDATION_FAILED', 'INVALID_NHS_NUMBER', 'EXAMINATION_UNKNOWN', 'TRUST_UNKNOWN'],
      run: async ({ body, principal, reply, saw }) => {
        const request = await requests.add(requestOf(body, ukDay(clock.now())), principal);
        reply.header('location', `/api/requests/${encodeURIComponent(request.requestId)}`);
        return shown(request, saw);
      },
    }),
    apiRoute({
      ...common,
      method: 'GET',
      path: '/api/requests/:id',
      summary: 'A request, and whether it has a booking',
      audit: 'look',
      answer: { status: 200, schema: RequestAnswer },
      problems: ['REQUEST_UNKNOWN', 'TRUST_FORBIDDEN'],
      run: ({ path, principal, saw }) => shown(requests.findFor(path['id'] ?? '', principal), saw),
    }),
    apiRoute({
      ...common,
      method: 'PATCH',
      path: '/api/requests/:id',
      summary: 'What became known of a request: vetting, safety, wishes, consent',
      audit: 'booking',
      body: RequestChange,
      answer: { status: 200, schema: RequestAnswer },
      problems: ['VALIDATION_FAILED', 'REQUEST_UNKNOWN', 'REQUEST_ENDED'],
      run: async ({ path, body, principal, saw }) =>
        shown(await requests.change(path['id'] ?? '', changesOf(body), principal), saw),
    }),
    apiRoute({
      ...common,
      method: 'DELETE',
      path: '/api/requests/:id',
      summary: 'Cancels a request and gives its booking back',
      audit: 'booking',
      body: ReasonInput,
      answer: { status: 200, schema: RequestAnswer },
      problems: ['REQUEST_UNKNOWN', 'TRUST_FORBIDDEN'],
      run: async ({ path, body: { reason = 'cancelled' }, principal, saw }) =>
        shown(await scheduling.cancelRequest(path['id'] ?? '', principal, reason), saw),
    }),
  ];
}

function requestListRoute({ projection: { db } }: Parts): ApiRoute {
  return apiRoute({
    method: 'GET',
    path: '/api/requests',
    summary: 'Requests by band and wait; of their own trust for people of a trust',
    action: 'book',
    audit: 'search',
    query: RequestsQuery,
    answer: { status: 200, schema: RequestsAnswer },
    problems: ['VALIDATION_FAILED'],
    run: ({ query: { limit, offset, trust, ...filter }, principal, saw }) => {
      const of = principal.trust ?? trust ?? null;
      const found = listRequests(db, { ...withoutUndefined(filter), trust: of }, { limit, offset });
      saw(subjectsOfRequests(found.requests.map(({ request }) => request)));
      return {
        requests: found.requests.map(({ request }) =>
          requestJson(request, standingOf(db, request)),
        ),
        ...{ total: found.total, limit, offset },
      };
    },
  });
}

function slotsRoute(parts: Parts): ApiRoute {
  const { scheduling, clock } = parts;
  return apiRoute({
    method: 'GET',
    path: '/api/slots',
    summary:
      'Free slots that a request, or anybody with this examination, can use; and why not others',
    action: 'book',
    audit: 'search',
    query: SlotsQuery,
    answer: { status: 200, schema: SlotsAnswer },
    problems: ['VALIDATION_FAILED', 'REQUEST_UNKNOWN', 'EXAMINATION_UNKNOWN'],
    run: ({ query, principal, saw }) => {
      const now = clock.now();
      const { from = rfc3339(now), to = rfc3339(now + SEARCH_DAYS_MS), ...rest } = query;
      const request =
        query.requestId === undefined
          ? null
          : scheduling.requests.findFor(query.requestId, principal);
      if (request !== null) saw(subjectsOfRequests([request]));
      const found = scheduling.search({ ...withoutUndefined(rest), from, to, request }, principal);
      const { limit, offset } = query;
      return {
        ...found,
        slots: found.slots.map((slot) => ({ ...slot, trustName: trustName(parts, slot.trust) })),
        ...{ limit, offset, answered: answeredJson(parts.fleet.answered()) },
      };
    },
  });
}

/** The patients of bookings, for the audit trail. */
export function subjectsOfBookings(db: Parts['projection']['db'], bookings: readonly Booking[]) {
  const requests = bookings
    .map(({ requestId }) => (requestId === null ? undefined : findRequest(db, requestId)?.value))
    .filter((request) => request !== undefined);
  return {
    ...subjectsOfRequests(requests),
    homes: [...bookings.map(({ trust }) => trust), ...requests.map(({ trust }) => trust)],
  };
}

function bookingListRoutes({ scheduling, projection: { db } }: Parts): ApiRoute[] {
  return [
    apiRoute({
      method: 'GET',
      path: '/api/bookings',
      summary: 'Bookings by time; those that concern their trust for people of a trust',
      action: 'book',
      audit: 'search',
      query: BookingsQuery,
      answer: { status: 200, schema: BookingsAnswer },
      problems: ['VALIDATION_FAILED'],
      run: ({ query: { limit, offset, ...filter }, principal, saw }) => {
        const concerns = principal.trust === null ? {} : { concerns: principal.trust };
        const given = { ...withoutUndefined(filter), ...concerns };
        const { bookings, total } = listBookings(db, given, { limit, offset });
        saw(subjectsOfBookings(db, bookings));
        return { bookings: bookings.map(bookingJson), total, limit, offset };
      },
    }),
    apiRoute({
      method: 'GET',
      path: '/api/bookings/:id',
      summary: 'A booking as it stands',
      action: 'book',
      audit: 'look',
      query: NoQuery,
      answer: { status: 200, schema: BookingAnswer },
      problems: ['BOOKING_UNKNOWN', 'TRUST_FORBIDDEN'],
      run: ({ path, principal, saw }) => {
        const booking = scheduling.bookings.findFor(path['id'] ?? '', principal);
        saw(subjectsOfBookings(db, [booking]));
        return bookingJson(booking);
      },
    }),
  ];
}

function bookingChangeRoutes({ scheduling, projection: { db } }: Parts): ApiRoute[] {
  const shown = (booking: Booking, saw: Call['saw']): object => {
    saw(subjectsOfBookings(db, [booking]));
    return bookingJson(booking);
  };
  const common = { action: 'book', audit: 'booking', query: NoQuery } as const;
  return [
    apiRoute({
      ...common,
      method: 'POST',
      path: '/api/bookings',
      summary:
        'Books a slot for a request; the same Idempotency-Key again answers the same booking. ' +
        'A request that has a booking gets the new one first, then the old one is freed',
      body: BookingInput,
      answer: { status: 201, schema: BookingAnswer },
      problems: [
        'VALIDATION_FAILED',
        'SLOT_TAKEN',
        'GATE_BLOCKED',
        'REQUEST_BOOKED',
        'RIS_REFUSED',
        'TRUST_FORBIDDEN',
      ],
      run: async ({ body, principal, request, reply, saw }) => {
        const key = idempotencyKeyOf(request.headers['idempotency-key']);
        const wish = { ...withoutUndefined(body), ...key };
        const booking = await scheduling.book(wish, principal);
        reply.header('location', `/api/bookings/${encodeURIComponent(booking.bookingId)}`);
        return shown(booking, saw);
      },
    }),
    apiRoute({
      ...common,
      method: 'POST',
      path: '/api/bookings/:id/confirm',
      summary: 'Books what is held',
      answer: { status: 200, schema: BookingAnswer },
      problems: ['BOOKING_UNKNOWN', 'BOOKING_ENDED', 'GATE_BLOCKED'],
      run: async ({ path, principal, saw }) =>
        shown(await scheduling.bookings.confirm(path['id'] ?? '', principal), saw),
    }),
    apiRoute({
      ...common,
      method: 'POST',
      path: '/api/bookings/:id/transfer',
      summary: 'The trust of a booking takes the referral, or does not: then the booking ends',
      body: TransferInput,
      answer: { status: 200, schema: RequestAnswer },
      problems: ['BOOKING_UNKNOWN', 'TRANSFER_ENDED', 'TRUST_FORBIDDEN'],
      run: async ({ path, body: { accept, reason = null }, principal, saw }) => {
        const answer = { isAccepted: accept, reason };
        const request = await scheduling.transfers.answer(path['id'] ?? '', principal, answer);
        saw(subjectsOfRequests([request]));
        return requestJson(request, standingOf(db, request));
      },
    }),
    apiRoute({
      ...common,
      method: 'DELETE',
      path: '/api/bookings/:id',
      summary: 'Cancels a booking: its slots are free, and offered to others',
      body: ReasonInput,
      answer: { status: 200, schema: BookingAnswer },
      problems: ['BOOKING_UNKNOWN', 'BOOKING_ENDED', 'TRUST_FORBIDDEN'],
      run: async ({ path, body: { reason = 'cancelled' }, principal, saw }) =>
        shown(await scheduling.bookings.cancel(path['id'] ?? '', principal, reason), saw),
    }),
  ];
}

/** @throws HttpProblem `VALIDATION_FAILED` */
export function idempotencyKeyOf(header: string | string[] | undefined): {
  idempotencyKey?: string;
} {
  if (header === undefined) return {};
  if (typeof header === 'string' && header.trim() !== '' && header.length <= MAX_KEY)
    return { idempotencyKey: header.trim() };
  const message = `one key of ${MAX_KEY} characters at most`;
  throw new HttpProblem('VALIDATION_FAILED', `Idempotency-Key: ${message}`, {
    faults: [{ path: 'header.Idempotency-Key', code: 'INVALID', message }],
  });
}
