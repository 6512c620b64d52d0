/**
 * `/hl7`: messages that could not be applied, each with its reason, to be applied again once the sender or the
 * configuration is mended, or given up. No patient is shown: `cdip edge hl7 show` prints a message.
 */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { rfc3339 } from '../../shared/clock.ts';
import type { Log } from '../../shared/log.ts';
import { HttpProblem } from './problem.ts';
import { type ReplayOutcome, requireLocal } from './routes-local.ts';
import { escaped, STYLE } from './status-page.ts';

const SHOWN = 200;

export interface DeadLetterView {
  readonly key: number;
  readonly receivedAt: number;
  readonly host: string;
  readonly application: string;
  readonly facility: string;
  readonly controlId: string;
  readonly type: string;
  readonly code: string;
  readonly detail: string;
  readonly times: number;
}

export interface DeadLetterParts {
  readonly trust: string;
  readonly log: Log;
  readonly deadLetters: {
    deadLetters(limit: number): readonly DeadLetterView[];
    deadCount(): number;
    /** False: there is no such dead letter. */
    drop(key: number): boolean;
  };
  readonly replayHl7: (key: number) => ReplayOutcome | undefined;
}

export function serveDeadLetters(app: FastifyInstance, parts: DeadLetterParts): void {
  const { deadLetters, replayHl7, log } = parts;
  app.addContentTypeParser(
    'application/x-www-form-urlencoded',
    { parseAs: 'string', bodyLimit: 1_024 },
    (_request, _body, done) => done(null, undefined),
  );
  app.get('/hl7', async (request, reply) => {
    requireLocal(request);
    const { applied } = request.query as { applied?: string };
    return page(reply, parts, SAID[applied ?? ''] ?? '');
  });
  app.post('/hl7/:key/replay', async (request, reply) => {
    requireOwnPage(request);
    const outcome = found(replayHl7(keyOf(request)));
    log.info('hl7.replayed', { state: outcome.state, code: outcome.code ?? '' });
    return reply.redirect(`/hl7?applied=${outcome.code === null ? 'yes' : 'no'}`, 303);
  });
  app.post('/hl7/:key/drop', async (request, reply) => {
    requireOwnPage(request);
    found(deadLetters.drop(keyOf(request)) || undefined);
    log.info('hl7.dropped', { key: keyOf(request) });
    return reply.redirect('/hl7?applied=dropped', 303);
  });
}

const SAID: Readonly<Record<string, string>> = {
  yes: 'The message was applied.',
  no: 'The message could still not be applied: its reason is below.',
  dropped: 'The message was given up. It is kept, and not applied.',
};

const keyOf = (request: FastifyRequest): number => Number((request.params as { key: string }).key);

function found<T>(outcome: T | undefined): T {
  if (outcome !== undefined) return outcome;
  throw new HttpProblem('HL7_MESSAGE_NOT_FOUND', 'There is no dead letter with this number.');
}

/** What changes something comes from this page, or from no page. */
function requireOwnPage(request: FastifyRequest): void {
  requireLocal(request);
  const site = request.headers['sec-fetch-site'] ?? 'none';
  if (site !== 'same-origin' && site !== 'none')
    throw new HttpProblem('FORBIDDEN', 'This is done from the page of this edge only.');
}

function page(reply: FastifyReply, { trust, deadLetters }: DeadLetterParts, said: string): string {
  const letters = deadLetters.deadLetters(SHOWN);
  const total = deadLetters.deadCount();
  const notice = said === '' ? '' : `<p class="well" role="status">${said}</p>`;
  const rest =
    total > letters.length
      ? `<p>These are the newest ${letters.length} of ${total}; "cdip edge hl7" lists all.</p>`
      : '';
  reply
    .type('text/html; charset=utf-8')
    .header(
      'content-security-policy',
      "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
    );
  return `<!doctype html><html lang="en-GB"><head><meta charset="utf-8"><title>HL7 dead letters – edge ${escaped(trust)}</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<style>${STYLE}form{display:inline}button{font:inherit;padding:6px 12px;margin:0 8px 4px 0;border:2px solid #005eb8;background:#005eb8;color:#fff;cursor:pointer}button.second{background:#fff;color:#005eb8}button:focus-visible,a:focus-visible{outline:3px solid #212b32;background:#ffeb3b;color:#212b32}</style></head>
<body><main><h1>HL7 dead letters</h1><p><a href="/">Edge of ${escaped(trust)}</a></p>${notice}
<p>${total === 0 ? 'None: every message was applied.' : `${total} ${total === 1 ? 'message' : 'messages'} could not be applied. Mend what the reason names at the sender or in edge.yaml, then apply the message again. What is newer by then is never overwritten.`}</p>
${letters.length === 0 ? '' : table(letters)}${rest}</main></body></html>`;
}

function table(letters: readonly DeadLetterView[]): string {
  const columns = ['Number', 'From', 'Type', 'Control ID', 'Why', 'Times', 'Last', 'What to do'];
  const head = columns.map((column) => `<th scope="col">${column}</th>`).join('');
  return `<div class="wide" role="region" aria-label="Dead letters" tabindex="0"><table><thead><tr>${head}</tr></thead><tbody>${letters.map(row).join('')}</tbody></table></div>`;
}

function row(letter: DeadLetterView): string {
  const { key, application, facility, host, type, controlId, code, detail } = letter;
  const cells = [
    ...[`${key}`, `${application} ${facility} ${host}`.trim(), type, controlId],
    ...[`${code}: ${detail}`, `${letter.times}`, rfc3339(letter.receivedAt)],
  ];
  const button = (what: string, label: string, style: string): string =>
    `<form method="post" action="/hl7/${key}/${what}"><button class="${style}" aria-label="${label} message ${key}">${label}</button></form>`;
  const actions = button('replay', 'Apply again', '') + button('drop', 'Give up', 'second');
  return `<tr>${cells.map((cell) => `<td>${escaped(cell)}</td>`).join('')}<td>${actions}</td></tr>`;
}
