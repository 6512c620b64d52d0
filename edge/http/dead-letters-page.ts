/**
 * `/hl7`: messages that could not be applied, each with its reason, to be applied again once the sender or the
 * configuration is mended, or given up. No patient is shown: `cdip edge hl7 show` prints a message.
 */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { rfc3339 } from '../../shared/clock.ts';
import type { Log } from '../../shared/log.ts';
import { button, escaped, notice, sendPage } from './own-page.ts';
import { HttpProblem } from './problem.ts';
import { type ReplayOutcome, requireLocal } from './routes-local.ts';

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
  app.get('/hl7', async (request, reply) => {
    requireLocal(request);
    const { applied } = request.query as { applied?: string };
    return page(reply, parts, SAID[applied ?? ''] ?? '');
  });
  app.post('/hl7/:key/replay', async (request, reply) => {
    requireLocal(request);
    const outcome = found(replayHl7(keyOf(request)));
    log.info('hl7.replayed', { state: outcome.state, code: outcome.code ?? '' });
    return reply.redirect(`/hl7?applied=${outcome.code === null ? 'yes' : 'no'}`, 303);
  });
  app.post('/hl7/:key/drop', async (request, reply) => {
    requireLocal(request);
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

function page(
  reply: FastifyReply,
  { trust, deadLetters }: DeadLetterParts,
  said: string,
): FastifyReply {
  const letters = deadLetters.deadLetters(SHOWN);
  const total = deadLetters.deadCount();
  const rest =
    total > letters.length
      ? `<p>These are the newest ${letters.length} of ${total}; "cdip edge hl7" lists all.</p>`
      : '';
  const how =
    total === 0
      ? 'None: every message was applied.'
      : `${total} ${total === 1 ? 'message' : 'messages'} could not be applied. Mend what the reason names at the sender or in edge.yaml, then apply the message again. What is newer by then is never overwritten.`;
  const body = `<h1>HL7 dead letters</h1><p><a href="/">Edge of ${escaped(trust)}</a></p>${notice(said)}
<p>${how}</p>${letters.length === 0 ? '' : table(letters)}${rest}`;
  return sendPage(reply, { title: `HL7 dead letters – edge ${trust}`, body });
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
  const about = `message ${key}`;
  const actions =
    button({ label: 'Apply again', about, action: `/hl7/${key}/replay` }) +
    button({ label: 'Give up', about, action: `/hl7/${key}/drop`, isSecond: true });
  return `<tr>${cells.map((cell) => `<td>${escaped(cell)}</td>`).join('')}<td>${actions}</td></tr>`;
}
