/**
 * `/booking/slots/{slot}`: whom to phone for a slot that was given back, in order, with the reason for everybody
 * else. While it is offered to somebody, staff answer for him: he takes it, or says no. SC-23, SC-30.
 */
import { randomUUID } from 'node:crypto';
import { trustRefusal } from '../access/rules.ts';
import { MOST_CALLED } from '../scheduling/call-list.ts';
import { hoursTo } from '../scheduling/rules/facts.ts';
import { refillRow } from '../scheduling/rules/refill.ts';
import { type FieldFault, readForm } from './forms.ts';
import { faultOf } from './page-booking-request.ts';
import type { Page, PageCall } from './pages.ts';
import type { HttpParts } from './parts.ts';
import { trustName } from './routes-studies.ts';
import { subjectsOfRequests } from './scheduling-json.ts';
import { notBookedView } from './slot-view.ts';

export function callListPages(parts: HttpParts): Page[] {
  const path = '/booking/slots/:slot';
  return [
    {
      method: 'GET',
      path,
      action: 'book',
      audit: 'search',
      run: (call) => show(parts, call, []),
    },
    {
      method: 'POST',
      path: `${path}/book`,
      action: 'book',
      audit: 'booking',
      run: (call) => answer(parts, call, book),
    },
    {
      method: 'POST',
      path: `${path}/decline`,
      action: 'book',
      audit: 'booking',
      run: (call) => answer(parts, call, decline),
    },
  ];
}

interface Answer {
  readonly requestId: string;
  readonly key: string;
  /** That is open for this patient. */
  readonly offerId: string | undefined;
}

/** What a patient said on the phone. */
async function answer(
  parts: HttpParts,
  call: PageCall,
  carryOut: (parts: HttpParts, call: PageCall, answer: Answer) => Promise<string>,
): Promise<unknown> {
  const { requestId = '', key = '' } = readForm(call.request.body);
  call.saw(subjectsOfRequests([parts.scheduling.requests.find(requestId)]));
  const { openOffers } = parts.scheduling.callList(slotOf(call), call.principal);
  const offerId = openOffers.find((offer) => offer.requestId === requestId)?.offerId;
  try {
    return call.reply.redirect(await carryOut(parts, call, { requestId, key, offerId }), 303);
  } catch (error) {
    return show(parts, call, [faultOf(error)]);
  }
}

/** @returns where to go on */
async function book(
  { scheduling }: HttpParts,
  call: PageCall,
  { requestId, key }: Answer,
): Promise<string> {
  const wish = { slotId: slotOf(call), requestId, idempotencyKey: key };
  await scheduling.book(wish, call.principal);
  // Of a patient of another trust the site is shown what the list and its diary show.
  const isOwn = trustRefusal(call.principal, scheduling.requests.find(requestId).trust) === null;
  if (isOwn) return `/booking/requests/${encodeURIComponent(requestId)}`;
  const { resource, date } = scheduling.slot(wish.slotId);
  return `/booking/diaries/${encodeURIComponent(resource)}/${date}`;
}

async function decline(
  { scheduling }: HttpParts,
  call: PageCall,
  { offerId = '' }: Answer,
): Promise<string> {
  await scheduling.offers.decline(offerId, call.principal, { stop: false });
  return `/booking/slots/${encodeURIComponent(slotOf(call))}`;
}

const slotOf = ({ request }: PageCall): string => (request.params as { slot: string }).slot;

function show(parts: HttpParts, call: PageCall, faults: readonly FieldFault[]): unknown {
  const { decision, requests, travel, slot, resource, openOffers } = parts.scheduling.callList(
    slotOf(call),
    call.principal,
  );
  const people = decision.considered.flatMap((considered) => {
    const request = requests.get(considered.requestId);
    if (request === undefined) return [];
    const { requestId } = considered;
    const lost = notBookedView(parts, requestId);
    return [{ ...considered, request, lost, travel: travel.get(requestId) ?? null }];
  });
  const called = people.filter(({ removedBy }) => removedBy.length === 0).slice(0, MOST_CALLED);
  const others = people.filter(({ removedBy }) => removedBy.length > 0).slice(0, MOST_CALLED);
  call.saw(subjectsOfRequests([...called, ...others].map(({ request }) => request)));
  const now = parts.clock.now();
  return call.render('call-list.njk', {
    title: `${faults.length > 0 ? 'Error: ' : ''}Call list`,
    section: 'booking',
    slot,
    resource,
    place: trustName(parts, resource.trust),
    address: `/booking/slots/${encodeURIComponent(slot.id)}`,
    hours: Math.max(0, Math.round(hoursTo(slot.start, now) * 10) / 10),
    isStaffs: refillRow(slot.start, now).mode === 'staff',
    toCall: called,
    others,
    asked: openOffers.map(({ requestId }) => requestId),
    askedUntil: openOffers[0]?.expiresAt,
    key: randomUUID(),
    faultList: faults,
  });
}
