/** Which sessions would even out waits that no journey does. SC-22. */
import t from 'tap';
import { type Standing, sessionMoves } from '../../../../../hub/scheduling/rules/session-moves.ts';

const trust = (name: string, given: Partial<Standing> = {}): Standing => ({
  ...{ trust: name, waiting: 60, medianWaitDays: 8, slotsAWeek: 50, referralsAWeek: 48, ...given },
});
const LONG = { waiting: 300, medianWaitDays: 50, slotsAWeek: 70, referralsAWeek: 76 };

t.test('a session goes from who has time to spare to where people wait much longer', (t) => {
  const moves = sessionMoves([
    trust('RRK'),
    trust('RJE', LONG),
    trust('RXK', { slotsAWeek: 60, referralsAWeek: 49 }),
    trust('RBK', { slotsAWeek: 60, referralsAWeek: 55 }),
  ]);
  t.match(moves, [{ from: 'RXK', to: 'RJE', sessionsAWeek: 2, slotsAWeek: 8 }]);
  t.match(
    moves[0]?.reason,
    /RJE half of 300 wait 50 days.*most trusts 8 days.*76 are referred.*70/,
  );
  t.match(moves[0]?.reason, /RXK has 60 slots for 49, and a wait of 8 days/);
  t.end();
});

t.test('nobody gives what the own patients need, or who waits long, too', (t) => {
  const tight = trust('RXK', { slotsAWeek: 50, referralsAWeek: 47 });
  const slow = trust('RBK', { slotsAWeek: 90, referralsAWeek: 40, medianWaitDays: 30 });
  t.strictSame(sessionMoves([trust('RRK'), trust('RJE', LONG), tight, slow]), []);
  t.end();
});

t.test('a difference of a few days, or of a few people, moves nothing', (t) => {
  const spare = trust('RXK', { slotsAWeek: 70 });
  const others = [trust('RRK'), trust('RBK'), spare];
  t.strictSame(sessionMoves([...others, trust('RJE', { medianWaitDays: 21 })]), []);
  t.strictSame(sessionMoves([...others, trust('RJE', { ...LONG, waiting: 19 })]), []);
  t.strictSame(sessionMoves([]), []);
  t.end();
});

t.test('who has slots enough is given none: people wait for something else there', (t) => {
  const unvetted = trust('RJE', { ...LONG, slotsAWeek: 130 });
  t.strictSame(sessionMoves([trust('RRK'), unvetted, trust('RXK', { slotsAWeek: 70 })]), []);
  t.end();
});

t.test('the longest wait is served first, and each gives and is given once', (t) => {
  const moves = sessionMoves([
    ...[trust('RRK'), trust('RBK'), trust('RRJ')],
    trust('RA1', { ...LONG, medianWaitDays: 40 }),
    trust('RA2', LONG),
    trust('RXK', { slotsAWeek: 55, referralsAWeek: 50 }),
    trust('RXL', { slotsAWeek: 70, referralsAWeek: 50 }),
  ]);
  t.match(moves, [
    { from: 'RXL', to: 'RA2', sessionsAWeek: 2 },
    { from: 'RXK', to: 'RA1', sessionsAWeek: 1 },
  ]);
  t.equal(moves.length, 2);
  t.end();
});
