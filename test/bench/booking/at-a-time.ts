/** Does something `count` times, `most` of them at once. @returns what each gave, in order */
export async function atATime<T>(
  count: number,
  most: number,
  work: (at: number) => Promise<T>,
): Promise<T[]> {
  const results: T[] = [];
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < count) {
      const at = next;
      next += 1;
      results[at] = await work(at);
    }
  };
  await Promise.all(Array.from({ length: most }, worker));
  return results;
}
