/** The spool could not take or give an object's bytes. */
import { GatewayError, type Retry } from '../../shared/errors.ts';

export type SpoolErrorCode =
  /** The free space that `storage.reserveBytes` keeps is reached. */
  | 'SPOOL_RESERVE'
  /** The disk is full although the reserve was not reached: something else filled it. */
  | 'SPOOL_FULL'
  /** The disk failed; the system's code is in `cause`. */
  | 'SPOOL_IO'
  /** The file of an indexed object is gone. */
  | 'SPOOL_MISSING'
  /** The bytes of a file are not those that were received. */
  | 'SPOOL_CORRUPT';

export class SpoolError extends GatewayError {
  override readonly name = 'SpoolError';
  readonly code: SpoolErrorCode;
  readonly retry: Retry;

  constructor(code: SpoolErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
    this.retry = code === 'SPOOL_MISSING' || code === 'SPOOL_CORRUPT' ? 'never' : 'safe';
  }
}

/** Wraps what a file operation threw. */
export function spoolErrorOf(cause: unknown): SpoolError {
  if (cause instanceof SpoolError) return cause;
  const code = (cause as NodeJS.ErrnoException | undefined)?.code;
  if (code === 'ENOSPC' || code === 'EDQUOT')
    return new SpoolError('SPOOL_FULL', 'the disk is full', { cause });
  return new SpoolError('SPOOL_IO', `the disk failed: ${code ?? 'unknown'}`, { cause });
}
