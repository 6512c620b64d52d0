/** What pages that change something share: who may, their forms, their look. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';

const MAX_FORM_BYTES = 4_096;

/** Forms of the edge's own pages; a field that came twice counts once. */
export function takeForms(app: FastifyInstance): void {
  app.addContentTypeParser(
    'application/x-www-form-urlencoded',
    { parseAs: 'string', bodyLimit: MAX_FORM_BYTES },
    (_request, body, done) => done(null, Object.fromEntries(new URLSearchParams(String(body)))),
  );
}

export const formOf = (request: FastifyRequest): Readonly<Record<string, string>> =>
  (request.body ?? {}) as Record<string, string>;

/** A page whose forms may be sent. */
export function sendPage(
  reply: FastifyReply,
  { title, body }: { title: string; body: string },
): FastifyReply {
  return reply
    .type('text/html; charset=utf-8')
    .header(
      'content-security-policy',
      "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
    )
    .send(`<!doctype html><html lang="en-GB"><head><meta charset="utf-8"><title>${escaped(title)}</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<style>${STYLE}</style></head><body><main>${body}</main></body></html>`);
}

export interface Button {
  readonly label: string;
  /** What it is about, for who hears the page and does not see it. */
  readonly about: string;
  /** Where the form is sent. */
  readonly action: string;
  /** Not what one usually wants. */
  readonly isSecond?: boolean;
}

export const button = ({ label, about, action, isSecond = false }: Button): string =>
  `<form method="post" action="${escaped(action)}"><button class="${isSecond ? 'second' : ''}" aria-label="${escaped(`${label}: ${about}`)}">${escaped(label)}</button></form>`;

export const notice = (said: string): string =>
  said === '' ? '' : `<p class="well" role="status">${escaped(said)}</p>`;

const STYLE = `body{font:16px/1.5 system-ui,sans-serif;color:#212b32;background:#f0f4f5;margin:0}
main{max-width:1100px;margin:0 auto;padding:24px}h1{margin:0 0 4px;font-size:28px}h2{font-size:20px;margin:32px 0 8px}
dl{display:grid;grid-template-columns:max-content 1fr;gap:4px 24px;background:#fff;padding:16px;margin:16px 0}dt{color:#4c6272}dd{margin:0}
dd,td{overflow-wrap:anywhere}.wide{overflow-x:auto}table{border-collapse:collapse;width:100%;background:#fff}th,td{text-align:left;padding:6px 12px;border-bottom:1px solid #d8dde0;vertical-align:top;min-width:6em}
.trouble{border-left:6px solid #d5281b;background:#fff;padding:12px 16px;margin:12px 0}.well{border-left:6px solid #007f3b;background:#fff;padding:12px 16px}
.quiet{color:#4c6272}form{display:inline}form.fields{display:block;background:#fff;padding:16px;max-width:480px}
button{font:inherit;padding:6px 12px;margin:0 8px 4px 0;border:2px solid #005eb8;background:#005eb8;color:#fff;cursor:pointer}button.second{background:#fff;color:#005eb8}
label{display:block;font-weight:600;margin-top:12px}input,select{font:inherit;padding:6px 8px;border:2px solid #4c6272;width:100%;box-sizing:border-box}.hint{font-weight:400;color:#4c6272;display:block}
form.fields button{margin-top:20px}button:focus-visible,a:focus-visible,input:focus-visible,select:focus-visible,.wide:focus-visible{outline:3px solid #212b32;background:#ffeb3b;color:#212b32}`;

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

export const escaped = (text: string): string =>
  text.replace(/[&<>"']/g, (found) => ENTITIES[found] ?? '');
