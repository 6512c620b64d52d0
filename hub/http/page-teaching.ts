/** `/teaching`: the collection, one file with its question, its answer when somebody asks for it; and how to mark a study. */
import { TeachingNoteSchema } from '../../shared/contract/teaching.ts';
import { listCases, termsOf } from '../teaching/cases.ts';
import { mayWithdraw } from '../teaching/teaching.ts';
import { TeachingError } from '../teaching/teaching-error.ts';
import { type FieldFault, faultsByField, fieldFaults, pick, readForm } from './forms.ts';
import { pagedList } from './page-list.ts';
import type { Page, PageCall } from './pages.ts';
import type { HttpParts } from './parts.ts';
import { TeachingQuery, WithdrawTeachingBody } from './schemas-teaching.ts';
import { findDisclosedStudy } from './teaching-study.ts';
import { pendingFor, teachingJson } from './teaching-view.ts';
import { validate } from './validate.ts';

const SHOWN_PENDING = { limit: 50, offset: 0 };
const FILTERS = ['q', 'modality', 'bodyPart', 'keyword'];

export function teachingPages(parts: HttpParts): Page[] {
  const { teaching } = parts;
  const marking = { path: '/studies/:uid/teaching', action: 'teach', audit: 'teaching' } as const;
  return [
    {
      ...{ method: 'GET', path: '/teaching', action: 'learn', audit: null },
      run: (call) => showList(parts, call),
    },
    {
      ...{ method: 'GET', path: '/teaching/:id', action: 'learn', audit: 'teaching' },
      run: (call) => showFile(parts, call),
    },
    {
      ...{ method: 'POST', path: '/teaching/:id/withdraw', action: 'learn', audit: 'teaching' },
      run: async ({ request, principal, reply, saw }) => {
        const { id } = request.params as { id: string };
        const { reason } = validate(WithdrawTeachingBody, readForm(request.body), 'body');
        const { studyInstanceUID, home } = await teaching.withdraw(principal, id, reason);
        saw({ patients: [], studies: [studyInstanceUID], homes: [home] });
        return reply.redirect('/teaching', 303);
      },
    },
    { ...marking, method: 'GET', run: (call) => showForm(parts, call, []) },
    {
      ...{ ...marking, method: 'POST' },
      run: async (call) => {
        try {
          const file = await mark(parts, call);
          return call.reply.redirect(`/teaching/${file.caseId}`, 303);
        } catch (error) {
          return showForm(parts, call, faultsOf(error));
        }
      },
    },
  ];
}

function mark(parts: HttpParts, { request, principal, discloser, saw }: PageCall) {
  const study = studyAsked(parts, { request, discloser, saw });
  const { keywords = '', ...form } = readForm(request.body);
  const given = {
    ...pick(form, ['title', 'question', 'answer', 'category'], []),
    keywords: keywords
      .split(/[,\n]/)
      .map((keyword) => keyword.trim())
      .filter(Boolean),
  };
  const note = validate(TeachingNoteSchema, given, 'body');
  return parts.teaching.mark(principal, { study, note, discloser });
}

function studyAsked(
  parts: HttpParts,
  { request, ...sight }: Pick<PageCall, 'request' | 'discloser' | 'saw'>,
) {
  const { uid = '' } = request.params as { uid?: string };
  const { home } = request.query as { home?: unknown };
  return findDisclosedStudy(parts, sight, uid, typeof home === 'string' ? home : undefined);
}

const WORDS: Readonly<Record<string, string>> = {
  title: 'Enter a title',
  question: 'Enter the history, and what is asked',
  answer: 'Enter what is to be learnt',
  keywords: 'Enter at most 20 keywords, a comma between them, each of at most 60 characters',
  category: 'Enter a category of at most 60 characters',
};

function faultsOf(error: unknown): FieldFault[] {
  if (error instanceof TeachingError && error.code === 'NOTE_NAMES_PATIENT')
    return [{ field: '', message: error.message }];
  return fieldFaults(error, {}).map(({ field, message }) => ({
    field,
    message: WORDS[field] ?? message,
  }));
}

function showForm(parts: HttpParts, call: PageCall, faults: readonly FieldFault[]): unknown {
  const { request, render, reply } = call;
  const study = studyAsked(parts, call);
  if (faults.length > 0) reply.status(400);
  const { home, studyInstanceUID } = study;
  const address = `/studies/${encodeURIComponent(studyInstanceUID)}`;
  return render('teaching-mark.njk', {
    section: 'teaching',
    title: `${faults.length > 0 ? 'Error: ' : ''}Use for teaching`,
    ...{ study, address, action: `${address}/teaching?home=${home}` },
    form: readForm(request.body),
    ...{ faultList: faults, faults: faultsByField(faults) },
  });
}

function showList(parts: HttpParts, { request, render, principal }: PageCall): unknown {
  const { db } = parts.projection;
  const form = readForm(request.query);
  const { limit, offset, ...query } = validate(
    TeachingQuery,
    { ...pick(form, FILTERS, []), offset: form['offset'] ?? '0', limit: '25' },
    'query',
  );
  const { cases, total } = listCases(db, query, { limit, offset });
  const pending = listCases(db, pendingFor(principal), SHOWN_PENDING);
  const shown = (list: typeof cases) => list.map((one) => teachingJson(one, principal));
  return render('teaching.njk', {
    ...{ section: 'teaching', title: 'Teaching files', form },
    ...{ cases: shown(cases), pending: shown(pending.cases), terms: termsOf(db) },
    isAsked: FILTERS.some((name) => form[name] !== undefined),
    list: pagedList(request, { total, limit, offset, shown: cases.length }),
  });
}

function showFile(parts: HttpParts, { request, render, principal }: PageCall): unknown {
  const { id } = request.params as { id: string };
  const { answer: isAsked } = request.query as { answer?: unknown };
  const found = parts.teaching.require(principal, id);
  const one = teachingJson(found, principal);
  const uid = encodeURIComponent(one.studyInstanceUID ?? '');
  return render('teaching-file.njk', {
    ...{ section: 'teaching', title: one.title, one },
    answer: isAsked === 'shown' ? found.file.note.answer : undefined,
    openHref: `/viewer/viewer/teaching?StudyInstanceUIDs=${uid}`,
    mayWithdraw: mayWithdraw(principal, found.file) && one.state !== 'withdrawn',
  });
}
