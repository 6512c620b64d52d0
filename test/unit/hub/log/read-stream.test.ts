/** Reading a stream over a broker that breaks off, begins anew, or comes back without its last messages. */
import type { JetStreamClient } from '@nats-io/jetstream';
import t from 'tap';
import type { StreamState } from '../../../../hub/log/network-log.ts';
import { readStream } from '../../../../hub/log/read-stream.ts';
import { codeOf } from '../../../../shared/errors.ts';

const CREATED = '2026-01-01T00:00:00Z';

/** A stream of `held` messages; the reading breaks off after each `chunk`. */
function openStream(held: number, chunk: number) {
  const asked: number[] = [];
  const stream = {
    asked,
    held,
    state: async (): Promise<StreamState> => ({
      created: CREATED,
      firstSeq: 1,
      lastSeq: stream.held,
    }),
    js: {
      consumers: {
        get: async (_name: string, { opt_start_seq: from }: { opt_start_seq: number }) => {
          asked.push(from);
          return { consume: async () => messagesFrom(from) };
        },
      },
    } as unknown as JetStreamClient,
  };
  function messagesFrom(from: number) {
    let stop = (): void => {};
    const stopped = new Promise<void>((resolve) => {
      stop = resolve;
    });
    return {
      stop: () => stop(),
      close: async () => stop(),
      async *[Symbol.asyncIterator]() {
        const through = Math.min(stream.held, from + chunk - 1);
        for (let seq = from; seq <= through; seq += 1)
          yield { subject: 's', seq, data: Buffer.from(''), info: { timestampNanos: 0 } };
        if (through === stream.held) await stopped;
      },
    };
  }
  return stream;
}

t.test('a reading that breaks off goes on behind the last message', async (t) => {
  const stream = openStream(7, 3);
  const ending = new AbortController();
  const options = { stream: 'EDGE_RRK', created: CREATED, fromSeq: 1, signal: ending.signal };
  const read: number[] = [];
  for await (const { streamSeq } of readStream({ ...stream, ...options })) {
    read.push(streamSeq);
    if (streamSeq === 7) ending.abort();
  }
  t.strictSame(read, [1, 2, 3, 4, 5, 6, 7]);
  t.strictSame(stream.asked, [1, 4, 7]);
});

t.test(
  'a stream that came back without its end is another one: its numbers come again',
  async (t) => {
    const stream = openStream(5, 10);
    const options = { stream: 'EDGE_RRK', created: CREATED, fromSeq: 1 };
    const read: number[] = [];
    const reading = (async (): Promise<string> => {
      const { signal } = new AbortController();
      try {
        for await (const { streamSeq } of readStream({ ...stream, ...options, signal })) {
          read.push(streamSeq);
          // What a power cut leaves of a store that is synced now and then.
          if (streamSeq === 5) stream.held = 3;
        }
        return 'ended';
      } catch (error) {
        return codeOf(error);
      }
    })();
    // The looking does not keep a program alive; a hub's connection does.
    const alive = setInterval(() => {}, 1_000);
    t.teardown(() => clearInterval(alive));
    t.equal(await reading, 'LOG_STREAM_CHANGED');
    t.strictSame(read, [1, 2, 3, 4, 5]);
  },
);
