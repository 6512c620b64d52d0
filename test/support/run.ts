/**
 * `npm test [-- PATH…]`: runs tap over groups of test files and closes with one line,
 * `N passed, N failed, N skipped`.
 *
 *   groups ──tap──► TAP stream ──tally.ts──► a line a file, failures in full, the counts
 *
 * What our programs logged and measured meanwhile is searched for the patients who were planted: a failure for each
 * line that names one. As many files at once as there are cores, and one more of those that mostly wait for what their
 * programs do. No test at all is a failure too. Compiled code is kept
 * in .compiled, as bin/cdip does: every test starts programs of hundreds of modules, and half of a start is compiling.
 * The folders of a test file's tests are removed when the file has ended: tap itself would remove one before it ends
 * the programs that write there.
 */
import { spawn } from 'node:child_process';
import { globSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { SAID, searchSaid } from './said.ts';
import { Tally } from './tally.ts';

const ROOT = join(import.meta.dirname, '..', '..');
const CORES = availableParallelism();

interface Group {
  readonly folders: readonly string[];
  readonly timeoutSeconds: number;
  /** Files at once. */
  readonly jobs: number;
}

const GROUPS: readonly Group[] = [
  { folders: ['unit', 'contract'], timeoutSeconds: 300, jobs: CORES },
  { folders: ['peers', 'fuzz'], timeoutSeconds: 300, jobs: CORES + 1 },
  { folders: ['system', 'browser'], timeoutSeconds: 900, jobs: CORES + 1 },
];

/** Test files of the paths given, or all: a file, a folder, or a pattern. */
function filesOf(paths: readonly string[]): string[] {
  const patterns = paths.length > 0 ? paths : ['test'];
  const files = patterns.flatMap((path) => {
    const isFolder = statSync(join(ROOT, path), { throwIfNoEntry: false })?.isDirectory();
    return globSync(isFolder ? `${path}/**/*.test.ts` : path, { cwd: ROOT });
  });
  return [...new Set(files.map((file) => relative(ROOT, join(ROOT, file))))].sort();
}

function runGroup(
  group: Group,
  files: readonly string[],
  { tally, said }: { tally: Tally; said: string },
): Promise<number> {
  return new Promise((resolve, reject) => {
    const options = [`--jobs=${group.jobs}`, `--timeout=${group.timeoutSeconds}`, '--save-fixture'];
    const tap = spawn('tap', ['run', '--reporter=tap', ...options, ...files], {
      cwd: ROOT,
      stdio: ['ignore', 'pipe', 'inherit'],
      env: {
        ...process.env,
        [SAID]: said,
        NODE_COMPILE_CACHE: join(ROOT, '.compiled'),
        PATH: `${join(ROOT, 'node_modules', '.bin')}:${process.env['PATH'] ?? ''}`,
      },
    });
    tap.on('error', reject);
    tap.stdout.on('data', (chunk: Buffer) => tally.write(chunk.toString()));
    tap.on('close', (code) => {
      tally.endOfStream();
      resolve(code ?? 1);
    });
  });
}

/** What `t.testdir` made for the tests of a file that has ended. */
function removeFolders(file: string): void {
  const folders = join('.tap', 'fixtures', `${file.replaceAll(/[^\w.-]+/g, '-')}*`);
  for (const folder of globSync(folders, { cwd: ROOT }))
    rmSync(join(ROOT, folder), { recursive: true, force: true, maxRetries: 3 });
}

/** Counts as one test where a program ran. */
async function searchNames(said: string, { counts }: Tally): Promise<void> {
  const { files, naming } = await searchSaid(said);
  rmSync(said, { recursive: true });
  if (files === 0) return;
  const what = `no planted patient is named in what programs logged and measured (${files} files)`;
  process.stdout.write(`${naming.length === 0 ? '✔' : '✖'} ${what}\n`);
  for (const line of naming.slice(0, 50)) process.stdout.write(`    ${line}\n`);
  if (naming.length === 0) counts.passed += 1;
  else counts.failed += 1;
}

async function main(): Promise<number> {
  const files = filesOf(process.argv.slice(2));
  const tally = new Tally((line) => process.stdout.write(`${line}\n`), removeFolders);
  const said = mkdtempSync(join(tmpdir(), 'cdip-said-'));
  let worst = 0;
  for (const group of GROUPS) {
    const mine = files.filter((file) => group.folders.includes(file.split('/')[1] ?? ''));
    if (mine.length > 0) worst = Math.max(worst, await runGroup(group, mine, { tally, said }));
  }
  await searchNames(said, tally);
  const { passed, failed, skipped } = tally.counts;
  // tap says no, but no test of it failed: a file that broke outside its tests, say.
  const unexplained = worst !== 0 && failed === 0 ? 1 : 0;
  if (unexplained > 0) process.stdout.write(`✖ tap ended with ${worst}\n`);
  for (const reason of tally.skipReasons) process.stdout.write(`skipped: ${reason}\n`);
  if (passed + failed === 0) process.stdout.write('✖ no test ran\n');
  process.stdout.write(`${passed} passed, ${failed + unexplained} failed, ${skipped} skipped\n`);
  return failed + unexplained > 0 || passed === 0 ? 1 : 0;
}

process.exitCode = await main();
