/**
 * `node installers/audit-dependencies.ts`: asks the registry what is known against the packages that are shipped.
 *
 *   npm audit --json ─► weaknesses of level high or critical: exit 1 │ none: 0 │ nobody answers: 0, and it says so
 *
 * A registry without advisories (a mirror) must not stop a build, nor pass for one that found nothing.
 */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';

const GRAVE = ['high', 'critical'];

export interface Verdict {
  readonly isAsked: boolean;
  readonly grave: readonly string[];
  /** What people read. */
  readonly words: string;
}

interface Weakness {
  readonly name?: string;
  readonly severity?: string;
  readonly range?: string;
  readonly via?: readonly (string | { title?: string; url?: string })[];
}

/** @param output of `npm audit --json`, whatever it is */
export function verdictOf(output: string): Verdict {
  const report = read(output);
  if (report === null || report.vulnerabilities === undefined) {
    const why = report?.message ?? 'npm gave no report';
    return { isAsked: false, grave: [], words: `dependencies are NOT audited: ${why}` };
  }
  const all = Object.entries(report.vulnerabilities);
  const grave = all
    .filter(([, { severity = '' }]) => GRAVE.includes(severity))
    .map(([name, { severity, range, via = [] }]) => {
      const told = via.flatMap((one) => (typeof one === 'string' ? [] : [one.title, one.url]));
      return [`${severity}: ${name} ${range ?? ''}`, ...told].filter(Boolean).join(' ');
    });
  const words = `dependencies are audited: ${all.length} with known weaknesses, ${grave.length} of them grave`;
  return { isAsked: true, grave, words };
}

function read(
  output: string,
): { message?: string; vulnerabilities?: Readonly<Record<string, Weakness>> } | null {
  try {
    const report = JSON.parse(output) as unknown;
    return typeof report === 'object' ? report : null;
  } catch {
    return null;
  }
}

if (import.meta.main) {
  const { stdout } = spawnSync('npm', ['audit', '--omit=dev', '--json'], {
    cwd: join(import.meta.dirname, '..'),
    encoding: 'utf8',
    timeout: 120_000,
  });
  const { grave, words } = verdictOf(stdout ?? '');
  for (const line of grave) process.stdout.write(`${line}\n`);
  process.stdout.write(`${words}\n`);
  process.exitCode = grave.length > 0 ? 1 : 0;
}
