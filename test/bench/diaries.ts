/** Diaries of many scanners, written into the rows of a hub that is stopped: none of them stands in the log. */
import { join } from 'node:path';
import { projectionSchema } from '../../hub/projection/schema.ts';
import { openSqlite } from '../../shared/sqlite/open.ts';
import { dayAhead } from '../support/scheduling-world.ts';

const SLOTS_A_DAY = 30;
const MODALITIES = ['MR', 'CT', 'US', 'DX'];
const TRUSTS = ['RRK', 'RJE', 'RXK'];

/** Four of five slots are booked. @returns how much was written */
export function fillDiaries(
  dataDirectory: string,
  { scanners, days }: { scanners: number; days: number },
): { scanners: number; days: number; slots: number } {
  const db = openSqlite(join(dataDirectory, 'projection.sqlite'), projectionSchema);
  const resource = db.prepare('INSERT INTO resources VALUES (?, ?, ?, 0, ?)');
  const slot = db.prepare('INSERT INTO slots VALUES (?, ?, ?, ?, 20, ?, NULL, NULL)');
  db.transaction(() => {
    for (let at = 0; at < scanners; at += 1) {
      const [id, trust] = [`S${at}`, TRUSTS[at % TRUSTS.length]];
      const modality = MODALITIES[at % MODALITIES.length];
      const more = { capabilities: [], durations: {}, closures: [], postcode: null, risName: null };
      resource.run(id, trust, modality, JSON.stringify({ id, trust, name: id, modality, ...more }));
      for (let day = 1; day <= days; day += 1) {
        const date = dayAhead(day);
        for (let number = 0; number < SLOTS_A_DAY; number += 1) {
          const start = new Date(
            Date.parse(`${date}T08:00:00Z`) + number * 1_200_000,
          ).toISOString();
          const status = (number + at) % 5 === 0 ? 'free' : 'booked';
          slot.run(id, date, `${id}-${date}-${number}`, start, status);
        }
      }
    }
  }).immediate();
  db.close();
  return { scanners, days, slots: scanners * days * SLOTS_A_DAY };
}
