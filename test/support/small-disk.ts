/** A file system of a few megabytes, to be filled up. Needs the privilege to mount. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** The reason to skip a test that needs a small disk, or false. */
export const smallDiskMissing: string | false =
  process.getuid?.() === 0 && spawnSync('unshare', ['-m', 'true']).status === 0
    ? false
    : 'no privilege to mount a file system';

/** @returns its directory; it is unmounted after the test */
export function mountSmallDisk(t: { teardown(done: () => void): void }, megabytes: number): string {
  const directory = mkdtempSync(join(tmpdir(), 'cdip-disk-'));
  const options = ['-t', 'tmpfs', '-o', `size=${megabytes}m`, 'tmpfs', directory];
  const { status, stderr } = spawnSync('mount', options, { encoding: 'utf8' });
  if (status !== 0) throw new Error(stderr);
  t.teardown(() => {
    spawnSync('umount', ['-l', directory]);
    rmdirSync(directory);
  });
  return directory;
}
