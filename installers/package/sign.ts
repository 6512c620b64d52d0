/**
 * Signs packages: Ed25519 over the whole file, 64 bytes beside it as FILE.deb.sig. The public half goes into the package,
 * so that whoever installs the next one can tell whose it is.
 *
 * Also by hand: `openssl pkeyutl -verify -rawin -pubin -inkey release.pem -in FILE.deb -sigfile FILE.deb.sig`.
 */
import { createPrivateKey, createPublicKey, sign } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';

export interface Signer {
  /** PEM. */
  readonly publicKey: string;
  /** @returns the path of the signature */
  sign(file: string): string;
}

/** @param file PEM of a private key, as `openssl genpkey -algorithm ed25519` makes it @throws for any other key */
export function openSigner(file: string): Signer {
  const key = createPrivateKey(readFileSync(file));
  if (key.asymmetricKeyType !== 'ed25519') throw new Error(`${file} is no Ed25519 key`);
  return {
    publicKey: createPublicKey(key).export({ format: 'pem', type: 'spki' }).toString(),
    sign(deb) {
      const signature = `${deb}.sig`;
      writeFileSync(signature, sign(null, readFileSync(deb), key));
      return signature;
    },
  };
}
