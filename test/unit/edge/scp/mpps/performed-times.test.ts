/** When a step began and ended, PS3.4 Table F.7.2-1, by the clock on the wall of the site. */
import t from 'tap';
import { performedTimes } from '../../../../../edge/scp/mpps/performed-times.ts';
import {
  type Entry,
  readSmallDataSet,
  writeSmallDataSet,
} from '../../../../../shared/dicom/small-data-set.ts';
import { zoneOf } from '../../../../../shared/time-zone.ts';

const EXPLICIT = '1.2.840.10008.1.2.1';
const times = (...entries: Entry[]) => {
  const given = readSmallDataSet(EXPLICIT, writeSmallDataSet(EXPLICIT, entries));
  const { startedAt, endedAt } = performedTimes(given, zoneOf('Europe/London'));
  const text = (ms: number | null): string | null =>
    ms === null ? null : new Date(ms).toISOString();
  return [text(startedAt), text(endedAt)];
};
const started = (date: string, time: string): Entry[] => [
  [0x0040_0244, date],
  [0x0040_0245, time],
];
const ended = (date: string, time: string): Entry[] => [
  [0x0040_0250, date],
  [0x0040_0251, time],
];

t.test('times are those of the wall, in summer an hour ahead', async (t) => {
  t.strictSame(times(...started('20260601', '003000'), ...ended('20260601', '0050')), [
    '2026-05-31T23:30:00.000Z',
    '2026-05-31T23:50:00.000Z',
  ]);
  t.strictSame(times(...started('20260201', '091500.25')), ['2026-02-01T09:15:00.000Z', null]);
});

t.test('a step that names its offset from UTC means that', async (t) => {
  const offset: Entry = [0x0008_0201, '+0200'];
  t.strictSame(times(offset, ...started('20260601', '100000')), ['2026-06-01T08:00:00.000Z', null]);
});

t.test('what is no date or time is not told', async (t) => {
  t.strictSame(times(...started('20261301', '100000'), ...ended('20260601', '')), [null, null]);
  t.strictSame(times(...started('20260601', '2560')), [null, null]);
});
