/**
 * A destination as a delivery sees it: an association that stores, and a question of what is there.
 * dimse-destination.ts gives it over DICOM.
 */
import type { Readable } from 'node:stream';
import { GatewayError } from '../../shared/errors.ts';
import type { Peer } from '../config.ts';

/** A SOP class in one transfer syntax. PS3.8 §7.1.1.13. */
export interface StoreContext {
  readonly sopClassUID: string;
  readonly transferSyntaxUID: string;
}

/** PS3.8 §9.3.2.2: identifiers are odd numbers from 1 to 255. */
export const MAX_CONTEXTS = 128;

export interface ObjectToStore extends StoreContext {
  readonly sopInstanceUID: string;
  readonly dataSetBytes: number;
}

/** Why no answer came, where that says nothing of the object: it is never given up for it. */
export abstract class DestinationError extends GatewayError {
  /** The destination takes nothing at all now; false: another object may have more luck. */
  abstract readonly isDown: boolean;
}

export interface StoreAssociation {
  /** So many stores may be unanswered at once. PS3.7 D.3.3.3. */
  readonly window: number;
  accepts(context: StoreContext): boolean;
  /**
   * @returns the status that the destination answered
   * @throws GatewayError, a DestinationError where the object can't be at fault, when no answer came; the association
   *   must then be aborted
   */
  store(object: ObjectToStore, dataSet: () => Readable): Promise<number>;
  release(): Promise<void>;
  abort(): void;
}

/** What a destination says it holds of a study. */
export type Holding =
  | { readonly kind: 'instances'; readonly sopInstanceUIDs: ReadonlySet<string> }
  | { readonly kind: 'count'; readonly instances: number }
  /** It answers no such question. */
  | { readonly kind: 'unknown'; readonly code: string };

export interface Destinations {
  /** @throws GatewayError when the peer can't be reached, or refuses */
  open(
    peer: Peer,
    contexts: readonly StoreContext[],
    signal: AbortSignal,
  ): Promise<StoreAssociation>;
  /** @throws GatewayError when the peer can't be reached */
  holding(
    peer: Peer,
    study: { studyInstanceUID: string; seriesInstanceUIDs: readonly string[] },
    signal: AbortSignal,
  ): Promise<Holding>;
}
