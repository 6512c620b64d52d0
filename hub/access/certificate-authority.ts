/**
 * The hub's own certificate authority: short certificates for the keys that edges made themselves. RFC 5280, with
 * Ed25519 (RFC 8410).
 *
 *   an edge's nkey, until its key ends ─► certificate, CN the ODS code ─► TLS of other edges and of the broker
 *
 * It names no host and vouches for no server: it says which edge a client is. The authority's key is in access.sqlite.
 */
import {
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  randomBytes,
  sign,
} from 'node:crypto';
import type { Clock } from '../../shared/clock.ts';
import { commitDurably, type Sqlite } from '../../shared/sqlite/open.ts';
import { bitString, der, integer, octets, oid, sequence, set, TRUE, time, utf8 } from './der.ts';

const AUTHORITY_MS = 20 * 365 * 86_400_000;
/** A clock of an edge may be behind by so much. */
const BEFORE_MS = 3_600_000;
const ED25519 = sequence(oid('1.3.101.112'));
const CLIENT_AUTH = oid('1.3.6.1.5.5.7.3.2');

export interface CertificateAuthority {
  /** PEM. */
  readonly certificate: string;
  /**
   * @param name of the subject: an ODS code, or HUB
   * @param endsAt milliseconds since the epoch
   * @returns PEM
   */
  issue(name: string, key: KeyObject, endsAt: number): string;
}

/** Makes the authority when there is none. */
export function openCertificateAuthority(db: Sqlite, clock: Clock): CertificateAuthority {
  const row = (db.prepare('SELECT key, certificate FROM authority').get() ?? make(db, clock)) as {
    key: string;
    certificate: string;
  };
  const privateKey = createPrivateKey(row.key);
  const issuer = { name: 'cdip hub', key: createPublicKey(privateKey), privateKey };
  return {
    certificate: row.certificate,
    issue: (name, key, endsAt) =>
      certificate({ name, key }, issuer, {
        from: clock.now() - BEFORE_MS,
        to: endsAt,
        extensions: [
          extension('2.5.29.19', sequence(), true),
          // digitalSignature
          extension('2.5.29.15', bitString(Buffer.from([0x80]), 7), true),
          extension('2.5.29.37', sequence(CLIENT_AUTH)),
        ],
      }),
  };
}

function make(db: Sqlite, clock: Clock): { key: string; certificate: string } {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519');
  const issuer = { name: 'cdip hub', key: publicKey, privateKey };
  const made = {
    key: privateKey.export({ type: 'pkcs8', format: 'pem' }) as string,
    certificate: certificate(issuer, issuer, {
      ...{ from: clock.now() - BEFORE_MS, to: clock.now() + AUTHORITY_MS },
      extensions: [
        extension('2.5.29.19', sequence(TRUE), true),
        // keyCertSign
        extension('2.5.29.15', bitString(Buffer.from([0x04]), 2), true),
      ],
    }),
  };
  commitDurably(db, () =>
    db.prepare('INSERT INTO authority VALUES (1, ?, ?)').run(made.key, made.certificate),
  );
  return made;
}

interface Party {
  readonly name: string;
  readonly key: KeyObject;
}

function certificate(
  subject: Party,
  issuer: Party & { readonly privateKey: KeyObject },
  { from, to, extensions }: { from: number; to: number; extensions: readonly Buffer[] },
): string {
  const tbs = sequence(
    der(0xa0, integer(Buffer.from([2]))),
    integer(randomBytes(16)),
    ED25519,
    nameOf(issuer.name),
    sequence(time(from), time(to)),
    nameOf(subject.name),
    subject.key.export({ type: 'spki', format: 'der' }),
    der(
      0xa3,
      sequence(
        ...extensions,
        extension('2.5.29.14', octets(keyId(subject.key))),
        extension('2.5.29.35', sequence(der(0x80, keyId(issuer.key)))),
      ),
    ),
  );
  const whole = sequence(tbs, ED25519, bitString(sign(null, tbs, issuer.privateKey)));
  const lines = whole.toString('base64').match(/.{1,64}/g) ?? [];
  return `-----BEGIN CERTIFICATE-----\n${lines.join('\n')}\n-----END CERTIFICATE-----\n`;
}

const nameOf = (name: string): Buffer => sequence(set(sequence(oid('2.5.4.3'), utf8(name))));

const extension = (id: string, value: Buffer, isCritical = false): Buffer =>
  sequence(oid(id), ...(isCritical ? [TRUE] : []), octets(value));

/** RFC 5280 §4.2.1.2; no secret. */
const keyId = (key: KeyObject): Buffer =>
  createHash('sha1')
    .update(key.export({ type: 'spki', format: 'der' }).subarray(12))
    .digest();
