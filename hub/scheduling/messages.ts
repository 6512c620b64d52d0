/**
 * Messages to patients through a channel port. They name an imaging appointment and nothing clinical; an
 * offer carries a link that works once and asks for the birth date. SC-33.
 *
 *   offer, notice ─► text ─► webhook of the trust's messaging (GOV.UK Notify, SMS, letter) │ e-mail
 */
import { GatewayError, type Retry } from '../../shared/errors.ts';
import type { OfferChannel } from './rules/refill.ts';
import type { ImagingRequest } from './types.ts';

export interface PatientMessage {
  /** The same message when it comes again. */
  readonly id: string;
  /** An earlier time is offered · what was being confirmed is not booked. */
  readonly kind: 'offer' | 'not-booked';
  readonly channel: OfferChannel;
  readonly to: string;
  readonly subject: string;
  readonly text: string;
  /** Of an offer. */
  readonly offerId?: string;
  readonly link?: string;
  readonly expiresAt?: string;
}

export interface MessagePort {
  readonly channels: readonly OfferChannel[];
  /** @throws MessageError */
  send(message: PatientMessage): Promise<void>;
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

/** Posts each message as JSON; its id is the idempotency key. */
export function webhookPort({ url, channels, token }: WebhookConfig): MessagePort {
  return {
    channels,
    async send(message) {
      const headers = {
        'content-type': 'application/json',
        'idempotency-key': message.id,
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

/** @param keeps the patient has the appointment that was to be changed */
export const notBookedText = (keeps: boolean): { subject: string; text: string } => ({
  subject: 'Your imaging appointment was not confirmed',
  text:
    'NHS: the hospital could not confirm the imaging appointment that was chosen for you. ' +
    (keeps
      ? 'You keep the appointment that you had. '
      : 'You have no appointment yet, and keep your place on the list. ') +
    'If you have a link to choose a time, you can open it again; or the booking team will contact you.',
});

/** Where a channel reaches the patient; null: not known. */
export function addressOf({ patient }: ImagingRequest, channel: OfferChannel): string | null {
  if (channel === 'email') return patient.email;
  if (channel === 'letter') return patient.postcode;
  return channel === 'app' ? (patient.nhsNumber ?? patient.phone) : patient.phone;
}
