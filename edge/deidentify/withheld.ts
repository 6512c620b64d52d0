/** Why an object is not given out. The message names tags and kinds, never a value. */
import { GatewayError, type Retry } from '../../shared/errors.ts';

export type WithheldCode =
  /** It says itself that identity is burned in, and no mask is for it. */
  | 'BURNED_IN'
  /** Devices of its modality write into the picture, and no mask is for it. */
  | 'DEVICE_WRITES_INTO_PIXELS'
  | 'SCREEN_CAPTURE'
  | 'DOCUMENT'
  | 'VIDEO'
  /** What it shows may be the person. */
  | 'PHOTOGRAPH'
  /** A directory of a medium lists the patients on it. */
  | 'MEDIA_DIRECTORY'
  /** An overlay is hidden in unused bits of the pixels. */
  | 'OVERLAY_IN_PIXELS'
  /** A mask is for it, but its pixels are compressed, or not what their attributes say. */
  | 'MASK_NOT_APPLICABLE'
  /** No SOP class, no SOP Instance UID, or no Study Instance UID. */
  | 'UID_EMPTY'
  /** What stands in the place of one of these UIDs can't be one. */
  | 'UID_UNSAFE'
  /** Something that is known of the patient was still there. */
  | 'LEAK'
  /** A value too long to be looked through. */
  | 'UNREADABLE_VALUE'
  /** No file that can be read. */
  | 'NOT_A_FILE'
  /** Another object has the same SOP Instance UID. */
  | 'UID_CONFLICT';

export class WithheldError extends GatewayError {
  override readonly name = 'WithheldError';
  readonly code: WithheldCode;
  readonly retry: Retry = 'never';

  constructor(code: WithheldCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
