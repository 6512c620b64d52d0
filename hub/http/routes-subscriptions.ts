/** Figures by e-mail: what the person who asks is sent, as of the API. */
import * as z from 'zod';
import { EVERY } from '../measures/subscriptions/periods.ts';
import type { Subscription } from '../measures/subscriptions/subscription-store.ts';
import { type ApiRoute, apiRoute } from './api-route.ts';
import type { HttpParts } from './parts.ts';
import { Month } from './routes-measures.ts';

const Asked = z.strictObject({
  by: z.array(z.string().max(40)).max(10).default([]),
  from: Month.nullable().default(null),
  to: Month.nullable().default(null),
  where: z.record(z.string().max(40), z.string().max(200)).default({}),
});

const Given = z.strictObject({
  measure: z.string().max(40),
  asked: Asked.prefault({}).describe('as the page of the measure asks'),
  every: z.enum(EVERY),
  email: z.string().max(254).describe('at one of the domains of `measures.email`'),
});

const Answered = z.strictObject({
  id: z.string(),
  measure: z.string(),
  asked: z.strictObject({
    by: z.array(z.string()),
    from: z.string().nullable(),
    to: z.string().nullable(),
    where: z.record(z.string(), z.string()),
  }),
  every: z.enum(EVERY),
  email: z.string(),
  createdAt: z.string(),
  sentAt: z.string().nullable(),
  fault: z.string().nullable().describe('why it could not be sent; it is tried again'),
});

const PROBLEMS = ['SUBSCRIPTION_OFF', 'SUBSCRIPTION_ADDRESS', 'SUBSCRIPTION_MANY'];

export function subscriptionRoutes({
  subscriptions,
}: Pick<HttpParts, 'subscriptions'>): ApiRoute[] {
  return [
    apiRoute({
      ...{ method: 'GET', path: '/api/subscriptions', action: 'subscribe', audit: null },
      summary: 'Figures that the person who asks is sent by e-mail',
      query: z.strictObject({}),
      answer: { status: 200, schema: z.strictObject({ subscriptions: z.array(Answered) }) },
      problems: [],
      run: ({ principal }) => ({ subscriptions: subscriptions.list(principal).map(answerOf) }),
    }),
    apiRoute({
      ...{ method: 'POST', path: '/api/subscriptions', action: 'subscribe', audit: 'export' },
      summary: 'Sends the figures of a measure by e-mail, every week or month from the next one on',
      body: Given,
      answer: { status: 201, schema: Answered },
      problems: [...PROBLEMS, 'MEASURE_UNKNOWN', 'MEASURE_DIMENSION'],
      run: ({ principal, body, note }) => {
        // Also of what is refused: to which address somebody wanted to send figures.
        note(subscriptionNote(body));
        return answerOf(subscriptions.add(principal, body));
      },
    }),
    apiRoute({
      ...{ method: 'DELETE', path: '/api/subscriptions/:id', action: 'subscribe', audit: 'export' },
      summary: 'Stops an e-mail of the person who asks',
      query: z.strictObject({}),
      answer: { status: 200, schema: Answered },
      problems: ['SUBSCRIPTION_UNKNOWN'],
      run: ({ principal, path, note }) => {
        const one = subscriptions.drop(principal, path['id'] ?? '');
        note(subscriptionNote(one));
        return answerOf(one);
      },
    }),
  ];
}

/** What the trail says of it. */
export const subscriptionNote = (
  one: Pick<Subscription, 'asked' | 'email' | 'every' | 'measure'>,
): Readonly<Record<string, unknown>> => ({
  ...{ measure: one.measure, ...one.asked, every: one.every, email: one.email },
});

const moment = (ms: number): string => new Date(ms).toISOString();

function answerOf(one: Subscription): z.output<typeof Answered> {
  const { id, measure, asked, every, email, createdAt, sentAt, fault } = one;
  return {
    ...{ id, measure, every, email, fault, createdAt: moment(createdAt) },
    asked: { by: [...asked.by], from: asked.from, to: asked.to, where: { ...asked.where } },
    sentAt: sentAt === null ? null : moment(sentAt),
  };
}
