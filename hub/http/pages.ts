/**
 * Pages for people. A page needs a sign-in; without one it leads there and back. Everything works
 * without script; with it, parts are kept live from /api/events.
 */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { codeOf } from '../../shared/errors.ts';
import type { Pages } from '../web/render.ts';
import { type AuditedRoute, audited, type Sight } from './audited.ts';
import { findPrincipal } from './authenticate.ts';
import type { FleetBoard } from './fleet-board.ts';
import { accountPages } from './page-account.ts';
import { appointmentPages } from './page-appointment.ts';
import { bookingListPages } from './page-booking.ts';
import { bookingRequestPages } from './page-booking-request.ts';
import { breakGlassPages } from './page-break-glass.ts';
import { callListPages } from './page-call-list.ts';
import { completenessPage } from './page-completeness.ts';
import { confirmPages } from './page-confirm.ts';
import { diaryPages } from './page-diaries.ts';
import { didsPages } from './page-dids.ts';
import { fetchPages } from './page-fetch.ts';
import { fetchListPages } from './page-fetch-list.ts';
import { findPage } from './page-find.ts';
import { fleetPages } from './page-fleet.ts';
import { fleetEdgePages } from './page-fleet-edge.ts';
import { forecastPages } from './page-forecast.ts';
import { identityPages } from './page-identity.ts';
import { measureSqlPages } from './page-measure-sql.ts';
import { measurePages } from './page-measures.ts';
import { meetingPages } from './page-meetings.ts';
import { offerPages } from './page-offer.ts';
import { orderPages } from './page-order.ts';
import { patientPage } from './page-patient.ts';
import { peoplePages } from './page-people.ts';
import { privacyPages } from './page-privacy.ts';
import { providerPages } from './page-provider.ts';
import { reconciliationPage } from './page-reconciliation.ts';
import { releasePages } from './page-releases.ts';
import { type SignInPages, signInPages } from './page-sign-in.ts';
import { studyPage } from './page-study.ts';
import { subscriptionPages } from './page-subscriptions.ts';
import { teachingPages } from './page-teaching.ts';
import type { HttpParts } from './parts.ts';
import { trustName } from './routes-studies.ts';

export interface PageCall extends Sight {
  readonly request: FastifyRequest;
  readonly reply: FastifyReply;
  /** Renders with what every page has: who is signed in, how trusts are called. */
  render(template: string, values: object): string;
}

export interface Page extends AuditedRoute {
  readonly method: 'GET' | 'POST';
  run(call: PageCall): Promise<unknown> | unknown;
}

export function servePages(
  app: FastifyInstance,
  parts: HttpParts,
  { board, ...options }: SignInPages & { board: FleetBoard },
): void {
  const all = [
    findPage(parts),
    studyPage(parts),
    patientPage(parts),
    ...breakGlassPages(parts),
    ...privacyPages(parts),
    ...meetingPages(parts),
    ...teachingPages(parts),
    ...identityPages(parts),
    reconciliationPage(parts),
    ...orderPages(parts),
    ...fetchPages(parts),
    ...fetchListPages(parts),
    ...completenessPage(parts),
    ...bookingListPages(parts),
    ...bookingRequestPages(parts),
    ...diaryPages(parts),
    ...callListPages(parts),
    ...appointmentPages(parts),
    ...offerPages(parts),
    ...measureSqlPages(parts),
    ...didsPages(parts),
    ...forecastPages(parts),
    ...measurePages(parts),
    ...subscriptionPages(parts),
    ...fleetPages(parts, board),
    ...fleetEdgePages(parts, board),
    ...releasePages(parts),
    ...accountPages(parts, options),
    ...peoplePages(parts),
  ];
  for (const page of all) servePage(app, { ...options, parts }, page);
  signInPages(app, parts, options);
  confirmPages(app, parts, options);
  providerPages(app, parts, options);
}

function servePage(
  app: FastifyInstance,
  { pages, parts }: { pages: Pages; parts: HttpParts },
  page: Page,
): void {
  app.route({
    method: page.method,
    url: page.path,
    handler: async (request, reply) => {
      const isOpen = page.action === null;
      if (!isOpen && isForReading(request) && findPrincipal(parts.access, request) === null)
        return reply.redirect(`/sign-in?next=${encodeURIComponent(request.url)}`, 303);
      return audited(parts, request, page, (sight) => {
        const { principal } = sight;
        const common = {
          principal: isOpen ? undefined : principal,
          trustName: (ods: string) => trustName(parts, ods),
        };
        const render = (template: string, values: object): string => {
          reply.type('text/html; charset=utf-8');
          return pages.render(template, { ...common, ...values });
        };
        return page.run({ ...sight, request, reply, render });
      }).catch((error: unknown) => {
        if (codeOf(error) !== 'STEP_UP_REQUIRED') throw error;
        // Back to the page that has the form: what is behind a POST is not done by coming back.
        return reply.redirect(`/sign-in/confirm?next=${encodeURIComponent(request.url)}`, 303);
      });
    },
  });
}

/** A script's request for a live part gets a plain 401 instead: it would show the sign-in page in its place. */
const isForReading = (request: FastifyRequest): boolean =>
  request.method === 'GET' && !request.url.split('?', 1)[0]?.endsWith('/live');
