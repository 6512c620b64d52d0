/** The fleet: each edge, its numbers over time, alerts and what is done about them, maintenance. */
import { rfc3339 } from '../../shared/clock.ts';
import type { Principal } from '../access/rules.ts';
import { type ApiRoute, apiRoute } from './api-route.ts';
import type { FleetBoard } from './fleet-board.ts';
import type { HttpParts } from './parts.ts';
import { HttpProblem } from './problem.ts';
import { NoQuery } from './schemas.ts';
import {
  AcknowledgeInput,
  AlertAnswer,
  AlertsAnswer,
  AlertsQuery,
  EdgeAnswer,
  EdgeQuery,
  FleetAnswer,
  MaintenanceAnswer,
  MaintenanceInput,
  MaintenancesAnswer,
  RevokedAnswer,
  RevokeInput,
  SnoozeInput,
} from './schemas-fleet.ts';

const DAY_MS = 86_400_000;
const SHOWN_CHANGES = 50;

export const fleetRoutes = (parts: HttpParts, board: FleetBoard): ApiRoute[] => [
  ...edgeRoutes(parts, board),
  ...alertRoutes(parts),
  ...maintenanceRoutes(parts),
];

/** Addresses of a trust's own network are for the network's staff, and for its own. @throws HttpProblem `FORBIDDEN` */
export function requireOwnTrust(principal: Principal, trust: string): void {
  if (principal.trust === null || principal.trust === trust) return;
  throw new HttpProblem('FORBIDDEN', `People of ${principal.trust} look after its own edge.`);
}

/** @throws HttpProblem, AccessError, LogError */
export async function revokeEdge(
  parts: Pick<HttpParts, 'config' | 'revokeEdge'>,
  { trust, principal }: { trust: string; principal: Principal },
): Promise<void> {
  if (!parts.config.trusts.some(({ ods }) => ods === trust))
    throw new HttpProblem('TRUST_UNKNOWN', 'It is no trust of this network.');
  requireOwnTrust(principal, trust);
  await parts.revokeEdge(trust);
}

/** All that is known of one edge. @throws HttpProblem `TRUST_UNKNOWN`, `FORBIDDEN` */
export function edgeDetail(
  { alerts, fleet, fleetStore, clock }: HttpParts,
  board: FleetBoard,
  { trust, principal }: { trust: string; principal: Principal },
) {
  const edge = board.rows().find((row) => row.trust === trust);
  if (edge === undefined) throw new HttpProblem('TRUST_UNKNOWN', 'It is no trust of this network.');
  requireOwnTrust(principal, trust);
  return {
    edge,
    health: fleet.health(trust) ?? null,
    alerts: alerts.openOf(trust),
    rhythms: fleetStore
      .rhythms(trust, clock.now())
      .map(({ lastAt, ...rhythm }) => ({ ...rhythm, lastAt: rfc3339(lastAt) })),
    changes: fleetStore.changes(trust, SHOWN_CHANGES),
    maintenance: alerts.maintenance(trust),
  };
}

function edgeRoutes(parts: HttpParts, board: FleetBoard): ApiRoute[] {
  return [
    apiRoute({
      method: 'GET',
      path: '/api/fleet',
      summary: 'The edges: address, last heartbeat, what waits there, what is wrong',
      action: 'watch',
      audit: null,
      query: NoQuery,
      answer: { status: 200, schema: FleetAnswer },
      problems: [],
      run: () => ({ edges: board.rows() }),
    }),
    apiRoute({
      method: 'GET',
      path: '/api/fleet/:trust',
      summary: 'One edge: its newest heartbeat, rhythms, alerts, changes; a metric over time',
      action: 'fleet',
      audit: null,
      query: EdgeQuery,
      answer: { status: 200, schema: EdgeAnswer },
      problems: ['TRUST_UNKNOWN', 'VALIDATION_FAILED'],
      run: ({ path: { trust = '' }, query, principal }) => {
        const detail = edgeDetail(parts, board, { trust, principal });
        const { metric, from, to } = query;
        if (metric === undefined) return detail;
        const now = parts.clock.now();
        const end = to === undefined ? now : Date.parse(to);
        const span = { from: from === undefined ? end - DAY_MS : Date.parse(from), to: end, now };
        const points = parts.fleetStore.history.series(trust, metric, span);
        return { ...detail, history: points.map((one) => ({ ...one, at: rfc3339(one.at) })) };
      },
    }),
    apiRoute({
      method: 'POST',
      path: '/api/fleet/:trust/revoke',
      summary: "Takes an edge's keys back: it is cut off at once, and has to be enrolled again",
      action: 'revoke',
      audit: 'enrolment',
      body: RevokeInput,
      answer: { status: 200, schema: RevokedAnswer },
      problems: ['VALIDATION_FAILED', 'TRUST_UNKNOWN', 'EDGE_NOT_ENROLLED', 'FORBIDDEN'],
      run: async ({ path: { trust = '' }, principal, saw }) => {
        await revokeEdge(parts, { trust, principal });
        saw({ patients: [], studies: [], homes: [trust] });
        return { trust, revoked: true as const };
      },
    }),
  ];
}

function alertRoutes({ alerts }: HttpParts): ApiRoute[] {
  return [
    apiRoute({
      method: 'GET',
      path: '/api/alerts',
      summary: 'Alerts: open ones first, the worst first; then those that are over',
      action: 'fleet',
      audit: null,
      query: AlertsQuery,
      answer: { status: 200, schema: AlertsAnswer },
      problems: ['VALIDATION_FAILED'],
      run: ({ query: { state, trust, limit, offset }, principal }) => {
        const asked = trust ?? principal.trust ?? undefined;
        if (asked !== undefined) requireOwnTrust(principal, asked);
        return { ...alerts.list({ state, trust: asked }, { limit, offset }), limit, offset };
      },
    }),
    apiRoute({
      method: 'POST',
      path: '/api/alerts/:id/acknowledge',
      summary: 'Somebody looks after it: nobody is told of it again unless it gets worse',
      action: 'fleet',
      audit: 'fleet',
      body: AcknowledgeInput,
      answer: { status: 200, schema: AlertAnswer },
      problems: ['ALERT_UNKNOWN', 'ALERT_ENDED', 'ALERT_FORBIDDEN'],
      run: ({ path: { id = '' }, body, principal }) => alerts.acknowledge(id, body.note, principal),
    }),
    apiRoute({
      method: 'POST',
      path: '/api/alerts/:id/snooze',
      summary: 'Nobody is told of it for some minutes',
      action: 'fleet',
      audit: 'fleet',
      body: SnoozeInput,
      answer: { status: 200, schema: AlertAnswer },
      problems: ['VALIDATION_FAILED', 'ALERT_UNKNOWN', 'ALERT_ENDED', 'ALERT_FORBIDDEN'],
      run: ({ path: { id = '' }, body, principal }) => alerts.snooze(id, body.minutes, principal),
    }),
  ];
}

function maintenanceRoutes({ alerts, clock, config }: HttpParts): ApiRoute[] {
  return [
    apiRoute({
      method: 'GET',
      path: '/api/maintenance',
      summary: 'Maintenance that is under way or planned, the next first',
      action: 'fleet',
      audit: null,
      query: NoQuery,
      answer: { status: 200, schema: MaintenancesAnswer },
      problems: [],
      run: ({ principal }) => ({ maintenance: alerts.maintenance(principal.trust ?? undefined) }),
    }),
    apiRoute({
      method: 'POST',
      path: '/api/maintenance',
      summary: "Nobody is told of a trust's alerts for some time; they are shown",
      action: 'fleet',
      audit: 'fleet',
      body: MaintenanceInput,
      answer: { status: 201, schema: MaintenanceAnswer },
      problems: ['VALIDATION_FAILED', 'TRUST_UNKNOWN', 'ALERT_FORBIDDEN'],
      run: ({ body: { trust, from, to, reason }, principal }) => {
        if (!config.trusts.some(({ ods }) => ods === trust))
          throw new HttpProblem('TRUST_UNKNOWN', `${trust} is no trust of this network.`);
        const begin = from === undefined ? clock.now() : Date.parse(from);
        const planned = { trust, reason, from: rfc3339(begin), to: rfc3339(Date.parse(to)) };
        return alerts.planMaintenance(planned, principal);
      },
    }),
    apiRoute({
      method: 'DELETE',
      path: '/api/maintenance/:id',
      summary: 'It ends now, or never begins',
      action: 'fleet',
      audit: 'fleet',
      answer: { status: 200, schema: MaintenancesAnswer },
      problems: ['MAINTENANCE_UNKNOWN', 'ALERT_FORBIDDEN'],
      run: async ({ path: { id = '' }, principal }) => {
        await alerts.endMaintenance(id, principal);
        return { maintenance: alerts.maintenance(principal.trust ?? undefined) };
      },
    }),
  ];
}
