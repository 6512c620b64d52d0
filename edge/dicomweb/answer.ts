/** What a DICOMweb request is answered with, before it is HTTP. */

export interface WebAnswer {
  readonly status: number;
  readonly contentType: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body: Buffer | string | AsyncGenerator<Buffer>;
}

/** PS3.18 §8.5: what stands beside an answer that is not all of it. */
export const warning = (text: string): Readonly<Record<string, string>> => ({
  warning: `299 cdip "${text}"`,
});

/** Begins to read, so that what fails at once is answered by its status, not by a cut. What is never read on is closed. */
export async function begun(body: AsyncGenerator<Buffer>): Promise<AsyncGenerator<Buffer>> {
  let first: IteratorResult<Buffer> | undefined = await body.next();
  const ahead: AsyncGenerator<Buffer> = {
    next: async () => {
      const one = first;
      first = undefined;
      return one ?? body.next();
    },
    return: (value) => body.return(value),
    throw: (error) => body.throw(error),
    [Symbol.asyncIterator]: () => ahead,
    [Symbol.asyncDispose]: async () => void (await body.return(undefined)),
  };
  return ahead;
}
