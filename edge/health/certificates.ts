/** When the certificates and keys that this edge shows end. Read anew each time: a renewed one counts at once. */
import { rfc3339 } from '../../shared/clock.ts';
import type { CertificateHealth } from '../../shared/contract/health.ts';
import type { EdgeConfig } from '../config.ts';
import { certificateEnd } from '../ul/tls.ts';

type Config = Pick<EdgeConfig, 'dicom' | 'http' | 'hl7' | 'peers'>;

/** One that can't be read has ended: who calls will find it so. */
export function certificates(config: Config, keyEndsAt: number | null): CertificateHealth[] {
  const named: [of: string, file: string | undefined][] = [
    ['DICOM port', config.dicom.tls?.certificateFile],
    ['HTTP', config.http.tls?.certificateFile],
    ['HL7 port', config.hl7.tls?.certificateFile],
    ...config.peers.map(({ name, tls }): [string, string | undefined] => [
      `calls to ${name}`,
      tls?.certificateFile,
    ]),
  ];
  const key = keyEndsAt === null ? [] : [{ of: 'key for the hub', endsAt: rfc3339(keyEndsAt) }];
  const shown = named.flatMap(([of, file]) =>
    file === undefined ? [] : [{ of, endsAt: rfc3339(endOf(file)) }],
  );
  return [...shown, ...key];
}

function endOf(file: string): number {
  try {
    return certificateEnd(file);
  } catch {
    return 0;
  }
}
