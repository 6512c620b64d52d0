/**
 * Keys that stand for patients. HMAC-SHA-256 under a secret of this hub: the same person has the same key
 * in every fact, nobody outside can tell from a key who it is, and each purpose of secondary use has keys of
 * its own, so that two extracts can't be joined. BI-04.
 */
import { createHmac, randomBytes } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { codeOf } from '../../shared/errors.ts';

const KEY_CHARACTERS = 22;

export class Pseudonyms {
  readonly #secret: Buffer;

  constructor(secret: Buffer) {
    this.#secret = secret;
  }

  ofPatient(trust: string, { patientId, issuer }: { patientId: string; issuer: string }): string {
    return this.#key(`patient\n${trust}\n${issuer}\n${patientId}`);
  }

  ofNhsNumber(nhsNumber: string | null): string | null {
    return nhsNumber === null ? null : this.#key(`nhs\n${nhsNumber}`);
  }

  /** Under which the keys of one purpose are made of the keys kept here. */
  secretOfPurpose(purpose: string): string {
    return this.#key(`purpose\n${purpose}`);
  }

  #key(text: string): string {
    return createHmac('sha256', this.#secret)
      .update(text)
      .digest('base64url')
      .slice(0, KEY_CHARACTERS);
  }
}

/** The secret lies beside the facts and never leaves the machine; without it they can't be told from new ones. */
export function openPseudonyms(directory: string): Pseudonyms {
  const file = join(directory, 'pseudonyms.key');
  try {
    return new Pseudonyms(Buffer.from(readFileSync(file, 'utf8').trim(), 'hex'));
  } catch (error) {
    if (codeOf(error) !== 'ENOENT') throw error;
  }
  const secret = randomBytes(32);
  writeFileSync(file, `${secret.toString('hex')}\n`, { mode: 0o600, flag: 'wx' });
  return new Pseudonyms(secret);
}
