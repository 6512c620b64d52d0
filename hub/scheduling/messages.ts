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
  /** An earlier time is offered · what was being confirmed is not booked · the RIS took it · or moved it. */
  readonly kind: 'offer' | 'not-booked' | 'cancelled' | 'moved';
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
  return {
    subject: SUBJECT,
    text:
      `NHS: you can have an earlier imaging appointment. Answer by ${inWords(expiresAt)}: ${link} ` +
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
    CHOOSE_AGAIN,
});

/** @param start RFC 3339, of the appointment that the hospital took */
export const cancelledText = (start: string): { subject: string; text: string } => ({
  subject: 'Your imaging appointment was cancelled',
  text:
    `NHS: your imaging appointment on ${inWords(start)} was cancelled at the hospital. ` +
    'You keep your place on the list. ' +
    CHOOSE_AGAIN,
});

/** @param from RFC 3339, as it was @param to as it is now */
export const movedText = (from: string, to: string): { subject: string; text: string } => ({
  subject: 'Your imaging appointment was changed',
  text:
    `NHS: the hospital changed your imaging appointment on ${inWords(from)}. ` +
    `It is now on ${inWords(to)}. If that does not suit you: ${CHOOSE_AGAIN}`,
});

const CHOOSE_AGAIN =
  'If you have a link to choose a time, you can open it again; or the booking team will contact you.';

const inWords = (at: string): string =>
  new Intl.DateTimeFormat('en-GB', {
    ...{ weekday: 'long', day: 'numeric', month: 'long', hour: '2-digit', minute: '2-digit' },
    timeZone: 'Europe/London',
  }).format(new Date(at));

/** Where a channel reaches the patient; null: not known. */
export function addressOf({ patient }: ImagingRequest, channel: OfferChannel): string | null {
  if (channel === 'email') return patient.email;
  if (channel === 'letter') return patient.postcode;
  return channel === 'app' ? (patient.nhsNumber ?? patient.phone) : patient.phone;
}
