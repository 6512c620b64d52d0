/**
 * `/appointment/{link}`: the patient chooses, changes or cancels. Plain words, a phone's width, no scripts.
 *
 *   link ─► birth date ─► pass in a cookie ─► times by place ─► confirm ─► booked
 *
 * Nothing of the patient is shown before the birth date; the link stands in no record.
 */
import { randomUUID } from 'node:crypto';
import type { FastifyRequest } from 'fastify';
import { httpUrlOf } from '../config.ts';
import { patientOf } from '../scheduling/patient-links.ts';
import type { ImagingRequest } from '../scheduling/types.ts';
import type { RouteUse } from './audited.ts';
import { type FieldFault, faultsByField, readForm, typedDate } from './forms.ts';
import { faultOf, transportOf } from './page-booking-request.ts';
import type { Page, PageCall } from './pages.ts';
import type { HttpParts } from './parts.ts';
import { subjectsOfRequests } from './scheduling-json.ts';
import {
  bookingOf,
  movedView,
  notBookedView,
  type SlotView,
  searchedDays,
  slotView,
} from './slot-view.ts';

const PASS_COOKIE = 'cdip-appointment';
const PASS_SECONDS = 20 * 60;
/** How many are looked at, and how many of a place are shown at first. */
const LOOKED_AT = 200;
const OF_A_PLACE = 3;
const GONE = 410;

const path = '/appointment/:link';
/** Requests whose link was good. Others are no event of the trail: a scanner would fill the disk with them. */
const known = new WeakSet<FastifyRequest>();
const common = {
  action: null,
  audit: 'booking',
  hasSecretAddress: true,
  isRecorded: ({ request }: RouteUse): boolean => known.has(request),
} as const;

export function appointmentPages(parts: HttpParts): Page[] {
  return [
    { ...common, method: 'GET', path, run: (call) => withRequest(parts, call, showTimes) },
    { ...common, method: 'POST', path, run: (call) => openLink(parts, call) },
    {
      ...common,
      method: 'GET',
      path: `${path}/confirm`,
      run: (call) => withRequest(parts, call, showConfirm),
    },
    {
      ...common,
      method: 'POST',
      path: `${path}/confirm`,
      run: (call) => withRequest(parts, call, confirm),
    },
    {
      ...common,
      method: 'GET',
      path: `${path}/cancel`,
      run: (call) =>
        withRequest(parts, call, (asked) => {
          const booking = bookingOf(parts, asked.request.requestId);
          if (booking === undefined) return call.reply.redirect(asked.address, 303);
          return render(asked, 'appointment-cancel.njk', {
            title: 'Cancel your appointment',
            booking,
          });
        }),
    },
    {
      ...common,
      method: 'POST',
      path: `${path}/cancel`,
      run: (call) => withRequest(parts, call, cancel),
    },
  ];
}

interface Asked {
  readonly parts: HttpParts;
  readonly call: PageCall;
  readonly request: ImagingRequest;
  readonly address: string;
}

const linkOf = ({ request }: PageCall): string => (request.params as { link: string }).link;

/** With a pass: the page. Without: the birth date is asked; a link that is over says whom to phone. */
function withRequest(parts: HttpParts, call: PageCall, run: (asked: Asked) => unknown): unknown {
  const link = linkOf(call);
  const { links } = parts.scheduling;
  const request = links.requestWith(link, call.request.cookies[PASS_COOKIE]);
  if (request === null) return links.isGood(link) ? askBirthDate(call, []) : showEnded(call);
  known.add(call.request);
  call.saw(subjectsOfRequests([request]));
  return run({ parts, call, request, address: `/appointment/${encodeURIComponent(link)}` });
}

function askBirthDate(call: PageCall, faults: readonly FieldFault[]): unknown {
  const title = `${faults.length > 0 ? 'Error: ' : ''}Your imaging appointment`;
  const address = `/appointment/${encodeURIComponent(linkOf(call))}`;
  return call.render('appointment-open.njk', {
    ...{ title, address, faultList: faults, faults: faultsByField(faults) },
  });
}

function showEnded(call: PageCall): unknown {
  call.reply.status(GONE);
  return call.render('appointment-ended.njk', { title: 'This link does not work any more' });
}

async function openLink(parts: HttpParts, call: PageCall): Promise<unknown> {
  const link = linkOf(call);
  const { day = '', month = '', year = '' } = readForm(call.request.body);
  const birthDate = typedDate(`${day}/${month}/${year}`);
  if (!/^\d{4}-\d\d-\d\d$/.test(birthDate))
    return askBirthDate(call, [
      { field: 'day', message: 'Enter your date of birth as day, month and year' },
    ]);
  if (parts.scheduling.links.isGood(link)) known.add(call.request);
  const opened = await parts.scheduling.links.open(link, birthDate);
  if (opened.kind === 'ended') return showEnded(call);
  if (opened.kind === 'wrong')
    return askBirthDate(call, [
      {
        field: 'day',
        message: `That is not the date of birth that we have. You can try ${opened.left} more ${opened.left === 1 ? 'time' : 'times'}`,
      },
    ]);
  call.saw(subjectsOfRequests([opened.request]));
  void call.reply.setCookie(PASS_COOKIE, opened.pass, {
    ...{ path: '/appointment/', httpOnly: true, sameSite: 'strict', maxAge: PASS_SECONDS },
    secure: httpUrlOf(parts.config, 0).startsWith('https:'),
  });
  return call.reply.redirect(`/appointment/${encodeURIComponent(link)}`, 303);
}

const render = ({ call, request, address }: Asked, template: string, values: object): string =>
  call.render(template, { ...values, address, examination: request.examination.name });

function timesFor({ parts, request, call }: Asked): SlotView[] {
  const transport = transportOf(readForm(call.request.query), request);
  const booking = bookingOf(parts, request.requestId);
  const { slots } = parts.scheduling.search(
    { request, ...searchedDays(parts), transport, limit: LOOKED_AT, offset: 0 },
    patientOf(request),
  );
  return slots.map((slot) => slotView(parts, slot, booking));
}

function showTimes(asked: Asked, faults: readonly FieldFault[] = []): unknown {
  const { parts, request, call } = asked;
  const form = readForm(call.request.query);
  const booking = bookingOf(parts, request.requestId);
  const times = timesFor(asked);
  const holdsUp = times[0]?.holdsUp ?? [];
  const places = placesOf(times, { sort: form['sort'], at: form['at'] });
  const isHeld = booking?.state === 'held';
  const notBooked = notBookedView(parts, request.requestId);
  return render(asked, 'appointment.njk', {
    title: `${faults.length > 0 ? 'Error: ' : ''}Your imaging appointment`,
    booking,
    ...(isHeld ? { refreshSeconds: 5 } : {}),
    isHeldUp: holdsUp.length > 0,
    places,
    sort: form['sort'] === 'near' ? 'near' : 'soon',
    transport: transportOf(form, request),
    hasPostcode: request.patient.postcode !== null,
    notBooked,
    moved: movedView(parts, request.requestId),
    isNew: form['done'] !== undefined && notBooked === undefined,
    faultList: faults,
  });
}

/** Times by place: the place with the soonest first, or the nearest. */
function placesOf(
  times: readonly SlotView[],
  { sort, at }: { sort: string | undefined; at: string | undefined },
) {
  const byTrust = Map.groupBy(times, ({ trust }) => trust);
  const places = [...byTrust].map(([trust, all]) => {
    const nearest = Math.min(...all.map(({ travelMinutes }) => travelMinutes ?? Number.MAX_VALUE));
    const shown = trust === at ? all : all.slice(0, OF_A_PLACE);
    return {
      trust,
      name: all[0]?.place,
      isOwnTrust: all[0]?.isOwnTrust,
      nearest,
      shown,
      more: all.length - shown.length,
    };
  });
  return sort === 'near' ? places.toSorted((a, b) => a.nearest - b.nearest) : places;
}

function showConfirm(asked: Asked): unknown {
  const { slot = '' } = readForm(asked.call.request.query);
  const chosen = timesFor(asked).find(({ id }) => id === slot);
  if (chosen === undefined)
    return showTimes(asked, [
      { field: '', message: 'Somebody else has taken that time. Choose another one' },
    ]);
  const booking = bookingOf(asked.parts, asked.request.requestId);
  const title = 'Check your appointment';
  return render(asked, 'appointment-confirm.njk', { title, chosen, booking, key: randomUUID() });
}

async function confirm(asked: Asked): Promise<unknown> {
  const { parts, call, request, address } = asked;
  const { slotId = '', key = '' } = readForm(call.request.body);
  const { requestId } = request;
  try {
    const wish = { slotId, requestId, idempotencyKey: key };
    await parts.scheduling.bookings.book(wish, patientOf(request));
  } catch (error) {
    return showTimes(asked, [faultOf(error)]);
  }
  return call.reply.redirect(`${address}?done=booked`, 303);
}

async function cancel(asked: Asked): Promise<unknown> {
  const { parts, call, request, address } = asked;
  const booking = bookingOf(parts, request.requestId);
  if (booking !== undefined)
    await parts.scheduling.bookings.cancel(
      ...([booking.bookingId, patientOf(request)] as const),
      'Cancelled by the patient',
    );
  return call.reply.redirect(address, 303);
}
