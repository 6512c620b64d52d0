/**
 * What stands in the place of identities: always the same for the same within a project, and of no use to
 * whoever does not have the project's key.
 *
 *   HMAC-SHA-256(key, kind ‖ value) ─► UID, Patient ID, accession number, days
 *
 * Never a plain digest: all NHS numbers can be tried in a minute.
 */
import { createHmac } from 'node:crypto';

export const KEY_BYTES = 32;
const MAX_SHIFT_DAYS = 730;
const KEPT = 20_000;
const REGISTERED = /^1\.2\.840\.10008(\.\d{1,5})+$/;
/** Crockford's: no letter that is read as a digit. */
const BASE32 = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';

export class Pseudonyms {
  readonly #key: Buffer;
  /** Every object of a series repeats the same few. */
  readonly #uids = new Map<string, string>();
  readonly #digests = new Map<string, Buffer>();

  /** @param key of the project, {@link KEY_BYTES} bytes */
  constructor(key: Buffer) {
    if (key.length !== KEY_BYTES) throw new Error(`a project key has ${KEY_BYTES} bytes`);
    this.#key = key;
  }

  /** Of the form 2.25.<128 bits>. PS3.5 §B.2. UIDs that the standard itself registers stay. */
  uid(original: string): string {
    if (original === '' || REGISTERED.test(original)) return original;
    const known = this.#uids.get(original);
    if (known !== undefined) return known;
    const bytes = this.#hmac(`uid\0${original}`).subarray(0, 16);
    // The marks of a UUID, version 8: made by a rule of one's own. RFC 9562 §5.8.
    bytes.writeUInt8(((bytes[6] ?? 0) & 0x0f) | 0x80, 6);
    bytes.writeUInt8(((bytes[8] ?? 0) & 0x3f) | 0x80, 8);
    const uid = `2.25.${BigInt(`0x${bytes.toString('hex')}`)}`;
    if (this.#uids.size > KEPT) this.#uids.clear();
    this.#uids.set(original, uid);
    return uid;
  }

  /** 16 characters, which fit every identifier of DICOM. */
  identifier(
    kind: 'patient' | 'accession' | 'study-id' | 'device' | 'file' | 'project',
    original: string,
  ): string {
    const digest = this.#digest(kind, original);
    return Array.from(digest.subarray(0, 16), (byte) => BASE32[byte & 31]).join('');
  }

  /** By how many whole days all dates of a patient lie earlier: 1 to 730. */
  shiftDays(patient: string): number {
    return 1 + (this.#digest('days', patient).readUInt32BE(0) % MAX_SHIFT_DAYS);
  }

  /** To be read only. */
  #digest(kind: string, original: string): Buffer {
    const text = `${kind}\0${original}`;
    const known = this.#digests.get(text);
    if (known !== undefined) return known;
    const digest = this.#hmac(text);
    if (this.#digests.size > KEPT) this.#digests.clear();
    this.#digests.set(text, digest);
    return digest;
  }

  #hmac(text: string): Buffer {
    return createHmac('sha256', this.#key).update(text).digest();
  }
}
