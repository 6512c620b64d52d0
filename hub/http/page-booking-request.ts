/** `/booking/requests/{id}`: one patient's request, the slots that can be used, and why others can't. */
import { randomUUID } from 'node:crypto';
import { httpUrlOf } from '../config.ts';
import { flagsOf } from '../scheduling/demand.ts';
import { SchedulingError } from '../scheduling/scheduling-error.ts';
import type { ImagingRequest } from '../scheduling/types.ts';
import { type FieldFault, type Form, readForm } from './forms.ts';
import { pagedList } from './page-list.ts';
import type { Page, PageCall } from './pages.ts';
import type { HttpParts } from './parts.ts';
import { trustName } from './routes-studies.ts';
import { subjectsOfRequests } from './scheduling-json.ts';
import { bookingOf, movedView, notBookedView, searchedDays, slotView } from './slot-view.ts';

const PAGE_SIZE = 20;

export function bookingRequestPages(parts: HttpParts): Page[] {
  const { scheduling } = parts;
  const path = '/booking/requests/:id';
  const common = { method: 'POST', action: 'book', audit: 'booking' } as const;
  const requestOf = ({ request, principal, saw }: PageCall): ImagingRequest => {
    const found = scheduling.requests.findFor((request.params as { id: string }).id, principal);
    saw(subjectsOfRequests([found]));
    return found;
  };
  /** Does what the button says, and shows the page again: with what was refused, or anew. */
  const act = async (
    call: PageCall,
    run: (request: ImagingRequest, form: Form) => Promise<unknown>,
  ) => {
    const request = requestOf(call);
    try {
      await run(request, readForm(call.request.body));
    } catch (error) {
      return show(parts, call, { request, faults: [faultOf(error)] });
    }
    return call.reply.redirect(addressOf(request), 303);
  };
  return [
    {
      method: 'GET',
      path,
      action: 'book',
      audit: 'look',
      run: (call) => show(parts, call, { request: requestOf(call), faults: [] }),
    },
    {
      ...common,
      path: `${path}/book`,
      run: (call) =>
        act(call, ({ requestId }, { slotId = '', key = '' }) =>
          scheduling.book({ slotId, requestId, idempotencyKey: key }, call.principal),
        ),
    },
    {
      ...common,
      path: `${path}/cancel`,
      run: (call) =>
        act(call, (_request, { bookingId = '', reason = 'Cancelled by booking staff' }) =>
          scheduling.bookings.cancel(bookingId, call.principal, reason),
        ),
    },
    {
      ...common,
      path: `${path}/told`,
      run: (call) =>
        act(call, (_request, { bookingId = '' }) =>
          scheduling.bookings.toldByStaff(bookingId, call.principal),
        ),
    },
    {
      ...common,
      path: `${path}/link`,
      run: async (call) => {
        const request = requestOf(call);
        try {
          const token = await scheduling.links.create(request.requestId, call.principal);
          const link = `${httpUrlOf(parts.config, portOf(call))}/appointment/${token}`;
          return show(parts, call, { request, faults: [], link });
        } catch (error) {
          return show(parts, call, { request, faults: [faultOf(error)] });
        }
      },
    },
  ];
}

const addressOf = ({ requestId }: ImagingRequest): string =>
  `/booking/requests/${encodeURIComponent(requestId)}`;

const portOf = ({ request }: PageCall): number => request.socket.localPort ?? 0;

/** @throws what is no refusal of scheduling */
export function faultOf(error: unknown): FieldFault {
  if (!(error instanceof SchedulingError)) throw error;
  return { field: '', message: error.message };
}

interface Shown {
  readonly request: ImagingRequest;
  readonly faults: readonly FieldFault[];
  readonly link?: string;
}

function show(parts: HttpParts, call: PageCall, { request, faults, link }: Shown): unknown {
  const form = readForm(call.request.query);
  const offset = Math.max(0, Math.trunc(Number(form['offset']) || 0));
  const booking = bookingOf(parts, request.requestId);
  const transport = transportOf(form, request);
  const found = parts.scheduling.search(
    { request, ...searchedDays(parts), transport, limit: PAGE_SIZE, offset },
    call.principal,
  );
  const { restricted, deceased } = flagsOf(parts.projection.db, request);
  // As many as there may be; the search tells only whether there are more.
  const shown = found.slots.length;
  const total = offset + shown + (found.hasMore ? 1 : 0);
  return call.render('booking-request.njk', {
    title: `${faults.length > 0 ? 'Error: ' : ''}${request.examination.name}`,
    section: 'booking',
    request,
    own: trustName(parts, request.trust),
    flags: { restricted, deceased },
    booking,
    notBooked: notBookedView(parts, request.requestId),
    moved: movedView(parts, request.requestId),
    slots: found.slots.map((slot) => slotView(parts, slot, booking)),
    notOffered: found.notOffered,
    ownTrust: found.ownTrust,
    list: pagedList(call.request, { total, limit: PAGE_SIZE, offset, shown }),
    address: addressOf(request),
    key: randomUUID(),
    transport,
    faultList: faults,
    link,
  });
}

export function transportOf(form: Form, { wishes }: ImagingRequest): 'car' | 'public' {
  const { by } = form;
  return by === 'car' || by === 'public' ? by : (wishes.transport ?? 'car');
}
