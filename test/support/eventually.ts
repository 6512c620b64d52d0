/** Waiting for what will be true soon, without guessing how soon. */

/**
 * Calls `probe` until it gives something other than false, null or undefined.
 *
 * @param what named in the error when it never does
 * @throws the probe's own last error as the cause, after `timeoutMs`
 */
export async function eventually<T>(
  what: string,
  probe: () => T | Promise<T>,
  { timeoutMs = 20_000, everyMs = 50 }: { timeoutMs?: number; everyMs?: number } = {},
): Promise<Exclude<T, false | null | undefined>> {
  const until = performance.now() + timeoutMs;
  let cause: unknown;
  for (;;) {
    try {
      const value = await probe();
      if (value !== false && value !== null && value !== undefined) {
        return value as Exclude<T, false | null | undefined>;
      }
      cause = undefined;
    } catch (error) {
      cause = error;
    }
    if (performance.now() > until) {
      const last = cause instanceof Error ? `: ${cause.message}` : '';
      throw new Error(`not within ${timeoutMs} ms: ${what}${last}`, { cause });
    }
    await new Promise((resolve) => setTimeout(resolve, everyMs));
  }
}
