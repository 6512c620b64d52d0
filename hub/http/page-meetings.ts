/** `/meetings`: lists of meetings (MDT). Who is on one concerns the people of the trusts that meet. */
import { rfc3339 } from '../../shared/clock.ts';
import { findMdtList, listMdtLists, type MdtList } from '../relations/mdt-lists.ts';
import { RelationError } from '../relations/relation-error.ts';
import { personsMeant } from '../relations/whom.ts';
import {
  type FieldFault,
  faultsByField,
  fieldFaults,
  pick,
  readForm,
  readList,
  typedDate,
} from './forms.ts';
import type { Page, PageCall } from './pages.ts';
import type { HttpParts } from './parts.ts';
import { withoutUndefined } from './routes-fetches.ts';
import { meetingJson, monthAgo } from './routes-relations.ts';
import { ListedPatientBody, MeetingBody } from './schemas-relations.ts';
import { validate } from './validate.ts';

const SHOWN = { limit: 100, offset: 0 };

export function meetingPages(parts: HttpParts): Page[] {
  const { relations } = parts;
  const changes = { action: 'meet', audit: 'mdt-list' } as const;
  const address = (listId: string): string => `/meetings/${encodeURIComponent(listId)}`;
  return [
    {
      ...{ method: 'GET', path: '/meetings', action: 'view', audit: null },
      run: (call) => showAll(parts, call, []),
    },
    {
      ...{ method: 'POST', path: '/meetings', ...changes },
      run: async (call) => {
        const { request, principal, reply } = call;
        const { name, meetsOn, trust } = readForm(request.body);
        const trusts = readList(request.body, 'trusts');
        const given = { name, trust: principal.trust ?? trust, trusts };
        try {
          const day = typedDate(meetsOn ?? '');
          const body = validate(MeetingBody, { ...given, meetsOn: day }, 'body');
          const { listId } = await relations.planMeeting(principal, body);
          return reply.redirect(address(listId), 303);
        } catch (error) {
          return showAll(parts, call, faultsOf(error));
        }
      },
    },
    {
      ...{ method: 'GET', path: '/meetings/:id', action: 'view', audit: 'mdt-list' },
      run: (call) => showOne(parts, call, []),
    },
    {
      ...{ method: 'POST', path: '/meetings/:id/patients', ...changes },
      run: async (call) => {
        const { listId } = ownList(parts, call);
        const form = readForm(call.request.body);
        try {
          const given = pick(form, ['nhsNumber', 'question'], []);
          const { question, ...whom } = validate(ListedPatientBody, given, 'body');
          const persons = personsMeant(parts.projection.db, withoutUndefined(whom));
          const person = persons.length === 1 ? persons[0] : undefined;
          await relations.putOnList(call.principal, listId, { person, question });
        } catch (error) {
          return showOne(parts, call, faultsOf(error));
        }
        return call.reply.redirect(address(listId), 303);
      },
    },
    {
      ...{ method: 'POST', path: '/meetings/:id/patients/:place/remove', ...changes },
      run: async (call) => {
        const { listId } = ownList(parts, call);
        const { place } = call.request.params as { place: string };
        const at = Number(/^\d{1,4}$/.exec(place)?.[0] ?? -1);
        await relations.takeOffList(call.principal, listId, at);
        return call.reply.redirect(address(listId), 303);
      },
    },
  ];
}

const WORDS: Readonly<Record<string, string>> = {
  name: 'Enter what the meeting is called',
  meetsOn: 'Enter a real date, such as 31/1/2027',
  trust: 'Choose who holds the meeting',
  question: 'Enter what is asked of the meeting',
};

function faultsOf(error: unknown): FieldFault[] {
  if (error instanceof RelationError) return [{ field: 'nhsNumber', message: error.message }];
  return fieldFaults(error, {}).map(({ field, message }) => ({
    field: field === '' ? 'nhsNumber' : field,
    message: WORDS[field] ?? message,
  }));
}

/** One of the asker's trust. @throws RelationError `MDT_LIST_UNKNOWN` */
function ownList(
  { projection }: HttpParts,
  { request, principal }: Pick<PageCall, 'request' | 'principal'>,
): MdtList {
  const { id } = request.params as { id: string };
  const list = findMdtList(projection.db, id)?.list;
  const isOwn = principal.trust === null || list?.trusts.includes(principal.trust) === true;
  if (list === undefined || !isOwn)
    throw new RelationError('MDT_LIST_UNKNOWN', 'There is no such list.');
  return list;
}

const mayChange = (parts: HttpParts, { principal }: PageCall, holder?: string): boolean =>
  parts.access.refuse(principal, 'meet') === null &&
  (holder === undefined || principal.trust === null || principal.trust === holder);

function showAll(parts: HttpParts, call: PageCall, faults: readonly FieldFault[]): unknown {
  const { principal, render, reply, request } = call;
  const asked = { trust: principal.trust, since: monthAgo(parts.clock.now()) };
  const { lists } = listMdtLists(parts.projection.db, asked, SHOWN);
  const others = parts.config.trusts.filter(({ ods }) => ods !== principal.trust);
  if (faults.length > 0) reply.status(400);
  return render('meetings.njk', {
    section: 'meetings',
    title: `${faults.length > 0 ? 'Error: ' : ''}Meetings`,
    lists: lists.map((list) => ({ ...list, isPast: list.meetsOn < today(parts) })),
    mayChange: mayChange(parts, call),
    form: readForm(request.body),
    trustItems: others.map(({ ods, name }) => ({ value: ods, text: name })),
    ...{ faultList: faults, faults: faultsByField(faults) },
  });
}

const today = ({ clock }: HttpParts): string => rfc3339(clock.now()).slice(0, 10);

function showOne(parts: HttpParts, call: PageCall, faults: readonly FieldFault[]): unknown {
  const { render, reply, request } = call;
  const list = ownList(parts, call);
  if (faults.length > 0) reply.status(400);
  return render('meeting.njk', {
    section: 'meetings',
    title: `${faults.length > 0 ? 'Error: ' : ''}${list.name}`,
    list: meetingJson(parts, call, list),
    mayChange: mayChange(parts, call, list.trust),
    form: readForm(request.body),
    ...{ faultList: faults, faults: faultsByField(faults) },
  });
}
