/**
 * The appliance on a clean Debian 12: `node test/system/appliance.ts [--root FOLDER] [--deb FILE [--key PEM]]`, as root.
 *
 *   debootstrap ─► install ─► enrol ─► doctor ─► a study ─► upgrade while studies come ─► bad upgrade ─► roll back
 *     ─► a build that the hub sends ─► remove
 *
 * In name spaces of its own, so that port 104 is free and nothing of it stays. systemd does not run in a chroot: the
 * unit's ExecStart is started by hand, as the unit's user with the unit's capability. Prints one JSON line.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { runAppliance } from './appliance-run.ts';

const { values } = parseArgs({
  options: {
    root: { type: 'string' },
    deb: { type: 'string' },
    key: { type: 'string' },
    inside: { type: 'boolean', default: false },
  },
});
const PROJECT = join(import.meta.dirname, '..', '..');

function debootstrapped(work: string): string {
  const root = join(work, 'debian');
  execFileSync('debootstrap', ['--variant=minbase', 'bookworm', root], { stdio: 'inherit' });
  return root;
}

function built(work: string, key: string): string {
  const out = join(work, 'dist');
  const { privateKey } = generateKeyPairSync('ed25519');
  writeFileSync(key, privateKey.export({ format: 'pem', type: 'pkcs8' }), { mode: 0o600 });
  const sign = ['--sign', key];
  execFileSync('node', ['installers/package.ts', '--only', 'cdip-edge', '--out', out, ...sign], {
    ...{ cwd: PROJECT, stdio: ['ignore', 'ignore', 'inherit'] },
  });
  return execFileSync('sh', ['-c', `ls ${out}/cdip-edge_*.deb`], { encoding: 'utf8' }).trim();
}

/** Everything again, where nobody else is. */
function inNameSpaces(root: string, deb: string, key: string | undefined): number {
  const signed = key === undefined ? [] : ['--key', key];
  const again = [import.meta.filename, '--inside', '--root', root, '--deb', deb, ...signed];
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
    const { root = '', deb = '', key } = values;
    const result = await runAppliance({ root, deb, key });
    process.stdout.write(`${JSON.stringify(result)}\n`);
    return 0;
  }
  const work = mkdtempSync('/var/tmp/cdip-appliance-');
  try {
    const root = values.root ?? debootstrapped(work);
    const key = values.deb === undefined ? join(work, 'release-key.pem') : values.key;
    const deb = values.deb ?? built(work, key ?? '');
    return inNameSpaces(root, deb, key);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

process.exitCode = await main();
