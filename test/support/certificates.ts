/** A certificate authority for a test, and what it signs: keys of P-256, for 127.0.0.1. */
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

export interface Certificate {
  readonly keyFile: string;
  readonly certificateFile: string;
}

export interface CertificateAuthority {
  readonly caFile: string;
  /** @param days of validity; negative: it has ended */
  issue(name: string, days?: number): Certificate;
}

const openssl = (...args: readonly string[]): void => {
  execFileSync('openssl', args, { stdio: ['ignore', 'ignore', 'pipe'] });
};
const KEY = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];

/** @param name two of one folder have different ones */
export function certificateAuthority(folder: string, name = 'ca'): CertificateAuthority {
  const file = (what: string): string => join(folder, `${name}-${what}`);
  const [caFile, caKeyFile, extensions] = [file('ca.pem'), file('ca.key'), file('extensions')];
  openssl(
    ...['req', '-x509', ...KEY, '-subj', `/CN=${name}`, '-days', '2'],
    ...['-keyout', caKeyFile, '-out', caFile],
  );
  writeFileSync(extensions, 'subjectAltName=IP:127.0.0.1,DNS:localhost\n');
  return {
    caFile,
    issue(subject, days = 2) {
      const [keyFile, certificateFile] = [file(`${subject}.key`), file(`${subject}.pem`)];
      const request = file(`${subject}.csr`);
      openssl(
        'req',
        '-new',
        ...KEY,
        '-subj',
        `/CN=${subject}`,
        '-keyout',
        keyFile,
        '-out',
        request,
      );
      openssl(
        ...['x509', '-req', '-in', request, '-CA', caFile, '-CAkey', caKeyFile],
        ...['-CAcreateserial', '-days', `${days}`, '-extfile', extensions, '-out', certificateFile],
      );
      return { keyFile, certificateFile };
    },
  };
}
