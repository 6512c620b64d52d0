/**
 * `/routes?uid=…`: why an object, or each object of a study, went where it went: every rule's word, and what became of
 * what was sent. No script; no patient: rules name conditions, never an object's values.
 */
import type { FastifyInstance } from 'fastify';
import { rfc3339 } from '../../shared/clock.ts';
import type { ExplainedJob, ExplainedWay, Explanation } from '../route/explain.ts';
import { escaped, notice, sendPage } from './own-page.ts';
import { requireLocal } from './routes-local.ts';

export interface RoutePageParts {
  readonly trust: string;
  /** @param uid of a study or of an object */
  readonly explainRoute: (uid: string) => Explanation;
}

export function serveRoutePage(
  app: FastifyInstance,
  { trust, explainRoute }: RoutePageParts,
): void {
  app.get('/routes', async (request, reply) => {
    requireLocal(request);
    const asked = (request.query as { uid?: string | string[] }).uid ?? '';
    const uid = (Array.isArray(asked) ? (asked[0] ?? '') : asked).trim();
    const answer = uid === '' ? '' : explanation(uid, explainRoute(uid));
    const body = `<h1>What the rules did</h1><p><a href="/">Edge of ${escaped(trust)}</a></p>
<form class="fields" method="get" action="/routes"><label for="uid">Study or object<span class="hint">Its UID, as the lists of the edge show it</span></label><input id="uid" name="uid" value="${escaped(uid)}" autocomplete="off"><button>Explain</button></form>
${answer}`;
    return sendPage(reply, { title: `What the rules did – edge ${trust}`, body });
  });
}

function explanation(uid: string, { ways, jobs }: Explanation): string {
  if (ways.length === 0)
    return notice(
      `No rule has decided on ${uid}: it is not here, or came before there were rules.`,
    );
  return ways.map(wayOf).join('\n') + jobsOf(jobs);
}

function wayOf({ objects, sopInstanceUID, version, decidedAt, steps }: ExplainedWay): string {
  const which = objects === 1 ? sopInstanceUID : `${objects} objects, such as ${sopInstanceUID}`;
  const rows = steps.map(({ rule, acted, what }) => [rule, acted ? 'yes' : 'no', what]);
  return `<h2>${escaped(which)}</h2><p class="quiet">Decided ${rfc3339(decidedAt)} by rules ${escaped(version)}</p>
${tableOf(`Rules on ${which}`, ['Rule', 'Acted', 'What it did, or why not'], rows)}`;
}

function jobsOf(jobs: readonly ExplainedJob[]): string {
  const rows = jobs.map(({ job, to, rule, objects, priority, state, why }) => [
    ...[`${job}`, to, rule, `${objects}`, priority, state, why],
  ]);
  const columns = [
    'Job',
    'To',
    'By rule',
    'Objects',
    'Priority',
    'State',
    'Why it waits, or how it ended',
  ];
  const sent = rows.length === 0 ? '<p class="quiet">Nothing.</p>' : tableOf('Sent', columns, rows);
  return `<h2>What was sent</h2>${sent}`;
}

function tableOf(
  name: string,
  columns: readonly string[],
  rows: readonly (readonly string[])[],
): string {
  const head = columns.map((column) => `<th scope="col">${column}</th>`).join('');
  const body = rows
    .map((row) => `<tr>${row.map((cell) => `<td>${escaped(cell)}</td>`).join('')}</tr>`)
    .join('');
  return `<div class="wide" role="region" aria-label="${escaped(name)}" tabindex="0"><table><thead><tr>${head}</tr></thead><tbody>${body}</tbody></table></div>`;
}
