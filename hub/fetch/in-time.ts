/** Nobody who asks waits for ever: what they wait for goes on without them. */

/** Resolves when `done` does, or after `ms`. */
export async function within(ms: number, done: Promise<void>): Promise<void> {
  await inTime(done, ms, () => undefined);
}

/** As `work` ends; or, when it has not ended after `ms`, what `late` gives or throws. */
export async function inTime<T>(work: Promise<T>, ms: number, late: () => T): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const lateness = new Promise<T>((resolve, reject) => {
    timer = setTimeout(() => {
      try {
        resolve(late());
      } catch (error) {
        reject(error);
      }
    }, ms);
  });
  try {
    return await Promise.race([work, lateness]);
  } finally {
    clearTimeout(timer);
  }
}
