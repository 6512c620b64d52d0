/** Why a build is not here yet. */
import { GatewayError, type Retry } from '../../shared/errors.ts';

export type UpgradeErrorCode =
  /** The hub does not answer, or broke off. */
  | 'HUB_NOT_REACHED'
  /** The hub has no such build: it is another hub of the network, or it was taken away. */
  | 'RELEASE_NOT_THERE'
  /** What came is not what was told of. */
  | 'RELEASE_DAMAGED'
  /** Images come first: the reserve is theirs. */
  | 'UPGRADE_NO_SPACE';

export class UpgradeError extends GatewayError {
  override readonly name = 'UpgradeError';
  readonly retry: Retry = 'safe';
  readonly code: UpgradeErrorCode;

  constructor(code: UpgradeErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
