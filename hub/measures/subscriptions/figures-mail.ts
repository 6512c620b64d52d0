/** Figures as an e-mail: what they say in words, the table as CSV, where they are looked at, and how they are stopped. */
import { GatewayError, type Retry } from '../../../shared/errors.ts';
import type { HubConfig } from '../../config.ts';
import { sendMail } from '../../mail.ts';
import { shownOf } from '../charts.ts';
import { columnsOf, csvOf } from '../export.ts';
import { cellText, withheldTexts } from '../figure-text.ts';
import type { MeasureAnswer } from '../measures.ts';
import { searchOf } from '../question-link.ts';
import type { Subscription } from './subscription-store.ts';

export type MailConfig = NonNullable<HubConfig['measures']['email']>;

/** The CSV has all. */
const ROWS_IN_TEXT = 40;

export class MailError extends GatewayError {
  override readonly name = 'MailError';
  readonly code = 'MAIL_NOT_SENT';
  readonly retry: Retry = 'unsure';
}

export interface FiguresMail {
  readonly subject: string;
  readonly text: string;
  readonly csv: { readonly name: string; readonly content: string };
  /** Stops it by one click, without signing in. RFC 8058. */
  readonly stopUrl: string;
  /** The same for the same period, so that a second copy can be told. RFC 5322 §3.6.4. */
  readonly messageId: string;
}

export const stopPath = (secret: string): string => `/stop-figures/${secret}`;

export function figuresMail(
  one: Subscription,
  answer: MeasureAnswer,
  { hubUrl, period }: { hubUrl: string; period: string },
): FiguresMail {
  const { measure, asOf, rows, coverage } = answer;
  const { by } = one.asked;
  const stopUrl = `${hubUrl}${stopPath(one.secret)}`;
  const reporting = coverage.filter(({ lastToldAt }) => lastToldAt !== null).length;
  const of = Object.entries(one.asked.where).map(([name, value]) => `${name} ${value}`);
  const text = [
    `${measure.name} (${measure.id}, version ${measure.version})`,
    measure.question,
    '',
    `Months: ${answer.from ?? 'none'} to ${answer.to ?? 'none'}${of.length === 0 ? '' : `; only ${of.join(', ')}`}`,
    `Data as of ${asOf}; ${reporting} of ${coverage.length} trusts reporting`,
    '',
    ...linesOf(answer, by),
    '',
    `Look at it: ${hubUrl}/measures/${measure.id}?${searchOf(one.asked)}`,
    `You asked for it every ${one.every}. Stop it: ${stopUrl}`,
    '',
  ].join('\n');
  return {
    subject: `${measure.name}: figures of the network, ${asOf.slice(0, 10)}`,
    ...{ text, stopUrl },
    csv: {
      name: `${measure.id}-v${measure.version}-${asOf.slice(0, 10)}.csv`,
      content: csvOf(columnsOf(measure, by), rows),
    },
    messageId: `<${one.id}.${period}@cdip>`,
  };
}

function linesOf({ measure, rows }: MeasureAnswer, by: readonly string[]): string[] {
  const { name, title, unit } = shownOf(measure);
  const total = measure.counts[0];
  const lines = rows.slice(0, ROWS_IN_TEXT).map((row) => {
    const key = by.length === 0 ? 'All' : by.map((one) => String(row[one])).join(' · ');
    const count =
      name === total.name ? '' : `; ${total.title} ${cellText(row, total.name, 'count')}`;
    return `${key}: ${title} ${cellText(row, name, unit)}${count}`;
  });
  if (rows.length === 0) return ['Nothing has been told that this measure counts.'];
  return [
    ...lines,
    ...(rows.length > ROWS_IN_TEXT
      ? [`… and ${rows.length - ROWS_IN_TEXT} rows more, in the table`]
      : []),
    ...withheldTexts(rows),
  ];
}

/** @throws MailError; what was sent may have arrived nevertheless */
export async function sendFigures(
  config: MailConfig,
  to: string,
  mail: FiguresMail,
): Promise<void> {
  const { from, ...server } = config;
  const { subject, text, csv, stopUrl, messageId } = mail;
  try {
    await sendMail(server, {
      ...{ from, to, subject, text, messageId },
      attachments: [{ filename: csv.name, content: csv.content, contentType: 'text/csv' }],
      headers: {
        'List-Unsubscribe': `<${stopUrl}>`,
        'List-Unsubscribe-Post': 'List-Unsubscribe=One-Click',
      },
    });
  } catch (cause) {
    throw new MailError(`${server.host}:${server.port} did not take the e-mail`, { cause });
  }
}
