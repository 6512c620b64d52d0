/**
 * The one shape every expected failure takes, so that a log line, an HTTP answer, a DIMSE
 * status and a retry decision can all be made from `code` and `retry`, never from the words
 * of a message.
 */

/**
 * Whether doing the same thing again can help.
 *
 * - `safe`   — nothing was done; try again after a backoff
 * - `unsure` — the peer may have acted; try again only if the step is idempotent
 * - `never`  — the input itself is refused; a person has to look
 */
export type Retry = 'safe' | 'unsure' | 'never';

/** Base of all expected failures. Anything else that is thrown is a bug. */
export abstract class GatewayError extends Error {
  abstract readonly code: string;
  abstract readonly retry: Retry;
}

/** The `code` of an expected failure, a Node system error's code, or `BUG`. Safe to log: never a message. */
export function codeOf(error: unknown): string {
  if (error instanceof GatewayError) return error.code;
  const code = (error as NodeJS.ErrnoException | undefined)?.code;
  return typeof code === 'string' ? code : 'BUG';
}
