/** One e-mail to a mail server of the configuration (RFC 5321). The library is loaded with the first. */
import { readFileSync } from 'node:fs';
import type { SendMailOptions } from 'nodemailer';

const TIMEOUT_MS = 15_000;

export interface MailServer {
  readonly host: string;
  readonly port: number;
  /** TLS from the first byte. */
  readonly secure: boolean;
  /** Without `secure`: nothing is said to a server that offers no STARTTLS. */
  readonly requireTls: boolean;
  readonly user?: string | undefined;
  /** Read each time: a password may change. */
  readonly passwordFile?: string | undefined;
}

/** @throws what the file system, the network or the server says; what was sent may have arrived nevertheless */
export async function sendMail(server: MailServer, mail: SendMailOptions): Promise<void> {
  const { host, port, secure, requireTls, user, passwordFile } = server;
  // A line end behind the password is none of it.
  const pass = passwordFile === undefined ? '' : readFileSync(passwordFile, 'utf8').trim();
  const { createTransport } = await import('nodemailer');
  const transport = createTransport({
    ...{ host, port, secure, requireTLS: requireTls && !secure },
    ...(user === undefined ? {} : { auth: { user, pass } }),
    ...{ connectionTimeout: TIMEOUT_MS, greetingTimeout: TIMEOUT_MS, socketTimeout: TIMEOUT_MS },
  });
  try {
    await transport.sendMail(mail);
  } finally {
    transport.close();
  }
}
