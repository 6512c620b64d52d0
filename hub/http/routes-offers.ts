/** Offers of slots that were given back, and what they were decided on. */
import * as z from 'zod';
import { ODSCode } from '../../shared/contract/subjects.ts';
import type { ShownOffer } from '../scheduling/offers.ts';
import { decisionsOfRefill, listOffers } from '../scheduling/refill-rows.ts';
import { explain } from '../scheduling/rules/decide.ts';
import type { Offer, Refill } from '../scheduling/types.ts';
import { type ApiCall, type ApiRoute, apiRoute } from './api-route.ts';
import type { HttpParts } from './parts.ts';
import { withoutUndefined } from './routes-fetches.ts';
import { bookingJson, subjectsOfRequests } from './scheduling-json.ts';
import { NoQuery, PageShape } from './schemas.ts';
import {
  BirthDateText,
  DeclineInput,
  OfferAnswer,
  OffersAnswer,
  RefillAnswer,
} from './schemas-offers.ts';
import { BookingAnswer } from './schemas-scheduling-answers.ts';

type Parts = Pick<HttpParts, 'scheduling' | 'projection'>;
type Call = ApiCall<unknown, unknown>;

export const offerRoutes = (parts: Parts): ApiRoute[] => [
  ...offerReads(parts),
  refillRoute(parts),
  ...offerAnswers(parts),
  ...linkAnswers(parts),
];

const OFFER_STATES = ['open', 'accepted', 'declined', 'expired', 'refused', 'superseded'] as const;

/** Without the hash of its link. */
function offerJson({ offer, refill }: { offer: Offer; refill: Refill }): object {
  const { linkHash: _, offerId, ...shown } = offer;
  const { resource, trust, start, minutes, slotIds } = refill;
  return {
    ...{ id: offerId, offerId, ...shown },
    slot: { id: slotIds[0], slotIds, resource, trust, start, minutes },
  };
}

function offerReads({ scheduling, projection: { db } }: Parts): ApiRoute[] {
  return [
    apiRoute({
      method: 'GET',
      path: '/api/offers',
      summary: 'Offers, newest first; those that concern their trust for people of a trust',
      action: 'book',
      audit: 'search',
      query: z.strictObject({
        state: z.enum(OFFER_STATES).optional(),
        trust: ODSCode.optional(),
        requestId: z.string().min(1).max(64).optional(),
        refillId: z.string().min(1).max(200).optional(),
        ...PageShape,
      }),
      answer: { status: 200, schema: OffersAnswer },
      problems: ['VALIDATION_FAILED'],
      run: ({ query: { limit, offset, ...filter }, principal, saw }) => {
        const trust = principal.trust === null ? {} : { trust: principal.trust };
        const given = { ...withoutUndefined(filter), ...trust };
        const { offers, total } = listOffers(db, given, { limit, offset });
        const requests = offers.map(({ offer }) => scheduling.requests.find(offer.requestId));
        saw(subjectsOfRequests(requests));
        return { offers: offers.map(offerJson), total, limit, offset };
      },
    }),
    apiRoute({
      method: 'GET',
      path: '/api/offers/:id',
      summary: 'An offer, and why this patient was asked',
      action: 'book',
      audit: 'look',
      query: NoQuery,
      answer: { status: 200, schema: OfferAnswer },
      problems: ['OFFER_UNKNOWN'],
      run: ({ path, principal, saw }) => {
        const shown = scheduling.offers.find(path['id'] ?? '', principal);
        saw(subjectsOfRequests([shown.request]));
        const { offeredAt, requestId } = shown.offer;
        const decision = decisionsOfRefill(db, shown.refill.refillId).find(({ considered, at }) => {
          const stood = considered.some((one) => one.requestId === requestId);
          return stood && at <= offeredAt;
        });
        const why = decision === undefined ? null : explain(decision, requestId);
        return { ...offerJson(shown), why };
      },
    }),
  ];
}

function refillRoute({ scheduling }: Parts): ApiRoute {
  return apiRoute({
    method: 'GET',
    path: '/api/refills/:id',
    summary:
      'What is done with slots of the own trust that were given back, with every decision: who stood, who was removed, why',
    action: 'capacity',
    audit: 'look',
    query: NoQuery,
    answer: { status: 200, schema: RefillAnswer },
    problems: ['OFFER_UNKNOWN', 'TRUST_FORBIDDEN'],
    run: ({ path, principal, saw }) => {
      const { refill, decisions } = scheduling.refillFor(path['id'] ?? '', principal);
      saw({ patients: [], studies: [], homes: [refill.trust] });
      const offers = refill.offers.map((offer) => offerJson({ offer, refill }));
      return { ...refill, offers, decisions };
    },
  });
}

function offerAnswers({ scheduling }: Parts): ApiRoute[] {
  const { offers } = scheduling;
  const common = { method: 'POST', action: 'book', audit: 'booking', query: NoQuery } as const;
  const seen = (id: string, { principal, saw }: Pick<Call, 'principal' | 'saw'>): ShownOffer => {
    const shown = offers.find(id, principal);
    saw(subjectsOfRequests([shown.request]));
    return shown;
  };
  return [
    apiRoute({
      ...common,
      path: '/api/offers/:id/accept',
      summary:
        'The patient takes it, on the phone: booked, and the others are told that it is gone',
      answer: { status: 200, schema: BookingAnswer },
      problems: ['OFFER_UNKNOWN', 'OFFER_ENDED', 'GATE_BLOCKED'],
      run: async ({ path, principal, saw }) => {
        const { offer } = seen(path['id'] ?? '', { principal, saw });
        return bookingJson(await offers.accept(offer.offerId, principal));
      },
    }),
    apiRoute({
      ...common,
      path: '/api/offers/:id/decline',
      summary:
        'The patient does not take it, and loses nothing by that; stop: wants no more offers',
      body: DeclineInput,
      answer: { status: 200, schema: OfferAnswer },
      problems: ['OFFER_UNKNOWN', 'OFFER_ENDED'],
      run: async ({ path, body: { stop }, principal, saw }) => {
        const shown = seen(path['id'] ?? '', { principal, saw });
        const offer = await offers.decline(shown.offer.offerId, principal, { stop });
        return offerJson({ ...shown, offer });
      },
    }),
  ];
}

/** For whoever has the link of a message: it asks for the birth date, and works once. */
function linkAnswers({ scheduling }: Parts): ApiRoute[] {
  const { offers } = scheduling;
  // The secret stands in the body, so that no record and no log of addresses has it.
  const common = { method: 'POST', action: null, audit: 'booking', query: NoQuery } as const;
  const link = { link: z.string().min(1).max(500), birthDate: BirthDateText };
  return [
    apiRoute({
      ...common,
      path: '/api/offer-links/accept',
      summary: 'The patient takes the offer of a link',
      body: z.strictObject(link),
      answer: { status: 200, schema: BookingAnswer },
      problems: ['OFFER_UNKNOWN', 'OFFER_ENDED', 'BIRTH_DATE_WRONG', 'GATE_BLOCKED'],
      run: async ({ body, saw }) => {
        const booking = await offers.acceptByLink(secretOf(body.link), body.birthDate);
        saw(subjectsOfRequests([scheduling.requests.find(booking.requestId ?? '')]));
        return bookingJson(booking);
      },
    }),
    apiRoute({
      ...common,
      path: '/api/offer-links/decline',
      summary: 'The patient does not take the offer of a link; stop: wants no more offers',
      body: z.strictObject({ ...link, stop: z.boolean().default(false) }),
      answer: { status: 200, schema: z.object({ state: z.string() }) },
      problems: ['OFFER_UNKNOWN', 'OFFER_ENDED', 'BIRTH_DATE_WRONG'],
      run: async ({ body: { birthDate, stop, ...body }, saw }) => {
        const offer = await offers.declineByLink(secretOf(body.link), birthDate, { stop });
        saw(subjectsOfRequests([scheduling.requests.find(offer.requestId)]));
        return { state: offer.state };
      },
    }),
  ];
}

/** The whole address of a message, or what stands behind its last slash. */
const secretOf = (link: string): string => link.slice(link.lastIndexOf('/') + 1);
