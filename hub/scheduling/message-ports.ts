/** The channel ports that the configuration names. */
import { readFileSync } from 'node:fs';
import type { HubConfig } from '../config.ts';
import { sendMail } from '../mail.ts';
import { MessageError, type MessagePort, webhookPort } from './messages.ts';

/** The webhook first: it may take e-mail too. @throws Error when a file of a secret can't be read */
export function messagePorts({
  messages: { webhook, email },
}: Pick<HubConfig, 'messages'>): MessagePort[] {
  return [
    ...(webhook === undefined
      ? []
      : [webhookPort({ ...webhook, token: secretIn(webhook.tokenFile) })]),
    ...(email === undefined ? [] : [emailPort(email)]),
  ];
}

type EmailConfig = NonNullable<HubConfig['messages']['email']>;

function emailPort({ from, ...server }: EmailConfig): MessagePort {
  // One that can't be read is said at start, not with a patient's first message.
  secretIn(server.passwordFile);
  return {
    channels: ['email'],
    async send({ id, to, subject, text }) {
      // The same message when it comes again: RFC 5322 §3.6.4.
      const messageId = `<${id}@cdip>`;
      await sendMail(server, { from, to, subject, text, messageId }).catch((cause: unknown) => {
        throw new MessageError('the mail server does not take it', { cause });
      });
    },
  };
}

/** A line end behind the secret is none of it. */
const secretIn = (file: string | undefined): string | undefined =>
  file === undefined ? undefined : readFileSync(file, 'utf8').trim();
