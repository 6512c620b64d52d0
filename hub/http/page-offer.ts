/**
 * `/offer/{secret}`: an earlier time that was sent to a patient. Takes it, or not; works once, without scripts.
 *
 *   link ─► birth date ─► what is offered ─► yes │ no │ no more of these
 *
 * Nothing is told before the birth date, which every answer carries again; the link stands in no record.
 */
import type { FastifyRequest } from 'fastify';
import { codeOf, GatewayError } from '../../shared/errors.ts';
import type { ShownOffer } from '../scheduling/offers.ts';
import type { RouteUse } from './audited.ts';
import { type FieldFault, faultsByField, readForm, typedDate } from './forms.ts';
import type { Page, PageCall } from './pages.ts';
import type { HttpParts } from './parts.ts';
import { subjectsOfRequests } from './scheduling-json.ts';

const path = '/offer/:secret';
const GONE = 410;
/** Offers whose link and birth date were good. Others are no event of the trail: a scanner would fill the disk with them. */
const known = new WeakSet<FastifyRequest>();
const common = {
  action: null,
  audit: 'booking',
  hasSecretAddress: true,
  isRecorded: ({ request }: RouteUse): boolean => known.has(request),
} as const;

export function offerPages(parts: HttpParts): Page[] {
  return [
    { ...common, method: 'GET', path, run: (call) => askBirthDate(call, []) },
    { ...common, method: 'POST', path, run: (call) => opened(parts, call, showOffer) },
    {
      ...common,
      method: 'POST',
      path: `${path}/accept`,
      run: (call) => opened(parts, call, accept),
    },
    {
      ...common,
      method: 'POST',
      path: `${path}/decline`,
      run: (call) => opened(parts, call, decline),
    },
  ];
}

interface Opened {
  readonly parts: HttpParts;
  readonly call: PageCall;
  readonly secret: string;
  readonly birthDate: string;
  readonly shown: ShownOffer;
}

const secretOf = ({ request }: PageCall): string => (request.params as { secret: string }).secret;
const addressOf = (call: PageCall): string => `/offer/${encodeURIComponent(secretOf(call))}`;

function askBirthDate(call: PageCall, faults: readonly FieldFault[]): unknown {
  const title = `${faults.length > 0 ? 'Error: ' : ''}Your imaging appointment`;
  return call.render('appointment-open.njk', {
    ...{ title, address: addressOf(call), faultList: faults, faults: faultsByField(faults) },
  });
}

/** With the birth date: what is to be done. Without: it is asked again, or the link is over. */
async function opened(
  parts: HttpParts,
  call: PageCall,
  run: (opened: Opened) => unknown,
): Promise<unknown> {
  const { day = '', month = '', year = '', birthDate: typed } = readForm(call.request.body);
  const birthDate = typed ?? typedDate(`${day}/${month}/${year}`);
  if (!/^\d{4}-\d\d-\d\d$/.test(birthDate))
    return askBirthDate(call, [
      { field: 'day', message: 'Enter your date of birth as day, month and year' },
    ]);
  const secret = secretOf(call);
  try {
    const shown = await parts.scheduling.offers.open(secret, birthDate);
    known.add(call.request);
    call.saw(subjectsOfRequests([shown.request]));
    return await run({ parts, call, secret, birthDate, shown });
  } catch (error) {
    return refused(call, error);
  }
}

function refused(call: PageCall, error: unknown): unknown {
  if (!(error instanceof GatewayError)) throw error;
  if (codeOf(error) === 'BIRTH_DATE_WRONG')
    return askBirthDate(call, [{ field: 'day', message: error.message }]);
  call.reply.status(GONE);
  // An unknown link and one that is over look alike to who guesses.
  if (codeOf(error) === 'OFFER_UNKNOWN')
    return call.render('appointment-ended.njk', { title: 'This link does not work any more' });
  const words = codeOf(error) === 'RIS_REFUSED' ? NOT_BOOKED : error.message;
  return answered(call, 'You do not have this time', words);
}

/** The reason is for staff. */
const NOT_BOOKED =
  'The hospital could not book this time for you. Nothing has changed: you keep what you have, or wait as before.';

function showOffer({ parts, call, birthDate, shown }: Opened): unknown {
  const { refill, request, offer } = shown;
  const { trust, start, minutes } = refill;
  const place = parts.config.trusts.find(({ ods }) => ods === trust)?.name ?? trust;
  return call.render('offer.njk', {
    title: 'An earlier time for your imaging appointment',
    address: addressOf(call),
    ...{ birthDate, place, start, minutes, expiresAt: offer.expiresAt },
    examination: request.examination.name,
    isOwnTrust: trust === request.trust,
  });
}

async function accept({ parts, call, secret, birthDate }: Opened): Promise<unknown> {
  const booking = await parts.scheduling.offers.acceptByLink(secret, birthDate);
  return booking.state === 'booked'
    ? answered(call, 'Your appointment is booked', 'The time that you had before is given back.')
    : answered(
        call,
        'We are confirming your appointment',
        'The hospital has still to confirm it. Until then you keep what you have. Open the link again in a few minutes to see whether it is booked.',
      );
}

async function decline({ parts, call, secret, birthDate }: Opened): Promise<unknown> {
  const stop = readForm(call.request.body)['stop'] === 'yes';
  await parts.scheduling.offers.declineByLink(secret, birthDate, { stop });
  const more = stop ? ' You get no more offers like this one.' : '';
  return answered(call, 'Thank you for telling us', `Nothing has changed for you.${more}`);
}

const answered = (call: PageCall, title: string, words: string): unknown =>
  call.render('offer-answered.njk', { title, words });
