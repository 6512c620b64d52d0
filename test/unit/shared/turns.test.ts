/** Who goes first at a destination, and that nobody waits for ever. edge/deliver/turns.ts. */
import t from 'tap';
import { Turns } from '../../../shared/turns.ts';

const MEGABYTE = 1_048_576;
const [IMMEDIATE, URGENT, SCHEDULED, BULK] = [0, 1, 2, 3] as const;

/** Bytes sent by priority when these wait all the time, a megabyte an object. */
function shares(turns: Turns, waiting: readonly number[], megabytes: number): number[] {
  const sent = [0, 0, 0, 0];
  let priority: number | undefined;
  for (let count = 0; count < megabytes; count += 1) {
    if (priority === undefined || turns.isOver(priority, waiting)) priority = turns.next(waiting);
    turns.count(priority, MEGABYTE);
    sent[priority] = (sent[priority] ?? 0) + 1;
  }
  return sent;
}

t.test('the more urgent go first', async (t) => {
  const turns = new Turns();
  t.equal(turns.next([BULK, URGENT, SCHEDULED]), URGENT);
});

t.test('one that comes and is more urgent than all others goes at once', async (t) => {
  const turns = new Turns();
  t.equal(turns.next([BULK]), BULK);
  turns.count(BULK, MEGABYTE);
  t.notOk(turns.isOver(BULK, [BULK]));
  t.ok(turns.isOver(BULK, [BULK, IMMEDIATE]));
  t.equal(turns.next([BULK, IMMEDIATE]), IMMEDIATE);
  turns.count(IMMEDIATE, MEGABYTE);
  t.notOk(turns.isOver(IMMEDIATE, [BULK, IMMEDIATE]), 'and is not interrupted');
});

t.test('each has its share while all of them wait', async (t) => {
  const sent = shares(new Turns(), [IMMEDIATE, URGENT, SCHEDULED, BULK], 30_000);
  for (const [at, weight] of [64, 16, 4, 1].entries())
    t.ok(Math.abs((sent[at] ?? 0) / 30_000 - weight / 85) < 0.02, `${sent.join()} MB`);
});

t.test('bulk is not stopped by urgent studies that never end', async (t) => {
  const sent = shares(new Turns(), [URGENT, BULK], 5_000);
  t.ok((sent[BULK] ?? 0) > 200, `${sent.join()} MB`);
  t.ok((sent[URGENT] ?? 0) > 4_500);
});

t.test('who has waited for nothing is owed nothing', async (t) => {
  const turns = new Turns();
  shares(turns, [IMMEDIATE], 10_000);
  const sent = shares(turns, [IMMEDIATE, BULK], 2_100);
  t.ok((sent[BULK] ?? 0) <= 64, `${sent.join()} MB`);
  t.ok((sent[BULK] ?? 0) > 0);
});
