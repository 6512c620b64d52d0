/** Every message answered is kept once, over kill -9 and a sender that sends all of it again. HL-04. */
import t from 'tap';
import { startEdge } from '../support/edge.ts';
import { replayAll } from '../support/hl7-replay.ts';

t.test(
  'a replay of 20,000 messages loses none and doubles none',
  { timeout: 600_000 },
  async (t) => {
    const edge = await startEdge({ directory: t.testdir(), trust: 'RRK' });
    t.teardown(() => edge.stop());
    const outcome = await replayAll(edge, 20_000);
    t.comment(JSON.stringify(outcome));
    t.match(outcome, { count: 20_000, lost: 0, doubled: 0 });
  },
);
