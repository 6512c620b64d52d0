/**
 * The appliance on a clean Debian 12: `node test/system/appliance.ts [--root FOLDER] [--deb FILE]`, as root.
 *
 *   debootstrap ─► install ─► enrol ─► doctor ─► a study ─► upgrade while studies come ─► bad upgrade ─► roll back ─► remove
 *
 * In name spaces of its own, so that port 104 is free and nothing of it stays. systemd does not run in a chroot: the
 * unit's ExecStart is started by hand, as the unit's user with the unit's capability. Prints one JSON line.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { runAppliance } from './appliance-run.ts';

const { values } = parseArgs({
  options: {
    root: { type: 'string' },
    deb: { type: 'string' },
    inside: { type: 'boolean', default: false },
  },
});
const PROJECT = join(import.meta.dirname, '..', '..');

function debootstrapped(work: string): string {
  const root = join(work, 'debian');
  execFileSync('debootstrap', ['--variant=minbase', 'bookworm', root], { stdio: 'inherit' });
  return root;
}

function built(work: string): string {
  const out = join(work, 'dist');
  execFileSync('node', ['installers/package.ts', '--only', 'cdip-edge', '--out', out], {
    ...{ cwd: PROJECT, stdio: ['ignore', 'ignore', 'inherit'] },
  });
  return execFileSync('sh', ['-c', `ls ${out}/cdip-edge_*.deb`], { encoding: 'utf8' }).trim();
}

/** Everything again, where nobody else is. */
function inNameSpaces(root: string, deb: string): number {
  const again = [import.meta.filename, '--inside', '--root', root, '--deb', deb];
  const { status } = spawnSync(
    'unshare',
    [
      ...['--mount', '--net', '--pid', '--fork', '--mount-proc'],
      ...['sh', '-c', 'ip link set lo up; exec "$@"', 'sh', process.execPath, ...again],
    ],
    { stdio: 'inherit' },
  );
  return status ?? 1;
}

async function main(): Promise<number> {
  if (values.inside) {
    const result = await runAppliance({ root: values.root ?? '', deb: values.deb ?? '' });
    process.stdout.write(`${JSON.stringify(result)}\n`);
    return 0;
  }
  const work = mkdtempSync('/var/tmp/cdip-appliance-');
  try {
    const root = values.root ?? debootstrapped(work);
    const deb = values.deb ?? built(work);
    return inNameSpaces(root, deb);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

process.exitCode = await main();
