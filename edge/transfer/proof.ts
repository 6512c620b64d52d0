/**
 * The proof that a ticket is presented by the edge that it was made out to. RFC 9449 in form;
 * shared/contract/ticket.ts.
 *
 *   our seed, ticket, method, address ─► Prove ─► header ─► verifyProof ◄─ ticket's cnf
 */
import { createHash, type KeyObject, randomUUID } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { CompactSign, compactVerify } from 'jose';
import { PROOF_TYPE, ProofSchema } from '../../shared/contract/ticket.ts';
import { keyOfSeed, publicKeyOf } from '../../shared/ed25519.ts';

export interface Presented {
  readonly ticket: string;
  readonly method: string;
  /** URL or path, with its query. */
  readonly url: string;
}

/** Makes proofs. @throws a Node system error when there is no key */
export type Prove = (presented: Presented) => Promise<string>;

/** @param key that is to be used now */
export function proverWith(key: () => KeyObject): Prove {
  return async (presented) => {
    const claims = { jti: randomUUID(), ...claimsOf(presented) };
    return new CompactSign(Buffer.from(JSON.stringify(claims)))
      .setProtectedHeader({ alg: 'EdDSA', typ: PROOF_TYPE })
      .sign(key());
  };
}

/** With the edge's own key, which is read again when its file was written anew. */
export function proverWithFile(file: string): Prove {
  let known: { readonly writtenMs: number; readonly key: KeyObject } | undefined;
  return proverWith(() => {
    const writtenMs = statSync(file).mtimeMs;
    if (known?.writtenMs !== writtenMs) known = { writtenMs, key: keyOfSeed(readFileSync(file)) };
    return known.key;
  });
}

/** @param nkey whose proof it has to be @returns the proof's own id; null: it proves nothing of this request */
export async function verifyProof(
  proof: string,
  presented: Presented,
  nkey: string,
): Promise<string | null> {
  try {
    const { payload, protectedHeader } = await compactVerify(proof, publicKeyOf(nkey), {
      algorithms: ['EdDSA'],
    });
    if (protectedHeader.typ !== PROOF_TYPE) return null;
    const { jti, ...said } = ProofSchema.parse(JSON.parse(Buffer.from(payload).toString('utf8')));
    const asked = claimsOf(presented);
    const isOfThis = said.htm === asked.htm && said.htu === asked.htu && said.ath === asked.ath;
    return isOfThis ? jti : null;
  } catch {
    return null;
  }
}

function claimsOf({ ticket, method, url }: Presented): { htm: string; htu: string; ath: string } {
  const at = url.indexOf('/transfer/v1/');
  return {
    htm: method,
    htu: at < 0 ? url : url.slice(at),
    ath: createHash('sha256').update(ticket).digest('base64url'),
  };
}
