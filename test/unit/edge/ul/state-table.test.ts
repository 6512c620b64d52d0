import t from 'tap';
import { Event, STATE_TABLE, type State } from '../../../../edge/ul/state-table.ts';
import { NEXT_STATE, STANDARD_CELLS } from './table-9-10.ts';

t.test('every state and event is as PS3.8 table 9-10 says', async (t) => {
  t.equal(STANDARD_CELLS.length, 13 * Object.keys(Event).length);
  for (const { event, state, action } of STANDARD_CELLS) {
    const cell = STATE_TABLE[state as State][event as Event];
    const expected = action === undefined ? undefined : [action, NEXT_STATE[action]];
    t.strictSame(cell, expected, `Sta${state}, event ${event}`);
  }
});
