/** An edge that is asked by the relay, and stops half way. */

import { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import t, { type Test } from 'tap';
import { EdgeCaller } from '../../../../hub/dicomweb/call-edge.ts';
import { systemClock } from '../../../../shared/clock.ts';

const PATIENCE_MS = 200;

/** Of a trust that lets nobody in. @param chunks what comes of its answer */
async function answered(t: Test, chunks: AsyncIterable<Buffer>): Promise<AsyncIterable<Buffer>> {
  const caller = new EdgeCaller({
    urlOf: () => 'http://127.0.0.1:9',
    tickets: { sign: async () => 'ticket' } as never,
    clock: systemClock,
    relay: {
      waiting: { count: () => 1 },
      pass: async () => ({
        ...{ status: 200, contentType: 'application/octet-stream', headers: {} },
        body: Readable.from(chunks, { objectMode: false }),
      }),
    } as never,
    answerMs: PATIENCE_MS,
  });
  t.teardown(() => caller.close());
  const about = { trust: 'RJE', studyInstanceUID: '2.999.1', home: 'RJE', path: '/dicom-web/x' };
  const { body } = await caller.call({
    ...about,
    headers: {},
    signal: new AbortController().signal,
  });
  return body;
}

t.test('an answer of which nothing more comes is ended, and says whose it was', async (t) => {
  const body = await answered(
    t,
    (async function* () {
      yield Buffer.from('first');
      await sleep(PATIENCE_MS * 10);
    })(),
  );
  const got: string[] = [];
  const read = async (): Promise<void> => {
    for await (const chunk of body) got.push(chunk.toString());
  };
  await t.rejects(read(), { code: 'EDGE_SLOW', message: /RJE/ });
  t.strictSame(got, ['first']);
});

t.test('whoever reads slowly is not taken for a slow edge', async (t) => {
  const body = await answered(
    t,
    (async function* () {
      for (let at = 0; at < 4; at += 1) yield Buffer.alloc(256 * 1024, at);
    })(),
  );
  let bytes = 0;
  for await (const chunk of body) {
    bytes += chunk.length;
    await sleep(PATIENCE_MS * 1.5);
  }
  t.equal(bytes, 1024 * 1024);
});
