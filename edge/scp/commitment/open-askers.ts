/**
 * Who asked for commitment over an association that may still be open: his result goes back over it first.
 * PS3.4 §J.3.3.
 */
import type { OperationLink } from '../../dimse/service.ts';
import type { Commitment } from './commitments.ts';

/** The way back. */
export interface Asker {
  readonly ask: OperationLink['ask'];
  readonly transferSyntaxUID: string;
}

type Key = Pick<Commitment, 'transactionUID' | 'callingAETitle'>;

/** More than are told within a second are told over associations of ours. */
const MAX_KEPT = 1_000;

export class OpenAskers {
  readonly #askers = new Map<string, Asker>();

  add(commitment: Key, asker: Asker): void {
    this.#askers.set(keyOf(commitment), asker);
    const [oldest] = this.#askers.keys();
    if (this.#askers.size > MAX_KEPT && oldest !== undefined) this.#askers.delete(oldest);
  }

  /** Once: whoever does not answer is called over an association of ours from then on. */
  take(commitment: Key): Asker | undefined {
    const key = keyOf(commitment);
    const asker = this.#askers.get(key);
    this.#askers.delete(key);
    return asker;
  }
}

const keyOf = ({ transactionUID, callingAETitle }: Key): string =>
  `${transactionUID} ${callingAETitle}`;
