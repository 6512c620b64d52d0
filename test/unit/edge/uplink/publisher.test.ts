/** The order in which events reach the stream, whatever the broker refuses. */
import type { JetStreamClient } from '@nats-io/jetstream';
import t, { type Test } from 'tap';
import { Publisher } from '../../../../edge/uplink/publisher.ts';
import { OrderedEventSchema } from '../../../../shared/contract/events.ts';
import type { Log } from '../../../../shared/log.ts';
import { silentLog } from '../../../../shared/log.ts';
import { eventually } from '../../../support/eventually.ts';
import { openFilledOutbox } from './outbox-fixture.ts';

interface Sent {
  readonly subject: string;
  readonly msgID: string;
  readonly event: { readonly epoch: number; readonly seq: number; readonly kind: string };
}

/** A broker that refuses what it is told to, and knows a message id that it has taken. */
function openBroker(t: Test) {
  const taken: Sent[] = [];
  const broker = {
    taken,
    /** The most that were under way at once. */
    inFlight: 0,
    refuses: (_sent: Sent): boolean => false,
    js: { publish } as unknown as JetStreamClient,
    signal: new AbortController(),
  };
  let under = 0;
  async function publish(subject: string, text: string, { msgID }: { msgID: string }) {
    const sent: Sent = { subject, msgID, event: JSON.parse(text) as Sent['event'] };
    under += 1;
    broker.inFlight = Math.max(broker.inFlight, under);
    await new Promise((resolve) => setImmediate(resolve));
    under -= 1;
    if (broker.refuses(sent)) throw new Error('no answer');
    const duplicate = taken.some((other) => other.msgID === msgID);
    if (!duplicate) taken.push(sent);
    return { seq: taken.length, duplicate };
  }
  t.teardown(() => broker.signal.abort());
  return broker;
}

const places = (sent: readonly Sent[]): string[] =>
  sent.map(({ event }) => `${event.epoch}:${event.seq}`);

t.test('everything in order, many at once, each an event of the contract', async (t) => {
  const { outbox, fill } = openFilledOutbox(t);
  fill(0, 600);
  const broker = openBroker(t);
  const publisher = new Publisher({ trust: 'RRK', outbox, log: silentLog });
  void publisher.run(broker.js, broker.signal.signal);
  const { lastSeq, lastRow } = outbox.status();
  await eventually('all were taken', () => broker.taken.length === lastSeq);
  t.strictSame(
    places(broker.taken),
    Array.from({ length: lastSeq }, (_, at) => `1:${at + 1}`),
  );
  t.equal(broker.inFlight, 256);
  t.equal(publisher.publishedRow, lastRow);
  const [first] = broker.taken;
  t.match(first, { subject: 'cdip.edge.RRK.study', msgID: 'RRK:1:1' });
  t.doesNotThrow(() => OrderedEventSchema.parse(first?.event));

  fill(600, 601);
  await eventually(
    'a new one is told without waiting',
    () => outbox.status().lastSeq === broker.taken.length,
  );
});

t.test('a refused event is sent again, and the outage is one line of the log', async (t) => {
  const { outbox, fill } = openFilledOutbox(t);
  fill(0, 5);
  const broker = openBroker(t);
  let refusals = 0;
  broker.refuses = ({ event }) => {
    if (event.seq < 3 || refusals >= 8) return false;
    refusals += 1;
    return true;
  };
  const said: unknown[] = [];
  const log: Log = { ...silentLog, warn: (event, fields) => void said.push({ event, ...fields }) };
  void new Publisher({ trust: 'RRK', outbox, log }).run(broker.js, broker.signal.signal);
  await eventually('all were taken', () => broker.taken.length === outbox.status().lastSeq);
  t.strictSame(
    places(broker.taken),
    Array.from({ length: outbox.status().lastSeq }, (_, at) => `1:${at + 1}`),
  );
  t.match(said, [{ event: 'uplink.publish-failed', seq: 3, kind: 'study' }]);
  t.equal(said.length, 1);
});

t.test(
  'one lost between others begins an epoch there: a hub never meets the wrong order',
  async (t) => {
    const { outbox, fill } = openFilledOutbox(t);
    fill(0, 6);
    const last = outbox.status().lastSeq;
    const broker = openBroker(t);
    broker.refuses = ({ event }) => event.epoch === 1 && event.seq === 3;
    void new Publisher({ trust: 'RRK', outbox, log: silentLog }).run(
      broker.js,
      broker.signal.signal,
    );
    await eventually('told again', () => places(broker.taken).includes(`2:${last - 2}`));
    // As a hub applies them: the next of the epoch, or the first of a higher one.
    let at = { epoch: 1, seq: 0 };
    let applied = 0;
    for (const { event } of broker.taken) {
      const isNext = event.epoch === at.epoch && event.seq === at.seq + 1;
      if (!isNext && !(event.epoch > at.epoch && event.seq === 1)) continue;
      at = event;
      applied += 1;
    }
    t.equal(applied, last, 'every event once');
  },
);

t.test('a new connection begins with what no hub is known to have', async (t) => {
  const { outbox, fill } = openFilledOutbox(t);
  fill(0, 3);
  const publisher = new Publisher({ trust: 'RRK', outbox, log: silentLog });
  const first = openBroker(t);
  const running = publisher.run(first.js, first.signal.signal);
  await eventually('told', () => first.taken.length === outbox.status().lastSeq);
  first.signal.abort();
  await running;
  outbox.commitThrough(1, 1);
  const second = openBroker(t);
  void publisher.run(second.js, second.signal.signal);
  await eventually('told again', () => second.taken.length === outbox.status().lastSeq - 1);
  t.equal(places(second.taken)[0], '1:2');
});
