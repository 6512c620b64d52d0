/**
 * Command sets over PDVs: together from fragments, apart into them. PS3.7 §6.3.1, PS3.8 Annex E.
 */
import type { Pdv } from '../ul/association.ts';
import { type CommandSet, DimseError, decodeCommand } from './command-set.ts';

/** Real ones have some 200 bytes. */
const MAX_COMMAND_BYTES = 65_536;

/** Holds the command that is coming, never more than 64 KB of it. */
export class CommandAssembler {
  #fragments: Buffer[] = [];
  #bytes = 0;

  /**
   * @returns the command, with its last fragment
   * @throws DimseError `COMMAND_MALFORMED`
   */
  take({ isLast, bytes }: Pdv): CommandSet | undefined {
    this.#bytes += bytes.length;
    if (this.#bytes > MAX_COMMAND_BYTES)
      throw new DimseError('COMMAND_MALFORMED', `a command set of more than ${this.#bytes} bytes`);
    if (bytes.length > 0) this.#fragments.push(bytes);
    if (!isLast) return undefined;
    const whole = Buffer.concat(this.#fragments);
    this.#fragments = [];
    this.#bytes = 0;
    return decodeCommand(whole);
  }
}

/** What goes out, in PDVs that the peer takes. */
export interface Outgoing {
  readonly contextId: number;
  readonly isCommand: boolean;
  readonly bytes: Buffer;
}

/** A whole command set or data set, in as many PDVs as it takes. */
export function pdvsOf({ contextId, isCommand, bytes }: Outgoing, maxPdvBytes: number): Pdv[] {
  const pdvs: Pdv[] = [];
  for (let at = 0; at === 0 || at < bytes.length; at += maxPdvBytes) {
    const isLast = at + maxPdvBytes >= bytes.length;
    pdvs.push({ contextId, isCommand, isLast, bytes: bytes.subarray(at, at + maxPdvBytes) });
  }
  return pdvs;
}
