/**
 * `npm test [-- PATH…]`: runs test files, each a process of its own, and closes with one line,
 * `N passed, N failed, N skipped`.
 *
 *   files ──run-file.ts──► TAP ──tally.ts──► a line a file, failures in full, the counts
 *
 * What our programs logged and measured meanwhile is searched for the patients who were planted: a failure for each
 * line that names one. One file more at once than there are cores, since most wait for what their programs do. No test
 * at all is a failure too. Compiled code is kept
 * in .compiled, as bin/cdip does: every test starts programs of hundreds of modules, and half of a start is compiling.
 * The folders of a test file's tests are removed when the file has ended: tap itself would remove one before it ends
 * the programs that write there.
 */
import { globSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { runFile } from './run-file.ts';
import { SAID, searchSaid } from './said.ts';
import { Tally } from './tally.ts';

const ROOT = join(import.meta.dirname, '..', '..');
const JOBS = availableParallelism() + 1;

/**
 * What takes longest goes first, as measured: begun last, it would leave the cores idle at the end. Then those that
 * start programs; short ones last, beside which nobody waits.
 */
const LONGEST: readonly string[] = [
  ...['browser/viewer', 'system/configuration-push', 'system/chaos', 'system/main-path'],
  ...['system/teaching', 'peers/route-ai', 'system/fetch-kill', 'system/crawl', 'browser/teaching'],
  ...['system/ingest-crash', 'system/booking-ris', 'system/relay', 'system/hub-runs'],
  ...['system/wan-cut', 'system/demo', 'system/federated-query', 'system/edge-credentials'],
].map((name) => `test/${name}.test.ts`);
const FOLDERS: readonly string[] = ['browser', 'system', 'peers', 'fuzz', 'contract', 'unit'];
const LONG_FOLDERS: readonly string[] = ['browser', 'system'];

const folderOf = (file: string): string => file.split('/')[1] ?? '';
const timeoutSecondsOf = (file: string): number =>
  LONG_FOLDERS.includes(folderOf(file)) ? 900 : 300;

function turnOf(file: string): number {
  const at = LONGEST.indexOf(file);
  return at >= 0 ? at : LONGEST.length + FOLDERS.indexOf(folderOf(file));
}

/** Test files of the paths given, or all: a file, a folder, or a pattern. */
function filesOf(paths: readonly string[]): string[] {
  const patterns = paths.length > 0 ? paths : ['test'];
  const files = patterns.flatMap((path) => {
    const isFolder = statSync(join(ROOT, path), { throwIfNoEntry: false })?.isDirectory();
    return globSync(isFolder ? `${path}/**/*.test.ts` : path, { cwd: ROOT });
  });
  return [...new Set(files.map((file) => relative(ROOT, join(ROOT, file))))].sort();
}

async function runAll(
  files: readonly string[],
  { tally, said }: { tally: Tally; said: string },
): Promise<void> {
  const waiting = files.toSorted((one, other) => turnOf(one) - turnOf(other));
  const env = {
    ...{ [SAID]: said, TAP_SAVE_FIXTURE: '1', NODE_COMPILE_CACHE: join(ROOT, '.compiled') },
    PATH: `${join(ROOT, 'node_modules', '.bin')}:${process.env['PATH'] ?? ''}`,
  };
  const oneByOne = async (): Promise<void> => {
    for (let file = waiting.shift(); file !== undefined; file = waiting.shift())
      tally.write(await runFile(file, { cwd: ROOT, timeoutSeconds: timeoutSecondsOf(file), env }));
  };
  await Promise.all(Array.from({ length: JOBS }, oneByOne));
  tally.endOfStream();
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
  await runAll(files, { tally, said });
  await searchNames(said, tally);
  const { passed, failed, skipped } = tally.counts;
  for (const reason of tally.skipReasons) process.stdout.write(`skipped: ${reason}\n`);
  if (passed + failed === 0) process.stdout.write('✖ no test ran\n');
  process.stdout.write(`${passed} passed, ${failed} failed, ${skipped} skipped\n`);
  return failed > 0 || passed === 0 ? 1 : 0;
}

process.exitCode = await main();
