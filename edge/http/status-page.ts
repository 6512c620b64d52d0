/**
 * `/`: how the edge stands, for the trust's engineer, and what he can do about it. Works while the hub is down; no
 * script; no patient.
 */
import type { FastifyInstance } from 'fastify';
import { rfc3339 } from '../../shared/clock.ts';
import { type Button, button, escaped, notice, sendPage } from './own-page.ts';
import { requireLocal } from './routes-local.ts';

/** A table of the page; `note` stands when there is no row. */
export interface StatusSection {
  readonly title: string;
  readonly columns: readonly string[];
  readonly rows: readonly (readonly string[])[];
  readonly note: string;
  /** A page of its own, on which something can be done about the rows. */
  readonly page?: { readonly address: string; readonly label: string };
  /** What can be done about all of it. */
  readonly buttons?: readonly Button[];
  /** What can be done about each row, in their order. */
  readonly rowButtons?: readonly (readonly Button[])[];
}

export interface StatusView {
  readonly trust: string;
  readonly version: string;
  /** In a sentence, worst first; empty: all is well. */
  readonly troubles: readonly string[];
  readonly facts: readonly (readonly [what: string, now: string])[];
  readonly sections: readonly StatusSection[];
  /** Milliseconds since the epoch. */
  readonly at: number;
}

export interface StatusPageParts {
  readonly status: () => StatusView;
}

/** What was done, as the page says it after it was. */
const DONE: Readonly<Record<string, string>> = {
  held: 'Held: nothing is sent there until you release it. What is asked for meanwhile waits.',
  released: 'Released: what waited goes on.',
  retried: 'Tried again at once: see below whether it works.',
  draining: 'Draining: nobody new is let in, what runs is finished. Deliveries go on.',
  open: 'Callers are let in again.',
  installing: 'The build is being installed. The edge starts with it in a moment.',
  filed: 'The object was filed.',
  dropped: 'The object was dropped from the quarantine.',
  'peer-added': 'The peer was added. The edge starts its parts anew with it.',
};

export function serveStatusPage(app: FastifyInstance, parts: StatusPageParts): void {
  app.get('/', async (request, reply) => {
    requireLocal(request);
    const { done } = request.query as { done?: string };
    const view = parts.status();
    const body = bodyOf(view, DONE[done ?? ''] ?? '');
    return sendPage(reply, { title: `Edge ${view.trust}`, body });
  });
}

function bodyOf(view: StatusView, said: string): string {
  const { trust, version, troubles, facts, sections, at } = view;
  const state =
    troubles.length === 0
      ? '<p class="well">Everything works.</p>'
      : troubles
          .map((trouble) => `<p class="trouble" role="alert">${escaped(trouble)}</p>`)
          .join('');
  const list = facts
    .map(([what, now]) => `<dt>${escaped(what)}</dt><dd>${escaped(now)}</dd>`)
    .join('');
  return `<h1>Edge of ${escaped(trust)}</h1>
<p class="quiet">Version ${escaped(version)}, as of ${rfc3339(at)}. <a href="/">Show it as it is now</a></p>${notice(said)}${state}<dl>${list}</dl>
${sections.map(section).join('\n')}`;
}

function section({ buttons = [], page, ...table }: StatusSection): string {
  const link =
    page === undefined
      ? ''
      : `<p><a href="${escaped(page.address)}">${escaped(page.label)}</a></p>`;
  return `<h2>${escaped(table.title)}</h2>${link}${buttons.map(button).join('')}${tableOf(table)}`;
}

function tableOf({ title, columns, rows, note, rowButtons }: StatusSection): string {
  if (rows.length === 0) return `<p class="quiet">${escaped(note)}</p>`;
  const headed = rowButtons === undefined ? columns : [...columns, 'What to do'];
  const head = headed.map((column) => `<th scope="col">${escaped(column)}</th>`).join('');
  const body = rows
    .map((row, at) => {
      const cells = row.map((cell) => `<td>${escaped(cell)}</td>`).join('');
      const actions = rowButtons?.[at]?.map(button).join('');
      return `<tr>${cells}${rowButtons === undefined ? '' : `<td>${actions ?? ''}</td>`}</tr>`;
    })
    .join('');
  return `<div class="wide" role="region" aria-label="${escaped(title)}" tabindex="0"><table><thead><tr>${head}</tr></thead><tbody>${body}</tbody></table></div>`;
}
