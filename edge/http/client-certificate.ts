/**
 * Mutual TLS at the transfer port: whoever shows a ticket also shows the certificate that the hub's authority issued
 * for whom the ticket names. RFC 8705 in spirit; the proof binds the ticket where TLS ends at the relay.
 */
import { readFileSync } from 'node:fs';
import type { TLSSocket } from 'node:tls';
import type { FastifyRequest } from 'fastify';
import { authorityFile } from '../../shared/client-pair.ts';
import type { EdgeConfig } from '../config.ts';
import { TicketError } from '../transfer/ticket.ts';

type Config = Pick<EdgeConfig, 'http' | 'dataDirectory'>;

/** What the server asks for; without the authority's file nobody is let in by a certificate. */
export function askingForCertificates({ http, dataDirectory }: Config): object {
  if (http.tls?.requireClientCertificate !== true) return {};
  let ca = '';
  try {
    ca = readFileSync(authorityFile(dataDirectory), 'latin1');
  } catch {
    // It comes with the first answer of the hub, and counts from the next start.
  }
  return { requestCert: true, rejectUnauthorized: false, ...(ca === '' ? { ca: [] } : { ca }) };
}

/** @param reader whom the ticket is made out to @throws TicketError `CERTIFICATE_MISSING`, `TICKET_OTHER_EDGE` */
export function requireCertificate({ raw }: FastifyRequest, reader: string): void {
  const socket = raw.socket as TLSSocket;
  if (socket.encrypted !== true || !socket.authorized)
    throw new TicketError(
      'CERTIFICATE_MISSING',
      'a certificate of the hub for this edge is needed',
    );
  if (socket.getPeerCertificate().subject?.CN !== reader)
    throw new TicketError('TICKET_OTHER_EDGE', 'the certificate is for another edge');
}
