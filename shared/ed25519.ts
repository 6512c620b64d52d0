/**
 * nkeys of NATS as Ed25519 keys (RFC 8410) of node:crypto, which signs a hundred times faster than the nkeys
 * library; that one's first key costs a starting program 0.1 s of processor time.
 *
 * An nkey in text is base32 (RFC 4648 §6, without padding) of: prefix, 32 bytes of key, CRC-16.
 */
import { createPrivateKey, createPublicKey, type KeyObject, sign } from 'node:crypto';
import { fromSeed } from '@nats-io/nkeys';
import type { Authenticator } from '@nats-io/transport-node';

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';
const KEY_BYTES = 32;
/** `U` in base32. */
const USER_PREFIX = 20 << 3;
/** PrivateKeyInfo of Ed25519 up to the seed. RFC 8410 §7. */
const PRIVATE_HEAD = Buffer.from('302e020100300506032b657004220420', 'hex');
/** SubjectPublicKeyInfo of Ed25519 up to the key. RFC 8410 §4. */
const PUBLIC_HEAD = Buffer.from('302a300506032b6570032100', 'hex');

/** @param seed an nkey's, as text (`SU…`) @throws NKeysError when it is none */
export function keyOfSeed(seed: Uint8Array): KeyObject {
  // Its type does not name what every pair has.
  const pair = fromSeed(seed) as unknown as { getRawSeed(): Uint8Array };
  const key = Buffer.concat([PRIVATE_HEAD, pair.getRawSeed()]);
  return createPrivateKey({ key, format: 'der', type: 'pkcs8' });
}

/** @param key a user's @returns its nkey in text, `U…` */
export function nkeyOf(key: KeyObject): string {
  const spki = createPublicKey(key).export({ format: 'der', type: 'spki' });
  const bytes = Buffer.concat([Buffer.of(USER_PREFIX), spki.subarray(PUBLIC_HEAD.length)]);
  const checksum = Buffer.alloc(2);
  checksum.writeUInt16LE(crc16(bytes));
  return toBase32(Buffer.concat([bytes, checksum]));
}

/** Signs the server's nonce, as the library's authenticator of this name does. @throws NKeysError */
export function nkeyAuthenticator(seed: Uint8Array): Authenticator {
  const key = keyOfSeed(seed);
  const nkey = nkeyOf(key);
  return (nonce) => ({
    nkey,
    sig: nonce === undefined ? '' : sign(null, Buffer.from(nonce), key).toString('base64'),
  });
}

/** @param nkey of a user (`U…`), already known to be one */
export function publicKeyOf(nkey: string): KeyObject {
  const key = Buffer.concat([PUBLIC_HEAD, fromBase32(nkey).subarray(1, 1 + KEY_BYTES)]);
  return createPublicKey({ key, format: 'der', type: 'spki' });
}

/** CRC-16/XMODEM: polynomial 1021H, from 0. */
function crc16(bytes: Buffer): number {
  let crc = 0;
  for (const byte of bytes) {
    crc ^= byte << 8;
    for (let bit = 0; bit < 8; bit += 1) crc = ((crc << 1) ^ (crc & 0x8000 ? 0x1021 : 0)) & 0xffff;
  }
  return crc;
}

/** Of a length that fills its last letter: 35 bytes are 56. */
function toBase32(bytes: Buffer): string {
  const bits = [...bytes].map((byte) => byte.toString(2).padStart(8, '0')).join('');
  return bits.replaceAll(/.{5}/g, (five) => ALPHABET[Number.parseInt(five, 2)] ?? '');
}

function fromBase32(text: string): Buffer {
  const bytes: number[] = [];
  let [bits, value] = [0, 0];
  for (const letter of text) {
    value = ((value << 5) | ALPHABET.indexOf(letter)) & 0xfff;
    bits += 5;
    if (bits < 8) continue;
    bits -= 8;
    bytes.push((value >> bits) & 0xff);
  }
  return Buffer.from(bytes);
}
