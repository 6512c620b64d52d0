/** Why an object can not come into the collection now. */
import { GatewayError, type Retry } from '../../shared/errors.ts';

export class CollectionError extends GatewayError {
  override readonly name = 'CollectionError';
  readonly retry: Retry = 'safe';
  readonly code = 'UID_CONFLICT';
}
