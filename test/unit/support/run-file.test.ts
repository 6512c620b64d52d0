/** A test file that does not end well is a failure of the run, also where its own lines say nothing of it. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { runFile } from '../../support/run-file.ts';
import { Tally } from '../../support/tally.ts';

async function run(t: Test, code: string, timeoutSeconds = 60) {
  const cwd = t.testdir({});
  writeFileSync(join(cwd, 'a.test.mjs'), code);
  const printed: string[] = [];
  const tally = new Tally((line) => printed.push(line));
  tally.write(await runFile('a.test.mjs', { cwd, timeoutSeconds, env: {} }));
  tally.endOfStream();
  return { ...tally.counts, printed: printed.join('\n') };
}

const say = (...lines: string[]): string => `console.log(${JSON.stringify(lines.join('\n'))});`;

t.test('a file that does all that it planned has passed', async (t) => {
  const { printed, ...counts } = await run(
    t,
    say('TAP version 14', '# Subtest: one', '    ok 1 - fine', '    1..1', 'ok 1 - one', '1..1'),
  );
  t.strictSame(counts, { passed: 1, failed: 0, skipped: 0 });
  t.match(printed, /^✔ a\.test\.mjs {2}1 passed {2}\d+ms$/);
});

t.test('a file that is skipped as a whole says why', async (t) => {
  const { skipped, failed } = await run(t, say('TAP version 14', '1..0 # SKIP no DCMTK here'));
  t.strictSame({ skipped, failed }, { skipped: 1, failed: 0 });
});

for (const [what, code, why] of [
  ['breaks off before its plan', say('TAP version 14', 'ok 1 - one'), /without a plan/],
  ['runs fewer tests than it planned', say('TAP version 14', 'ok 1 - one', '1..2'), /planned 2/],
  ['ends with an exit code', `${say('ok 1 - one', '1..1')} process.exitCode = 3;`, /ended with 3/],
  ['is killed', `${say('ok 1 - one', '1..1')} process.kill(process.pid, 9);`, /SIGKILL/],
  ['says nothing', '', /without a plan/],
] as const)
  t.test(`a file that ${what} has failed`, async (t) => {
    const { printed, failed } = await run(t, code);
    t.equal(failed, 1);
    t.match(printed, why);
    t.match(printed, /✖ a\.test\.mjs/);
  });

t.test('a failure inside is counted once', async (t) => {
  const { printed, ...counts } = await run(
    t,
    `${say('# Subtest: one', '    not ok 1 - wrong', '    1..1', 'not ok 1 - one', '1..1')} process.exitCode = 1;`,
  );
  t.strictSame(counts, { passed: 0, failed: 1, skipped: 0 });
  t.match(printed, /✖ wrong/);
});

t.test('a program that a file left behind does not hold up the run', async (t) => {
  const { passed, failed } = await run(
    t,
    `import { spawn } from 'node:child_process';
     ${say('# Subtest: one', '    ok 1 - fine', '    1..1', 'ok 1 - one', '1..1')}
     spawn(process.execPath, ['-e', 'setTimeout(() => {}, 10000)'], { stdio: 'inherit' }).unref();
     setTimeout(() => process.exit(0), 200);`,
  );
  t.strictSame({ passed, failed }, { passed: 1, failed: 0 });
});

for (const [what, code] of [
  ['a timer', "throw new Error('as run-file.test.ts wants it')"],
  ['a promise', "void Promise.reject(new Error('as run-file.test.ts wants it'))"],
])
  t.test(`an error of ${what} that nobody caught fails the file`, async (t) => {
    const tap = new URL('../../../node_modules/tap/dist/esm/index.js', import.meta.url).href;
    const { failed, printed } = await run(
      t,
      `import t from '${tap}';
       t.test('one', () => new Promise((resolve) => {
         setTimeout(() => { ${code}; }, 20);
         setTimeout(resolve, 60);
       }));
       t.test('goes on', async (t) => t.ok(true));`,
    );
    t.ok(failed > 0);
    t.match(printed, /✖ a\.test\.mjs/);
  });
