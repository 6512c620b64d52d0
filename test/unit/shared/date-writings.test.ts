/** The days that a text may mean, however they are written; numbers that are none mean none. */
import t from 'tap';
import { daysIn } from '../../../shared/date-writings.ts';
import { fold } from '../../../shared/name-writings.ts';

for (const text of [
  '20240817',
  'v2024-08-17.3',
  '2024.08.17',
  '17/08/2024',
  'v1 17/08/2024',
  '8/17/2024',
  '17082024',
  '17.8.24',
  '17 Aug 2024',
  'on the 17th of August 2024',
  'August 17, 2024',
  '20240817101112',
])
  t.test(`"${text}" means 17 August 2024`, async (t) => {
    t.ok(daysIn(fold(text)).includes('20240817'));
  });

for (const text of ['120240817', '2024081', 'syngo CT VA48A', '10:17:24', '0.82\\0.17\\1'])
  t.test(`"${text}" does not`, async (t) => t.notOk(daysIn(fold(text)).includes('20240817')));
