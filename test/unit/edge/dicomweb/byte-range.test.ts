/** Parts of bulk data. RFC 9110 §14; PS3.18 §10.4.1.1.5. */
import t from 'tap';
import { wantedRange, within } from '../../../../edge/dicomweb/byte-range.ts';

t.test('a range is from the beginning, to the end, or of the end', async (t) => {
  t.strictSame(wantedRange('bytes=0-99', 1_000), { start: 0, length: 100 });
  t.strictSame(wantedRange('bytes=900-', 1_000), { start: 900, length: 100 });
  t.strictSame(wantedRange('bytes=900-5000', 1_000), { start: 900, length: 100 });
  t.strictSame(wantedRange('bytes=-10', 1_000), { start: 990, length: 10 });
  t.strictSame(wantedRange('bytes=-5000', 1_000), { start: 0, length: 1_000 });
});

t.test('of several ranges, and of other units, all is answered', async (t) => {
  for (const header of [undefined, '', 'bytes=0-1,5-6', 'items=0-1'])
    t.equal(wantedRange(header, 1_000), undefined, header ?? 'none');
});

t.test('what is no range, and what is not there, are told apart', async (t) => {
  for (const header of ['bytes=a-b', 'bytes=-', 'bytes=10-5', 'bytes=5'])
    t.throws(() => wantedRange(header, 1_000), { code: 'INVALID_RANGE' }, header);
  for (const header of ['bytes=1000-', 'bytes=-0'])
    t.throws(() => wantedRange(header, 1_000), { code: 'RANGE_NOT_SATISFIABLE' }, header);
  t.throws(() => wantedRange('bytes=0-', 0), { code: 'RANGE_NOT_SATISFIABLE' });
});

t.test('a part goes over as many fragments as it has to', async (t) => {
  const fragments = [
    { start: 100, length: 10 },
    { start: 200, length: 10 },
    { start: 300, length: 10 },
  ];
  t.strictSame(within(fragments, { start: 8, length: 14 }), [
    { start: 108, length: 2 },
    { start: 200, length: 10 },
    { start: 300, length: 2 },
  ]);
  t.strictSame(within(fragments, { start: 10, length: 10 }), [{ start: 200, length: 10 }]);
});
