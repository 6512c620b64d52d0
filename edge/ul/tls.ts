/**
 * TLS of the DICOM port and of calls to peers, as BCP 195 (RFC 9325) wants it: 1.3, or 1.2 with forward
 * secrecy and authenticated encryption. PS3.15 §B.12.
 */
import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { isIP } from 'node:net';
import type { ConnectionOptions, TlsOptions } from 'node:tls';
import { codeOf } from '../../shared/errors.ts';
import type { EdgeConfig, Peer } from '../config.ts';
import { UlError } from './ul-error.ts';

export type PeerTls = NonNullable<Peer['tls']>;
export type PortTls = NonNullable<EdgeConfig['dicom']['tls']>;

/** As OpenSSL names them. */
export const CIPHERS: readonly string[] = [
  ...['TLS_AES_128_GCM_SHA256', 'TLS_AES_256_GCM_SHA384', 'TLS_CHACHA20_POLY1305_SHA256'],
  ...['ECDHE-ECDSA-AES128-GCM-SHA256', 'ECDHE-RSA-AES128-GCM-SHA256'],
  ...['ECDHE-ECDSA-AES256-GCM-SHA384', 'ECDHE-RSA-AES256-GCM-SHA384'],
  ...['ECDHE-ECDSA-CHACHA20-POLY1305', 'ECDHE-RSA-CHACHA20-POLY1305'],
];
export const MIN_VERSION = 'TLSv1.2';
const COMMON = { minVersion: MIN_VERSION, ciphers: CIPHERS.join(':') } as const;

/** For the port. @throws a Node system error when a file can't be read */
export function portTls({ keyFile, certificateFile, caFile, ...rest }: PortTls): TlsOptions {
  return {
    ...COMMON,
    key: readFileSync(keyFile),
    cert: readFileSync(certificateFile),
    ...(caFile === undefined ? {} : { ca: readFileSync(caFile) }),
    requestCert: rest.requireClientCertificate,
    rejectUnauthorized: rest.requireClientCertificate,
  };
}

/**
 * For a call to a peer; its files are read each time, so that a renewed certificate counts at once.
 *
 * @throws UlError `TLS_FAILED` when a file can't be read
 */
export function peerTls(tls: PeerTls, host: string): ConnectionOptions {
  const { caFile, keyFile, certificateFile, serverName = host } = tls;
  const read = (file: string): Buffer => {
    try {
      return readFileSync(file);
    } catch (cause) {
      throw new UlError('TLS_FAILED', `${file}: ${codeOf(cause)}`, { cause });
    }
  };
  return {
    ...COMMON,
    ...(caFile === undefined ? {} : { ca: read(caFile) }),
    ...(keyFile === undefined ? {} : { key: read(keyFile) }),
    ...(certificateFile === undefined ? {} : { cert: read(certificateFile) }),
    // An address is no server name. RFC 6066 §3.
    ...(isIP(serverName) === 0 ? { servername: serverName } : {}),
  };
}

/** When a certificate ends, in milliseconds since the epoch. @throws when the file is none */
export const certificateEnd = (file: string): number =>
  new X509Certificate(readFileSync(file)).validToDate.getTime();
