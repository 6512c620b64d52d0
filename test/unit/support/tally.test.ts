/** The closing line of `npm test`: what is counted, and that no failure gets lost. */
import t from 'tap';
import { Tally } from '../../support/tally.ts';

function tallyOf(text: string): { counts: object; printed: string; reasons: string[] } {
  const printed: string[] = [];
  const tally = new Tally((line) => printed.push(line));
  // Split where a pipe might: anywhere.
  for (let at = 0; at < text.length; at += 7) tally.write(text.slice(at, at + 7));
  tally.endOfStream();
  return { counts: tally.counts, printed: printed.join('\n'), reasons: [...tally.skipReasons] };
}

t.test('a test that holds tests is not counted beside them', async (t) => {
  const { counts } = tallyOf(`TAP version 14
# Subtest: a.test.ts
    # Subtest: outer
        # Subtest: inner
            ok 1 - should be equal
            1..1
        ok 1 - inner # time=3ms
        1..1
    ok 1 - outer # time=4ms
    1..1
ok 1 - a.test.ts # time=5ms
`);
  t.strictSame(counts, { passed: 1, failed: 0, skipped: 0 });
});

t.test('a failure is counted once and printed with its path and diagnosis', async (t) => {
  const { counts, printed } = tallyOf(`# Subtest: a.test.ts
    # Subtest: outer
        # Subtest: inner
            not ok 1 - one is two
              ---
              diff: |
                -2
                +1
              ...
            1..1
        not ok 1 - inner # time=3ms
        1..1
    not ok 1 - outer # time=4ms
    1..1
not ok 1 - a.test.ts # time=5ms
`);
  t.strictSame(counts, { passed: 0, failed: 1, skipped: 0 });
  t.match(printed, /✖ a\.test\.ts › outer › inner\n {4}✖ one is two\n[\s\S]*\+1/);
});

t.test('a file that breaks before its first test is a failure', async (t) => {
  const { counts } = tallyOf(`# Subtest: a.test.ts
    1..0 # no tests found
not ok 1 - a.test.ts # time=5ms
`);
  t.strictSame(counts, { passed: 0, failed: 1, skipped: 0 });
});

t.test('a skipped test tells its reason', async (t) => {
  const { counts, reasons } = tallyOf(`# Subtest: a.test.ts
    ok 1 - sends # SKIP storescu not installed
    # Subtest: stores
        ok 1 - should be equal
        1..1
    ok 2 - stores # time=1ms
    1..2
ok 1 - a.test.ts # time=5ms
`);
  t.strictSame(counts, { passed: 1, failed: 0, skipped: 1 });
  t.strictSame(reasons, ['sends: storescu not installed']);
});

t.test('whoever waits for a file learns that it has ended, failed or not', async (t) => {
  const ended: string[] = [];
  const tally = new Tally(
    () => {},
    (file) => ended.push(file),
  );
  tally.write('# Subtest: a.test.ts\n    ok 1 - fine\n    1..1\nok 1 - a.test.ts # time=5ms\n');
  t.strictSame(ended, ['a.test.ts']);
  tally.write(
    '# Subtest: b.test.ts\n    not ok 1 - no\n    1..1\nnot ok 2 - b.test.ts # time=5ms\n',
  );
  t.strictSame(ended, ['a.test.ts', 'b.test.ts']);
});
