/** Something that is given damaged bytes. */
import type { Dice } from './mutate.ts';

export interface Target {
  readonly name: string;
  /** What is damaged; at least one. */
  readonly seeds: readonly Buffer[];
  /**
   * Takes the bytes in. May throw, or reject with, a GatewayError; anything else is a bug.
   *
   * @returns what it was not allowed to be, when that did not show as an error
   */
  take(bytes: Buffer, dice: Dice): Promise<unknown> | unknown;
}
