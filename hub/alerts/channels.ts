/**
 * Ways to tell people of alerts: e-mail and webhooks. A message carries what came together at one trust.
 *
 * No patient is in it: trusts, devices, numbers, and where to look.
 */
import { createHash, createHmac } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { GatewayError, type Retry } from '../../shared/errors.ts';
import { type AlertsConfig, type Level, SIGNALS, type SignalId } from '../config-alerts.ts';
import { sendMail } from '../mail.ts';
import type { Alert } from './decisions.ts';
import { REVIEW_SIGNALS } from './review-readings.ts';

const TIMEOUT_MS = 15_000;

/** One alert in a message: what is told of it now. */
export interface Told {
  readonly alert: Alert;
  readonly what: 'warn' | 'page' | 'closed';
}

export interface Message {
  readonly trust: string;
  readonly trustName: string;
  readonly told: readonly Told[];
}

export interface Channel {
  readonly name: string;
  /** From which on it is told. */
  readonly level: Level;
  /** Undefined: all. */
  readonly trusts: readonly string[] | undefined;
  /** Absent: all. */
  readonly signals?: readonly string[];
  /** @throws ChannelError */
  send(message: Message): Promise<void>;
}

export class ChannelError extends GatewayError {
  override readonly name = 'ChannelError';
  readonly code = 'ALERT_NOT_SENT';
  readonly retry: Retry = 'unsure';
}

export interface ChannelLinks {
  /** Where people reach this hub. */
  readonly hubUrl: () => string;
  /** Where the runbook of a signal is. */
  readonly runbookUrl: (signal: string) => string;
}

export function channelsOf(config: AlertsConfig, links: ChannelLinks): Channel[] {
  const { email, privacy, webhooks } = config;
  return [
    ...(email === undefined ? [] : [emailChannel(email, links)]),
    ...(email === undefined ? [] : privacy.map((one) => privacyChannel(email, one, links))),
    ...webhooks.map((hook) => webhookChannel(hook, links)),
  ];
}

const titleOf = (signal: string): string => SIGNALS[signal as SignalId]?.title ?? signal;
const WORD = { warn: 'Warning', page: 'ACT NOW', closed: 'Over' } as const;
const RANK = { page: 0, warn: 1, closed: 2 } as const;

/** The worst first. */
const sorted = (told: readonly Told[]): Told[] =>
  told.toSorted((a, b) => RANK[a.what] - RANK[b.what]);

export function subjectOf({ trust, trustName, told }: Message): string {
  const [first] = sorted(told);
  if (first === undefined) return '';
  const more = told.length > 1 ? ` and ${told.length - 1} more` : '';
  const of = first.alert.subject === '' ? '' : ` (${first.alert.subject})`;
  return `${WORD[first.what]}: ${trustName} ${trust}: ${titleOf(first.alert.signal)}${of}${more}`;
}

export function textOf(message: Message, { hubUrl, runbookUrl }: ChannelLinks): string {
  const parts = sorted(message.told).map(({ alert, what }) =>
    [
      `${WORD[what]}: ${titleOf(alert.signal)}${alert.subject === '' ? '' : `, ${alert.subject}`}`,
      `  ${alert.detail}`,
      `  since ${alert.openedAt}${alert.closedAt === null ? '' : `, over at ${alert.closedAt}`}`,
      `  what to do: ${runbookUrl(alert.signal)}`,
    ].join('\n'),
  );
  return `${parts.join('\n\n')}\n\n${hubUrl()}${pageOf(message)}\n`;
}

/** Where it is looked at: edges by their engineers, emergency accesses by privacy officers. */
const pageOf = ({ trust, told }: Message): string =>
  told.every(({ alert }) => REVIEW_SIGNALS.includes(alert.signal)) ? '/privacy' : `/fleet/${trust}`;

/** The same message has the same id, so that a second copy of it can be told. */
const idOf = ({ told }: Message): string =>
  createHash('sha256')
    .update(told.map(({ alert, what }) => `${alert.id} ${what} ${alert.levelAt}`).join('\n'))
    .digest('hex')
    .slice(0, 32);

function emailChannel(email: NonNullable<AlertsConfig['email']>, links: ChannelLinks): Channel {
  const { from, to, level, ...server } = email;
  // A password is never said in the open.
  const requireTls = server.user !== undefined;
  return {
    ...{ name: 'email', level, trusts: undefined },
    async send(message) {
      const mail = {
        ...{ from, to: [...to], messageId: `<${idOf(message)}@cdip>` },
        ...{ subject: subjectOf(message), text: textOf(message, links) },
      };
      await sendMail({ ...server, requireTls }, mail).catch((cause: unknown) => {
        const text = `${server.host}:${server.port} did not take the e-mail`;
        throw new ChannelError(text, { cause });
      });
    },
  };
}

/** Told of the first as of the last: whoever reviews is not on call. */
function privacyChannel(
  email: NonNullable<AlertsConfig['email']>,
  { trust, to }: AlertsConfig['privacy'][number],
  links: ChannelLinks,
): Channel {
  return {
    ...emailChannel({ ...email, to: [...to] }, links),
    ...{ name: `privacy ${trust}`, level: 'warn', trusts: [trust], signals: REVIEW_SIGNALS },
  };
}

function webhookChannel(hook: AlertsConfig['webhooks'][number], links: ChannelLinks): Channel {
  const { name, url, secretFile, level, trusts } = hook;
  return {
    ...{ name: `webhook ${name}`, level, trusts },
    async send(message) {
      const body = JSON.stringify(bodyOf(message, links));
      const headers: Record<string, string> = {
        'content-type': 'application/json',
        'idempotency-key': idOf(message),
      };
      if (secretFile !== undefined) {
        const secret = readFileSync(secretFile, 'utf8').trim();
        const digest = createHmac('sha256', secret).update(body).digest('hex');
        headers['x-cdip-signature'] = `sha256=${digest}`;
      }
      let status: number;
      try {
        const signal = AbortSignal.timeout(TIMEOUT_MS);
        const answer = await fetch(url, {
          method: 'POST',
          headers,
          body,
          signal,
          redirect: 'error',
        });
        await answer.body?.cancel();
        status = answer.status;
      } catch (cause) {
        throw new ChannelError(`the webhook ${name} does not answer`, { cause });
      }
      if (status >= 300) throw new ChannelError(`the webhook ${name} answered ${status}`);
    },
  };
}

function bodyOf(message: Message, { hubUrl, runbookUrl }: ChannelLinks): object {
  const { trust, trustName } = message;
  return {
    ...{
      v: 1,
      trust,
      trustName,
      subject: subjectOf(message),
      url: `${hubUrl()}${pageOf(message)}`,
    },
    alerts: sorted(message.told).map(({ alert, what }) => {
      const { id, signal, subject, level, value, detail, openedAt, closedAt } = alert;
      const { unit = '' } = SIGNALS[signal as SignalId] ?? {};
      return {
        ...{ id, what, signal, title: titleOf(signal), subject, level, value, unit, detail },
        ...{ openedAt, closedAt, runbook: runbookUrl(signal) },
      };
    }),
  };
}
