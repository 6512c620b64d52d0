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

/** Begins to read, so that what fails at once is answered by its status, not by a cut. */
export async function begun(body: AsyncGenerator<Buffer>): Promise<AsyncGenerator<Buffer>> {
  const first = await body.next();
  return (async function* () {
    if (first.done) return;
    yield first.value;
    yield* body;
  })();
}
