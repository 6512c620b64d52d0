/** Resources and their diaries. */
import { listResources } from '../scheduling/rows.ts';
import { sessionAdvice } from '../scheduling/session-advice.ts';
import { type ApiRoute, apiRoute } from './api-route.ts';
import type { HttpParts } from './parts.ts';
import { diaryJson, resourceOf } from './scheduling-json.ts';
import { requireDate, requireId } from './scheduling-path.ts';
import { NoQuery } from './schemas.ts';
import {
  DiaryInput,
  ResourceInput,
  ResourcesQuery,
  SessionMovesQuery,
} from './schemas-scheduling.ts';
import {
  DiaryAnswer,
  ResourceAnswer,
  ResourcesAnswer,
  SessionMovesAnswer,
} from './schemas-scheduling-answers.ts';

type Parts = Pick<HttpParts, 'scheduling' | 'projection' | 'clock'>;

export const capacityRoutes = (parts: Parts): ApiRoute[] => [
  ...resourceRoutes(parts),
  ...diaryRoutes(parts),
  sessionMovesRoute(parts),
];

function sessionMovesRoute({ projection: { db }, clock }: Parts): ApiRoute {
  return apiRoute({
    method: 'GET',
    path: '/api/session-moves',
    summary:
      'Waits, referrals and slots of each trust in a modality, and which sessions a week would even the waits out',
    action: 'book',
    audit: null,
    query: SessionMovesQuery,
    answer: { status: 200, schema: SessionMovesAnswer },
    problems: ['VALIDATION_FAILED'],
    run: ({ query: { modality } }) => sessionAdvice(db, modality, clock.now()),
  });
}

function resourceRoutes({ scheduling, projection: { db } }: Parts): ApiRoute[] {
  return [
    apiRoute({
      method: 'PUT',
      path: '/api/resources/:id',
      summary: 'A scanner, a room or a session that can be booked, made or changed',
      action: 'capacity',
      audit: 'booking',
      query: NoQuery,
      body: ResourceInput,
      answer: { status: 200, schema: ResourceAnswer },
      problems: ['VALIDATION_FAILED', 'TRUST_UNKNOWN', 'TRUST_FORBIDDEN'],
      run: ({ path, body, principal }) =>
        scheduling.capacity.putResource(resourceOf(requireId(path['id']), body), principal),
    }),
    apiRoute({
      method: 'GET',
      path: '/api/resources',
      summary: 'What can be booked',
      action: 'book',
      audit: null,
      query: ResourcesQuery,
      answer: { status: 200, schema: ResourcesAnswer },
      problems: ['VALIDATION_FAILED'],
      run: ({ query: { trust = null, modality = null } }) => {
        const resources = listResources(db, { trust, modality });
        return { resources, total: resources.length };
      },
    }),
    apiRoute({
      method: 'GET',
      path: '/api/resources/:id',
      summary: 'One resource',
      action: 'book',
      audit: null,
      query: NoQuery,
      answer: { status: 200, schema: ResourceAnswer },
      problems: ['RESOURCE_UNKNOWN'],
      run: ({ path }) => scheduling.capacity.resource(path['id'] ?? ''),
    }),
  ];
}

function diaryRoutes({ scheduling }: Parts): ApiRoute[] {
  return [
    apiRoute({
      method: 'PUT',
      path: '/api/diaries/:resource/:date',
      summary: 'The slots of a resource on a day, planned; what somebody has stays',
      action: 'capacity',
      audit: 'booking',
      query: NoQuery,
      body: DiaryInput,
      answer: { status: 200, schema: DiaryAnswer },
      problems: ['VALIDATION_FAILED', 'RESOURCE_UNKNOWN', 'DIARY_CONFLICT', 'SLOT_ID_TAKEN'],
      run: async ({ path, body: { slots, authority }, principal }) => {
        const [resource, date] = [path['resource'] ?? '', requireDate(path['date'])];
        const planned = { resource, date, slots, authority };
        return diaryJson(await scheduling.capacity.putDiary(planned, principal));
      },
    }),
    apiRoute({
      method: 'GET',
      path: '/api/diaries/:resource/:date',
      summary:
        'A diary with its slots and bookings, those that ended too; for another trust what is free, and its own patients',
      action: 'book',
      audit: 'look',
      query: NoQuery,
      answer: { status: 200, schema: DiaryAnswer },
      problems: ['DIARY_UNKNOWN'],
      run: ({ path, principal, saw }) => {
        const [resource, date] = [path['resource'] ?? '', requireDate(path['date'])];
        const diary = scheduling.capacity.diaryFor(resource, date, principal);
        saw({ patients: [], studies: [], homes: [diary.trust] });
        return diaryJson(diary);
      },
    }),
  ];
}
