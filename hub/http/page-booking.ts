/** `/booking`: who waits, of the own trust or all, in the order of band and wait. */
import { flagsOf } from '../scheduling/demand.ts';
import { listRequests, type RequestState } from '../scheduling/lists.ts';
import { DAY_MS } from '../scheduling/rules/facts.ts';
import { pick, readForm } from './forms.ts';
import { pagedList } from './page-list.ts';
import type { Page } from './pages.ts';
import type { HttpParts } from './parts.ts';
import { subjectsOfRequests } from './scheduling-json.ts';
import { RequestsQuery } from './schemas-scheduling.ts';
import { bookingOf, movedView, notBookedView } from './slot-view.ts';
import { validate } from './validate.ts';

const PAGE_SIZE = 25;
/** Of the list alone: whom staff have to tell what a RIS made of their booking. */
const TO_PHONE = 'to-phone';
const STATES: readonly (readonly [RequestState, string])[] = [
  ['waiting', 'Waiting'],
  ['held', 'Being confirmed'],
  ['booked', 'Booked'],
  ['cancelled', 'Cancelled'],
];

export function bookingListPages(parts: HttpParts): Page[] {
  const { db } = parts.projection;
  return [
    {
      method: 'GET',
      path: '/booking',
      action: 'book',
      audit: 'search',
      run: ({ request, principal, render, saw }) => {
        const { state: chosen = 'waiting', ...given } = pick(
          readForm(request.query),
          ['state', 'modality', 'offset'],
          [],
        );
        const isToPhone = chosen === TO_PHONE;
        const query = validate(
          RequestsQuery,
          { ...(isToPhone ? {} : { state: chosen }), ...given, limit: PAGE_SIZE },
          'query',
        );
        const { state = null, modality = null, limit, offset } = query;
        const filter = { state, modality, trust: principal.trust, isToPhone };
        const { requests, total } = listRequests(db, filter, { limit, offset });
        saw(subjectsOfRequests(requests.map((one) => one.request)));
        const now = parts.clock.now();
        return render('booking.njk', {
          title: 'Bookings',
          section: 'booking',
          total,
          requests: requests.map((one) => ({
            ...one.request,
            state: STATES.find(([name]) => name === one.state)?.[1],
            waitDays: Math.floor((now - Date.parse(one.request.since)) / DAY_MS),
            breachDays: Math.floor((Date.parse(one.request.breachAt) - now) / DAY_MS),
            restricted: flagsOf(db, one.request).restricted,
            booking: bookingOf(parts, one.request.requestId),
            notBooked: notBookedView(parts, one.request.requestId),
            moved: movedView(parts, one.request.requestId),
          })),
          list: pagedList(request, { total, limit, offset, shown: requests.length }),
          form: { modality },
          stateItems: [...STATES, [TO_PHONE, 'To be phoned']].map(([value, text]) => ({
            ...{ value, text, selected: value === chosen },
          })),
        });
      },
    },
  ];
}
