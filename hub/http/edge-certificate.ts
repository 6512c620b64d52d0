/** Which edge a TLS connection is of, by the certificate that the hub's authority issued for its key. */
import type { TLSSocket } from 'node:tls';

/** Whose certificate was shown, ODS code; undefined where none was asked for. */
export function edgeOf(socket: object): string | undefined {
  const { authorized, getPeerCertificate } = socket as Partial<TLSSocket>;
  if (authorized !== true) return undefined;
  const { CN } = getPeerCertificate?.call(socket)?.subject ?? {};
  return typeof CN === 'string' ? CN : undefined;
}
