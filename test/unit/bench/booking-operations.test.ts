/**
 * Random operations at three hubs whose log loses decisions and answers, and that are killed between two steps. A seed
 * that once found something stays. `cdip bench booking` makes more of them.
 */
import t from 'tap';
import { randomOperations } from '../../bench/booking/operations.ts';

t.test('no slot twice, nobody left with none, no confirmation lost, all hubs alike', async (t) => {
  const result = await randomOperations(1_000, 's');
  t.match(result, {
    ...{ operations: 1_000, doubleBookings: 0, patientsLeftWithNone: 0 },
    ...{ lostConfirmations: 0, hubsThatDiffer: 0 },
  });
  t.ok(
    result.booked > 30 && result.faults > 5 && result.killedHubs > 2,
    'there was enough to fail',
  );
});
