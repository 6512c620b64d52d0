/**
 * `/measures/subscriptions`: what somebody is sent by e-mail; they subscribe on a measure's page. `/stop-figures/{secret}`:
 * stopped by the link in the e-mail, without signing in. The link itself only asks: mail servers open links, too.
 */
import * as z from 'zod';
import { GatewayError } from '../../shared/errors.ts';
import { searchOf } from '../measures/question-link.ts';
import { EVERY } from '../measures/subscriptions/periods.ts';
import type { Subscription } from '../measures/subscriptions/subscription-store.ts';
import type { RouteUse } from './audited.ts';
import { readForm } from './forms.ts';
import type { Page, PageCall } from './pages.ts';
import type { HttpParts } from './parts.ts';
import { MeasureQuery, questionOf } from './routes-measures.ts';
import { subscriptionNote } from './routes-subscriptions.ts';
import { validate } from './validate.ts';

type Parts = Pick<HttpParts, 'subscriptions' | 'measures'>;

const path = '/measures/subscriptions';

export function subscriptionPages(parts: Parts): Page[] {
  const { subscriptions } = parts;
  const show = (call: PageCall, values: object = {}): string =>
    call.render('subscriptions.njk', {
      ...{ title: 'Figures by e-mail', section: 'measures', isOn: subscriptions.isOn },
      subscriptions: subscriptions.list(call.principal).map((one) => shownOf(parts, one)),
      ...values,
    });
  return [
    { ...{ method: 'GET', path, action: 'subscribe', audit: null }, run: (call) => show(call) },
    {
      ...{ method: 'POST', path, action: 'subscribe', audit: 'export' },
      run: (call) => {
        try {
          subscribe(parts, call);
        } catch (error) {
          if (!(error instanceof GatewayError)) throw error;
          call.reply.status(422);
          return show(call, { refused: error.message });
        }
        return call.reply.redirect(path, 303);
      },
    },
    {
      ...{ method: 'POST', path: `${path}/:id/stop`, action: 'subscribe', audit: 'export' },
      run: (call) => {
        const { id = '' } = call.request.params as Record<string, string>;
        call.note(subscriptionNote(subscriptions.drop(call.principal, id)));
        return call.reply.redirect(path, 303);
      },
    },
    ...stopPages(parts),
  ];
}

function subscribe({ subscriptions }: Parts, call: PageCall): void {
  const { measure = '', question = '', every, email = '' } = readForm(call.request.body);
  const asked = validate(MeasureQuery, Object.fromEntries(new URLSearchParams(question)), 'body');
  const { own: _, ...rest } = questionOf(asked, null);
  const given = { measure, asked: rest, email, every: validate(z.enum(EVERY), every, 'body') };
  call.note(subscriptionNote(given));
  subscriptions.add(call.principal, given);
}

function shownOf({ measures }: Parts, one: Subscription): object {
  const { id, measure, asked, every, email, sentAt, fault } = one;
  const name = measures.definitions.find((definition) => definition.id === measure)?.name;
  return {
    ...{ id, every, email, fault, name: name ?? measure },
    href: `/measures/${measure}?${searchOf(asked)}`,
    question: [
      ...(asked.by.length === 0 ? [] : [`by ${asked.by.join(', ')}`]),
      ...Object.entries(asked.where).map(([dimension, value]) => `${dimension} ${value}`),
      ...(asked.from === null && asked.to === null
        ? []
        : [`${asked.from ?? 'the first month'} to ${asked.to ?? 'the last'}`]),
    ].join('; '),
    sentAt: sentAt === null ? null : new Date(sentAt).toISOString(),
  };
}

function stopPages({ subscriptions, measures }: Parts): Page[] {
  const stop = '/stop-figures/:secret';
  const open = { action: null, hasSecretAddress: true, path: stop } as const;
  const secretOf = ({ request }: RouteUse | PageCall): string =>
    (request.params as { secret: string }).secret;
  const known = new WeakSet<object>();
  return [
    {
      ...{ ...open, method: 'GET', audit: null },
      run: (call) => {
        const one = subscriptions.bySecret(secretOf(call));
        if (one === undefined) return stopped(call);
        const name = measures.definitions.find(({ id }) => id === one.measure)?.name;
        return call.render('stop-figures.njk', {
          title: 'Stop these figures?',
          ...{ name: name ?? one.measure, every: one.every, address: call.request.url },
        });
      },
    },
    {
      ...{ ...open, method: 'POST', audit: 'export' },
      // Who guesses a link is no event of the trail: a scanner would fill the disk with them.
      isRecorded: ({ request }) => known.has(request),
      run: (call) => {
        const one = subscriptions.dropBySecret(secretOf(call));
        if (one !== undefined) known.add(call.request);
        if (one !== undefined) call.note({ person: one.person, ...subscriptionNote(one) });
        return stopped(call);
      },
    },
  ];
}

/** Also of a link that was used, or never was one: nothing is sent. */
const stopped = (call: PageCall): string =>
  call.render('stop-figures.njk', { title: 'You are not sent these figures any more' });
