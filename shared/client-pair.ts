/**
 * What a program shows as a TLS client: its own key, and the certificate that the hub's authority issued for it.
 *
 *   seed, certificate ─► hub-client.pem (both, so that they always fit)        hub-ca.pem: who may be let in
 */
import { chmodSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { getCACertificates } from 'node:tls';
import { keyOfSeed } from './ed25519.ts';

export interface ClientPair {
  /** PEM. */
  readonly key: string;
  readonly cert: string;
}

export const authorityFile = (dataDirectory: string): string => join(dataDirectory, 'hub-ca.pem');
const pairFile = (dataDirectory: string): string => join(dataDirectory, 'hub-client.pem');

/** @param seed of the nkey that the certificate is for */
export function pairOf(seed: Uint8Array, cert: string): ClientPair {
  return { key: keyOfSeed(seed).export({ type: 'pkcs8', format: 'pem' }) as string, cert };
}

export function keepPair(
  dataDirectory: string,
  { key, cert }: ClientPair,
  authority: string,
): void {
  replace(authorityFile(dataDirectory), authority, 0o644);
  replace(pairFile(dataDirectory), `${key}${cert}`, 0o600);
}

const known = new Map<string, { readonly writtenMs: number; readonly pair: ClientPair }>();

/** Read again when it was written anew; undefined: no hub has issued one yet. */
export function readPair(dataDirectory: string): ClientPair | undefined {
  const file = pairFile(dataDirectory);
  try {
    const writtenMs = statSync(file).mtimeMs;
    const before = known.get(file);
    if (before?.writtenMs === writtenMs) return before.pair;
    const text = readFileSync(file, 'latin1');
    const at = text.indexOf('-----BEGIN CERTIFICATE-----');
    if (at <= 0) return undefined;
    const pair = { key: text.slice(0, at), cert: text.slice(at) };
    known.set(file, { writtenMs, pair });
    return pair;
  } catch {
    return undefined;
  }
}

/** Servers are known by the authorities of the system, as without a pair. */
export const systemAuthorities = (): string[] => getCACertificates('default');

function replace(file: string, text: string, mode: number): void {
  writeFileSync(`${file}.new`, text, { mode });
  chmodSync(`${file}.new`, mode);
  renameSync(`${file}.new`, file);
}
