/**
 * One test file as a process of its own, and what it says in TAP as a subtest of the run. `tap run` would load into each
 * process what collects coverage, which nobody asks for: half of the processor time of a short file.
 *
 *   file ──TAP──► whole? ended well? ──► `# Subtest: file` … `ok - file`, for tally.ts
 *
 * A file ends itself when its time is over (TAP_TIMEOUT); who does not, is ended.
 */
import { type ChildProcess, spawn } from 'node:child_process';

const PREPARED = new URL('test-process.ts', import.meta.url).href;
/** For what a file says of itself when its time is over. */
const GRACE_MS = 15_000;
/** A program that a file left behind may hold its output open. */
const LINGER_MS = 2_000;

export interface RunFileOptions {
  readonly cwd: string;
  readonly timeoutSeconds: number;
  readonly env: NodeJS.ProcessEnv;
}

interface Ended {
  readonly text: string;
  /** An exit code or the name of a signal. */
  readonly by: number | NodeJS.Signals;
}

/** @param file relative to `cwd` @returns TAP, whole, with the file as its one subtest */
export async function runFile(file: string, options: RunFileOptions): Promise<string> {
  const startedAt = performance.now();
  const { text, by } = await ended(file, options);
  const hasFailed = /^not ok\b(?!.*# TODO)/m.test(text);
  const fault = hasFailed ? null : faultOf(text, by);
  const skipped = /^1\.\.0 # SKIP ?(.*)$/im.exec(text)?.[1];
  const ms = (performance.now() - startedAt).toFixed(0);
  return [
    `# Subtest: ${file}`,
    text.trimEnd().replace(/^(?=.)/gm, '    '),
    ...(fault === null ? [] : [`    not ok 1 - ${fault}`]),
    `${hasFailed || fault !== null ? 'not ok' : 'ok'} 1 - ${file} ${skipped === undefined ? `# time=${ms}ms` : `# SKIP ${skipped}`}`,
    '',
  ].join('\n');
}

function ended(file: string, { cwd, timeoutSeconds, env }: RunFileOptions): Promise<Ended> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [`--import=${PREPARED}`, file], {
      cwd,
      stdio: ['ignore', 'pipe', 'inherit'],
      env: {
        ...process.env,
        ...{ TAP: '1', TAP_TIMEOUT: String(timeoutSeconds), NO_COLOR: '1', FORCE_COLOR: '0' },
        ...env,
      },
    });
    const chunks: Buffer[] = [];
    const text = (): string => Buffer.concat(chunks).toString();
    child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk));
    const guard = endWhenLate(child, { timeoutSeconds, text });
    child.on('error', reject);
    child.on('exit', (code, signal) => {
      guard.stop();
      const linger = setTimeout(() => child.stdout.destroy(), LINGER_MS);
      child.on('close', () => {
        clearTimeout(linger);
        resolve({ text: text(), by: signal ?? code ?? 1 });
      });
    });
  });
}

/** A test that asks for more time says so: `# timeout=MS`. */
function endWhenLate(
  child: ChildProcess,
  { timeoutSeconds, text }: { timeoutSeconds: number; text: () => string },
): { stop: () => void } {
  const startedAt = performance.now();
  let timer: NodeJS.Timeout;
  const look = (): void => {
    const asked = [...text().matchAll(/^ *# timeout=(\d+)$/gm)].map(([, ms]) => Number(ms));
    const allowed = Math.max(timeoutSeconds * 1_000, ...asked) + GRACE_MS;
    const left = startedAt + allowed - performance.now();
    if (left > 0) timer = setTimeout(look, left);
    else {
      child.kill('SIGALRM');
      timer = setTimeout(() => child.kill('SIGKILL'), GRACE_MS);
    }
  };
  look();
  return { stop: () => clearTimeout(timer) };
}

/** Why a file in which nothing failed does not count as passed; null: it does. */
function faultOf(text: string, by: Ended['by']): string | null {
  if (by !== 0) return `it ended with ${by}`;
  const planned = /^1\.\.(\d+)/m.exec(text)?.[1];
  const points = text.match(/^(not )?ok\b/gm)?.length ?? 0;
  if (planned === undefined) return 'it ended without a plan: no test, or in the middle of one';
  if (Number(planned) !== points) return `it planned ${planned} tests and ran ${points}`;
  return null;
}
