/** `/booking/diaries`: a trust's resources, their days, and what patients of other trusts may take (SC-21). */
import type { FastifyRequest } from 'fastify';
import { rfc3339 } from '../../shared/clock.ts';
import { daysOfDiaries } from '../scheduling/diary-days.ts';
import { unplacedAppointments } from '../scheduling/ris-rows.ts';
import { findRequest, listResources } from '../scheduling/rows.ts';
import { ukDay } from '../scheduling/rules/uk-time.ts';
import { sessionAdvice } from '../scheduling/session-advice.ts';
import type { Booking, Resource } from '../scheduling/types.ts';
import { type FieldFault, faultsByField, readForm } from './forms.ts';
import { faultOf } from './page-booking-request.ts';
import type { Page, PageCall } from './pages.ts';
import type { HttpParts } from './parts.ts';
import { trustName } from './routes-studies.ts';
import { subjectsOfRequests } from './scheduling-json.ts';

export function diaryPages(parts: HttpParts): Page[] {
  return [
    {
      method: 'GET',
      path: '/booking/diaries',
      action: 'book',
      audit: null,
      run: (call) => showResources(parts, call, []),
    },
    {
      method: 'POST',
      path: '/booking/diaries/:resource/share',
      action: 'capacity',
      audit: 'booking',
      run: (call) => changeShare(parts, call),
    },
    {
      method: 'GET',
      path: '/booking/diaries/:resource/:date',
      action: 'book',
      audit: 'look',
      run: (call) => showDiary(parts, call, []),
    },
    {
      method: 'POST',
      path: '/booking/diaries/:resource/:date/cancel',
      action: 'book',
      audit: 'booking',
      run: async (call) => {
        const { bookingId = '', reason = 'Cancelled by the site' } = readForm(call.request.body);
        try {
          await parts.scheduling.bookings.cancel(bookingId, call.principal, reason);
        } catch (error) {
          return showDiary(parts, call, [faultOf(error)]);
        }
        const { resource, date } = paramsOf(call.request);
        return call.reply.redirect(`/booking/diaries/${encodeURIComponent(resource)}/${date}`, 303);
      },
    },
  ];
}

const paramsOf = (request: FastifyRequest) =>
  request.params as { readonly resource: string; readonly date: string };

function showResources(parts: HttpParts, call: PageCall, faults: readonly FieldFault[]): unknown {
  const { db } = parts.projection;
  const resources = listResources(db, { trust: call.principal.trust });
  const from = ukDay(parts.clock.now());
  const trusts = [...new Set(resources.map(({ trust }) => trust))];
  return call.render('diaries.njk', {
    title: `${faults.length > 0 ? 'Error: ' : ''}Diaries`,
    section: 'booking',
    resources: resources.map((resource) => ({
      ...resource,
      place: trustName(parts, resource.trust),
      percent: Math.round(resource.offeredOutShare * 100),
      days: daysOfDiaries(db, { resource: resource.id, from }),
    })),
    unplaced: trusts.flatMap((trust) =>
      unplacedAppointments(db, { trust, from: rfc3339(parts.clock.now()) }).map((one) => ({
        ...{ ...one, place: trustName(parts, trust) },
      })),
    ),
    advice: adviceFor(parts, resources, call.principal.trust),
    faultList: faults,
    faults: faultsByField(faults),
  });
}

/** Of what is shown; to people of a trust what concerns it. */
function adviceFor(
  parts: HttpParts,
  resources: readonly Resource[],
  trust: string | null,
): readonly object[] {
  const modalities = [...new Set(resources.map(({ modality }) => modality))];
  return modalities.flatMap((modality) =>
    sessionAdvice(parts.projection.db, modality, parts.clock.now())
      .moves.filter(({ from, to }) => trust === null || trust === from || trust === to)
      .map((move) => ({
        ...{ ...move, modality },
        fromName: trustName(parts, move.from),
        toName: trustName(parts, move.to),
      })),
  );
}

async function changeShare(parts: HttpParts, call: PageCall): Promise<unknown> {
  const { resource: id } = paramsOf(call.request);
  const { percent = '' } = readForm(call.request.body);
  const share = Number(percent);
  if (percent === '' || !(share >= 0 && share <= 100))
    return showResources(parts, call, [
      { field: `percent-${id}`, message: 'Enter a share from 0 to 100 per cent' },
    ]);
  const resource = parts.scheduling.capacity.resource(id);
  try {
    const changed = { ...resource, offeredOutShare: share / 100 };
    await parts.scheduling.capacity.putResource(changed, call.principal);
  } catch (error) {
    return showResources(parts, call, [faultOf(error)]);
  }
  return call.reply.redirect('/booking/diaries', 303);
}

function showDiary(parts: HttpParts, call: PageCall, faults: readonly FieldFault[]): unknown {
  const { db } = parts.projection;
  const { resource: id, date } = paramsOf(call.request);
  const resource = parts.scheduling.capacity.resource(id);
  const diary = parts.scheduling.capacity.diaryFor(id, date, call.principal);
  const bookings = new Map(diary.bookings.map((one) => [one.bookingId, one]));
  const requestOf = ({ requestId }: Booking) =>
    requestId === null ? undefined : findRequest(db, requestId)?.value;
  call.saw(subjectsOfRequests([...bookings.values()].flatMap((one) => requestOf(one) ?? [])));
  return call.render('diary.njk', {
    title: `${resource.name}, ${date}`,
    section: 'booking',
    resource,
    place: trustName(parts, resource.trust),
    date,
    authority: diary.authority,
    address: `/booking/diaries/${encodeURIComponent(id)}/${date}`,
    slots: diary.slots.map((slot) => {
      const booking = slot.owner === null ? undefined : bookings.get(slot.owner);
      return { ...slot, booking, request: booking && requestOf(booking) };
    }),
    withoutSlot: diary.bookings
      .filter(({ slotIds, state }) => slotIds.length === 0 && state !== 'cancelled')
      .map((booking) => ({ ...booking, request: requestOf(booking) })),
    faultList: faults,
  });
}
