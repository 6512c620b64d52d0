/**
 * `/`: how the edge stands, for the trust's engineer. Works while the hub is down; no script; no patient.
 */
import type { FastifyInstance } from 'fastify';
import { rfc3339 } from '../../shared/clock.ts';
import { requireLocal } from './routes-local.ts';

/** A table of the page; `note` stands when there is no row. */
export interface StatusSection {
  readonly title: string;
  readonly columns: readonly string[];
  readonly rows: readonly (readonly string[])[];
  readonly note: string;
  /** A page of its own, on which something can be done about the rows. */
  readonly page?: string;
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

export function serveStatusPage(app: FastifyInstance, parts: StatusPageParts): void {
  app.get('/', async (request, reply) => {
    requireLocal(request);
    return reply.type('text/html; charset=utf-8').send(render(parts.status()));
  });
}

export const STYLE = `body{font:16px/1.5 system-ui,sans-serif;color:#212b32;background:#f0f4f5;margin:0}
main{max-width:1100px;margin:0 auto;padding:24px}h1{margin:0 0 4px;font-size:28px}h2{font-size:20px;margin:32px 0 8px}
dl{display:grid;grid-template-columns:max-content 1fr;gap:4px 24px;background:#fff;padding:16px;margin:16px 0}dt{color:#4c6272}dd{margin:0}
dd,td{overflow-wrap:anywhere}.wide{overflow-x:auto}table{border-collapse:collapse;width:100%;background:#fff}th,td{text-align:left;padding:6px 12px;border-bottom:1px solid #d8dde0;vertical-align:top;min-width:6em}
.trouble{border-left:6px solid #d5281b;background:#fff;padding:12px 16px;margin:12px 0}.well{border-left:6px solid #007f3b;background:#fff;padding:12px 16px}
.quiet{color:#4c6272}`;

function render(view: StatusView): string {
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
  return `<!doctype html><html lang="en-GB"><head><meta charset="utf-8"><title>Edge ${escaped(trust)}</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<style>${STYLE}</style></head><body><main><h1>Edge of ${escaped(trust)}</h1>
<p class="quiet">Version ${escaped(version)}, as of ${rfc3339(at)}. <a href="/">Show it as it is now</a></p>${state}<dl>${list}</dl>
${sections.map(section).join('\n')}</main></body></html>`;
}

function section({ title, columns, rows, note, page }: StatusSection): string {
  if (rows.length === 0) return `<h2>${escaped(title)}</h2><p class="quiet">${escaped(note)}</p>`;
  const head = columns.map((column) => `<th scope="col">${escaped(column)}</th>`).join('');
  const body = rows
    .map((row) => `<tr>${row.map((cell) => `<td>${escaped(cell)}</td>`).join('')}</tr>`)
    .join('');
  const label = escaped(title);
  const link = page === undefined ? '' : `<p><a href="${escaped(page)}">Decide on them</a></p>`;
  return `<h2>${label}</h2>${link}<div class="wide" role="region" aria-label="${label}" tabindex="0"><table><thead><tr>${head}</tr></thead><tbody>${body}</tbody></table></div>`;
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

export const escaped = (text: string): string =>
  text.replace(/[&<>"']/g, (found) => ENTITIES[found] ?? '');
