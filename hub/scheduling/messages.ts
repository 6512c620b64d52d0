/**
 * Messages to patients through a channel port. They name an imaging appointment and nothing clinical, and
 * carry a link that works once and asks for the birth date. SC-33.
 *
 *   offer ─► text ─► webhook of the trust's messaging (GOV.UK Notify, SMS, letter) │ e-mail
 */
import { GatewayError, type Retry } from '../../shared/errors.ts';
import type { OfferChannel } from './rules/refill.ts';

export interface OfferMessage {
  readonly offerId: string;
  readonly channel: OfferChannel;
  readonly to: string;
  readonly subject: string;
  readonly text: string;
  readonly link: string;
  readonly expiresAt: string;
}

export interface MessagePort {
  readonly channels: readonly OfferChannel[];
  /** @throws MessageError */
  send(message: OfferMessage): Promise<void>;
}

export class MessageError extends GatewayError {
  override readonly name = 'MessageError';
  readonly code = 'MESSAGE_FAILED';
  readonly retry: Retry = 'unsure';
}

export interface WebhookConfig {
  readonly url: string;
  readonly channels: readonly OfferChannel[];
  readonly token?: string | undefined;
}

const ANSWER_MS = 10_000;

/** Posts each message as JSON; the offer's id is its idempotency key. */
export function webhookPort({ url, channels, token }: WebhookConfig): MessagePort {
  return {
    channels,
    async send(message) {
      const headers = {
        'content-type': 'application/json',
        'idempotency-key': message.offerId,
        ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      };
      const signal = AbortSignal.timeout(ANSWER_MS);
      const body = JSON.stringify(message);
      const answer = await fetch(url, { method: 'POST', headers, body, signal }).catch((cause) => {
        throw new MessageError('the webhook does not answer', { cause });
      });
      await answer.body?.cancel();
      if (!answer.ok) throw new MessageError(`the webhook answered ${answer.status}`);
    },
  };
}

const SUBJECT = 'An earlier imaging appointment';

/** @param expiresAt RFC 3339 */
export function offerText({ link, expiresAt }: { link: string; expiresAt: string }): {
  subject: string;
  text: string;
} {
  const until = new Intl.DateTimeFormat('en-GB', {
    ...{ weekday: 'long', day: 'numeric', month: 'long', hour: '2-digit', minute: '2-digit' },
    timeZone: 'Europe/London',
  }).format(new Date(expiresAt));
  return {
    subject: SUBJECT,
    text:
      `NHS: you can have an earlier imaging appointment. Answer by ${until}: ${link} ` +
      'If you do nothing, nothing changes for you. To get no such offers, open the link and choose STOP.',
  };
}
