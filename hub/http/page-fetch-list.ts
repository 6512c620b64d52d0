/** `/fetches`: the orders, newest first, kept live. */
import { FETCH_STATES } from '../../shared/contract/events.ts';
import { subjectsOfFetches } from '../audit/subjects.ts';
import { STATE_WORDS } from '../web/states.ts';
import { pick, readForm } from './forms.ts';
import { headingOf } from './page-fetch.ts';
import { pagedList } from './page-list.ts';
import type { Page, PageCall } from './pages.ts';
import type { HttpParts } from './parts.ts';
import { withoutUndefined } from './routes-fetches.ts';
import { FetchesQuery } from './schemas.ts';
import { listFetches } from './shown-fetches.ts';
import { validate } from './validate.ts';

const PAGE_SIZE = 25;

export function fetchListPages(parts: HttpParts): Page[] {
  return [
    {
      method: 'GET',
      path: '/fetches',
      action: 'fetch',
      audit: 'look',
      run: (call) => {
        const form = readForm(call.request.query);
        const query = call.request.url.split('?')[1];
        const offer = (name: string, all: string, items: { value: string; text: string }[]) =>
          [{ value: '', text: all }, ...items].map((item) => ({
            ...item,
            selected: item.value === (form[name] ?? ''),
          }));
        const { trusts } = parts.config;
        return call.render('fetches.njk', {
          ...shown(parts, call),
          title: 'Fetches',
          section: 'fetches',
          waiting: waitingForPatient(parts, call),
          refreshSeconds: 10,
          liveSource: `/fetches/live${query === undefined ? '' : `?${query}`}`,
          stateItems: offer(
            'state',
            'Any',
            FETCH_STATES.map((state) => ({ value: state, text: STATE_WORDS[state].word })),
          ),
          trustItems: offer(
            'trust',
            'Any',
            trusts.map(({ ods, name }) => ({ value: ods, text: name })),
          ),
        });
      },
    },
    {
      method: 'GET',
      path: '/fetches/live',
      action: 'fetch',
      // The page that it is a part of was recorded.
      audit: null,
      run: (call) => call.render('fetches-live.njk', shown(parts, call)),
    },
  ];
}

/** How many of the asker's trust wait for somebody to say whose they are. */
function waitingForPatient(parts: HttpParts, { principal, discloser }: PageCall): number {
  const own = principal.trust === null ? {} : { trust: principal.trust };
  return listFetches(parts, discloser, { state: 'held', ...own, limit: 1, offset: 0 }).total;
}

function shown(parts: HttpParts, { request, discloser, saw }: PageCall): object {
  const given = pick(readForm(request.query), ['state', 'trust', 'offset'], []);
  const query = validate(FetchesQuery, { ...given, limit: PAGE_SIZE }, 'query');
  const filter = withoutUndefined(query) as Parameters<HttpParts['fetches']['list']>[0];
  const { fetches, total } = listFetches(parts, discloser, filter);
  saw(subjectsOfFetches(parts.projection.db, fetches));
  const { limit, offset } = query;
  return {
    fetches: fetches.map((order) => ({ ...order, heading: headingOf(parts, order) })),
    list: pagedList(request, { total, limit, offset, shown: fetches.length }),
    isFiltered: query.state !== undefined || query.trust !== undefined,
  };
}
