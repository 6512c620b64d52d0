/** `/booking/slots/{slot}`: whom to phone for a free slot, in order, with the reason for everybody else. SC-23, SC-30. */
import { randomUUID } from 'node:crypto';
import { hoursTo } from '../scheduling/rules/facts.ts';
import { refillRow } from '../scheduling/rules/refill.ts';
import { type FieldFault, readForm } from './forms.ts';
import { faultOf } from './page-booking-request.ts';
import type { Page, PageCall } from './pages.ts';
import type { HttpParts } from './parts.ts';
import { trustName } from './routes-studies.ts';
import { subjectsOfRequests } from './scheduling-json.ts';

/** Nobody phones more people for one slot. */
const SHOWN = 50;

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
      run: async (call) => {
        const { requestId = '', key = '' } = readForm(call.request.body);
        const request = parts.scheduling.requests.find(requestId);
        call.saw(subjectsOfRequests([request]));
        try {
          const wish = { slotId: slotOf(call), requestId, idempotencyKey: key };
          await parts.scheduling.bookings.book(wish, call.principal);
        } catch (error) {
          return show(parts, call, [faultOf(error)]);
        }
        return call.reply.redirect(`/booking/requests/${encodeURIComponent(requestId)}`, 303);
      },
    },
  ];
}

const slotOf = ({ request }: PageCall): string => (request.params as { slot: string }).slot;

function show(parts: HttpParts, call: PageCall, faults: readonly FieldFault[]): unknown {
  const { decision, requests, travel, slot, resource } = parts.scheduling.callList(
    slotOf(call),
    call.principal,
  );
  const people = decision.considered.flatMap((considered) => {
    const request = requests.get(considered.requestId);
    if (request === undefined) return [];
    return [{ ...considered, request, travel: travel.get(considered.requestId) ?? null }];
  });
  const toCall = people.filter(({ removedBy }) => removedBy.length === 0).slice(0, SHOWN);
  const others = people.filter(({ removedBy }) => removedBy.length > 0).slice(0, SHOWN);
  call.saw(subjectsOfRequests([...toCall, ...others].map(({ request }) => request)));
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
    toCall,
    others,
    key: randomUUID(),
    faultList: faults,
  });
}
