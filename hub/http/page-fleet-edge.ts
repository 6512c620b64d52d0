/** `/fleet/RRK`: all that is known of one edge, its numbers over time, and what people do about its alerts. */
import { toldSeconds } from '../alerts/readings.ts';
import { feedName } from '../fleet/fleet-store.ts';
import type { Metric } from '../fleet/history.ts';
import { historySvg } from '../web/history-chart.ts';
import type { FleetBoard } from './fleet-board.ts';
import { readForm } from './forms.ts';
import type { Page, PageCall } from './pages.ts';
import type { HttpParts } from './parts.ts';
import { HttpProblem } from './problem.ts';
import { edgeDetail, requireOwnTrust, revokeEdge } from './routes-fleet.ts';
import { SupportInput } from './routes-support.ts';
import { AcknowledgeInput, RevokeInput, SnoozeInput } from './schemas-fleet.ts';
import { validate } from './validate.ts';

const DAY_MS = 86_400_000;
const CLOSED_SHOWN = 10;
const MAX_HOURS = 14 * 24;

interface Chart {
  readonly metric: Metric;
  readonly title: string;
  readonly unit: string;
}
const CHARTS: readonly Chart[] = [
  { metric: 'diskUsed', title: 'Disk used', unit: '%' },
  { metric: 'objects', title: 'Objects received', unit: 'an hour' },
  { metric: 'waiting', title: 'Work waiting', unit: 'jobs' },
  { metric: 'oldestSeconds', title: 'Oldest work', unit: 's' },
  { metric: 'acknowledgementMs', title: 'Time to acknowledge an object', unit: 'ms' },
  { metric: 'findMs', title: 'PACS, C-FIND', unit: 'ms' },
  { metric: 'hl7', title: 'HL7 messages', unit: 'an hour' },
  { metric: 'outboxSeconds', title: 'Hub behind', unit: 's' },
  { metric: 'memory', title: 'Memory', unit: '%' },
  { metric: 'heartbeats', title: 'Heartbeats', unit: 'in 5 min' },
];

const SPANS = {
  day: { words: 'a day', ms: DAY_MS },
  week: { words: 'a week', ms: 7 * DAY_MS },
  month: { words: 'a month', ms: 31 * DAY_MS },
  year: { words: '13 months', ms: 397 * DAY_MS },
} as const;
type Span = keyof typeof SPANS;

const spanOf = ({ request }: PageCall): Span => {
  const { span = 'day' } = readForm(request.query);
  return span in SPANS ? (span as Span) : 'day';
};
const trustOf = ({ request }: PageCall): string => (request.params as { trust: string }).trust;

export const fleetEdgePages = (parts: HttpParts, board: FleetBoard): Page[] => [
  ...looks(parts, board),
  ...deeds(parts),
];

function looks(parts: HttpParts, board: FleetBoard): Page[] {
  return [
    {
      method: 'GET',
      path: '/fleet/:trust',
      action: 'fleet',
      audit: null,
      run: (call) =>
        call.render('fleet-edge.njk', {
          ...shown(parts, board, call),
          ...{ title: trustOf(call), section: 'fleet', refreshSeconds: 30 },
        }),
    },
    {
      method: 'GET',
      path: '/fleet/:trust/live',
      action: 'fleet',
      audit: null,
      run: (call) => call.render('fleet-edge-live.njk', shown(parts, board, call)),
    },
    {
      method: 'GET',
      path: '/fleet/:trust/charts/:metric',
      action: 'fleet',
      audit: null,
      run: (call) => {
        requireOwnTrust(call.principal, trustOf(call));
        const { metric } = call.request.params as { metric: string };
        const chart = CHARTS.find((one) => one.metric === metric);
        if (chart === undefined) throw new HttpProblem('NOT_FOUND', 'There is no such chart.');
        const { from, to, points, holeMs } = pointsOf(
          parts,
          trustOf(call),
          chart.metric,
          spanOf(call),
        );
        call.reply.type('image/svg+xml; charset=utf-8');
        return historySvg({ points, unit: chart.unit, from, to, holeMs });
      },
    },
  ];
}

/** What forms do; a person goes back to the page. */
function deeds(parts: HttpParts): Page[] {
  const { alerts, clock, config, support } = parts;
  const deed = (path: string, run: (call: PageCall) => Promise<unknown>): Page => ({
    ...{ method: 'POST' as const, path, action: 'fleet', audit: 'fleet' },
    run: async (call) => {
      await run(call);
      return call.reply.redirect(`/fleet/${encodeURIComponent(trustOf(call))}`, 303);
    },
  });
  const idOf = ({ request }: PageCall): string => (request.params as { id: string }).id;
  return [
    deed('/fleet/:trust/alerts/:id/acknowledge', (call) => {
      const { note } = validate(AcknowledgeInput, readForm(call.request.body), 'body');
      return alerts.acknowledge(idOf(call), note, call.principal);
    }),
    deed('/fleet/:trust/alerts/:id/snooze', (call) => {
      const { minutes } = validate(SnoozeInput, readForm(call.request.body), 'body');
      return alerts.snooze(idOf(call), minutes, call.principal);
    }),
    deed('/fleet/:trust/maintenance', async (call) => {
      const trust = trustOf(call);
      if (!config.trusts.some(({ ods }) => ods === trust))
        throw new HttpProblem('TRUST_UNKNOWN', 'It is no trust of this network.');
      const { hours = '', reason = '' } = readForm(call.request.body);
      const length = Number(hours);
      if (!(length > 0 && length <= MAX_HOURS) || reason === '')
        throw new HttpProblem('VALIDATION_FAILED', 'Say for how many hours, and why.');
      const now = clock.now();
      const [from = '', to = ''] = [now, now + length * 3_600_000].map((at) =>
        new Date(at).toISOString(),
      );
      await alerts.planMaintenance({ trust, from, to, reason }, call.principal);
    }),
    {
      ...deed('/fleet/:trust/support', async (call) => {
        requireOwnTrust(call.principal, trustOf(call));
        const { reason } = validate(SupportInput, readForm(call.request.body), 'body');
        await support.ask(trustOf(call), { reason, by: call.principal.name });
      }),
      audit: 'export',
    },
    deed('/fleet/:trust/maintenance/:id/end', (call) =>
      alerts.endMaintenance(idOf(call), call.principal),
    ),
    {
      ...deed('/fleet/:trust/revoke', async (call) => {
        validate(RevokeInput, readForm(call.request.body), 'body');
        await revokeEdge(parts, { trust: trustOf(call), principal: call.principal });
      }),
      ...{ action: 'revoke', audit: 'enrolment' },
    },
  ];
}

function shown(parts: HttpParts, board: FleetBoard, call: PageCall): object {
  const trust = trustOf(call);
  const { principal } = call;
  const span = spanOf(call);
  const detail = edgeDetail(parts, board, { trust, principal });
  const { alerts: closed } = parts.alerts.list(
    { state: 'closed', trust },
    { limit: CLOSED_SHOWN, offset: 0 },
  );
  return {
    ...detail,
    ...{ closed, span, spans: SPANS },
    devices: devicesOf(detail),
    bundles: parts.support.list(trust),
    mayRevoke: parts.access.refuse(principal, 'revoke') === null,
    liveSource: `/fleet/${encodeURIComponent(trust)}/live?span=${span}`,
    charts: CHARTS.flatMap((chart) => {
      const { points } = pointsOf(parts, trust, chart.metric, span);
      return points.length === 0 ? [] : [{ ...chart, words: wordsOf(points, chart.unit) }];
    }),
  };
}

type Detail = ReturnType<typeof edgeDetail>;

/** Modalities and feeds with what was learnt of them. */
function devicesOf({ health, rhythms }: Detail): object[] {
  const known = new Map(rhythms.map((rhythm) => [rhythm.device, rhythm]));
  const learnt = (device: string, kind: string): object => {
    const rhythm = known.get(device);
    return { rhythm: rhythm ?? null, toldSeconds: rhythm ? toldSeconds(kind, rhythm) : null };
  };
  const modalities = (health?.modalities ?? []).map(
    ({ aeTitle, modality, peer, lastObjectAt }) => ({
      ...{ name: aeTitle, kind: modality ?? 'objects', peer, lastAt: lastObjectAt },
      ...learnt(aeTitle, modality ?? 'device'),
    }),
  );
  const feeds = (health?.hl7?.feeds ?? []).map(({ application, facility, lastAt }) => ({
    ...{ name: `${application} ${facility}`.trim(), kind: 'HL7', peer: null, lastAt },
    ...learnt(feedName(application, facility), 'HL7'),
  }));
  return [...modalities, ...feeds];
}

function pointsOf({ clock, fleetStore }: HttpParts, trust: string, metric: Metric, span: Span) {
  const now = clock.now();
  const from = now - SPANS[span].ms;
  const points = fleetStore.history.series(trust, metric, { from, to: now, now });
  return { from, to: now, points, holeMs: span === 'day' ? 900_000 : 3 * 3_600_000 };
}

/** What the picture shows, for who can't see it. */
function wordsOf(
  points: readonly { mean: number; least: number; most: number }[],
  unit: string,
): string {
  const number = (value: number): string => String(Number(value.toPrecision(3)));
  const last = points.at(-1)?.mean ?? 0;
  const least = Math.min(...points.map((point) => point.least));
  const most = Math.max(...points.map((point) => point.most));
  return `now ${number(last)} ${unit}, between ${number(least)} and ${number(most)}`;
}
