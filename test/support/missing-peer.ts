/** Real programs that tests talk to. Where one is missing the test is skipped with the reason; in CI it fails. */
import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';

const FOLDERS = [...(process.env['PATH'] ?? '').split(delimiter), '/usr/sbin', '/usr/local/sbin'];

/** Full path of a program, or undefined. Debian's daemons are in /usr/sbin, which a user's PATH may lack. */
export function findProgram(name: string): string | undefined {
  return FOLDERS.map((folder) => join(folder, name)).find((path) => existsSync(path));
}

/** As {@link findProgram}, for launchers that can't go on without it. */
export function programPath(name: string): string {
  const path = findProgram(name);
  if (path === undefined)
    throw new Error(`${name} is not installed: run installers/bootstrap.sh --for test`);
  return path;
}

/**
 * For tap's `{ skip: missingPeer('storescu') }`.
 *
 * @returns false when all are there, else the reason to skip
 * @throws in CI, where a missing peer is a failure
 */
export function missingPeer(...programs: string[]): false | string {
  const missing = programs.filter((name) => findProgram(name) === undefined);
  if (missing.length === 0) return false;
  const reason = `${missing.join(', ')} not installed: run installers/bootstrap.sh --for test`;
  if (process.env['CI'] === 'true') throw new Error(reason);
  return reason;
}
