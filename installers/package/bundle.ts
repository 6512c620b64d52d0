/** What goes with the packages: the bundle for a machine without internet, the list of what is inside, checksums. */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { copyFileSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { normalise, ROOT, runtimePackages } from './stage.ts';

interface Built {
  readonly version: string;
  readonly epochSeconds: number;
  readonly workDirectory: string;
  readonly out: string;
}

/** What a Debian 12 without a mirror lacks for the hub. */
const FROM_DEBIAN = ['nats-server'];

/** @returns the path of `cdip-offline_V.tar` */
export function buildBundle(files: readonly string[], built: Built): string {
  const { version, epochSeconds, workDirectory, out } = built;
  const name = `cdip-offline_${version}`;
  const folder = join(workDirectory, name);
  mkdirSync(join(folder, 'debian'), { recursive: true });
  for (const file of files) copyFileSync(file, join(folder, basename(file)));
  execFileSync('apt-get', ['-q', 'download', ...FROM_DEBIAN], {
    cwd: join(folder, 'debian'),
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  copyFileSync(join(ROOT, 'installers', 'debian', 'install.sh'), join(folder, 'install.sh'));
  normalise(folder, epochSeconds);
  writeSums(
    [
      ...files,
      ...readdirSync(join(folder, 'debian')).map((file) => join('debian', file)),
      'install.sh',
    ].map((file) => join(folder, file.startsWith('debian/') ? file : basename(file))),
    folder,
  );
  const tar = join(out, `${name}.tar`);
  execFileSync('tar', [
    ...['--sort=name', `--mtime=@${epochSeconds}`, '--owner=0', '--group=0', '--numeric-owner'],
    ...['--format=gnu', '-C', workDirectory, '-cf', tar, name],
  ]);
  return tar;
}

/** CycloneDX 1.6 of what is in the packages: each npm package with its version, licence and integrity. */
export function writeSbom({ version, epochSeconds, out }: Built): string {
  const lock = JSON.parse(readFileSync(join(ROOT, 'package-lock.json'), 'utf8')) as {
    packages: Record<string, { version?: string; license?: string; integrity?: string }>;
  };
  const components = runtimePackages().map((path) => {
    const name = path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length);
    const { version: of = '', license, integrity = '' } = lock.packages[path] ?? {};
    const [algorithm = '', digest = ''] = integrity.split('-');
    const purl = `pkg:npm/${name.replace('@', '%40')}@${of}`;
    return {
      ...{ type: 'library', 'bom-ref': `${purl}#${path}`, name, version: of, purl },
      ...(license === undefined ? {} : { licenses: [{ expression: license }] }),
      ...(algorithm === 'sha512'
        ? { hashes: [{ alg: 'SHA-512', content: Buffer.from(digest, 'base64').toString('hex') }] }
        : {}),
    };
  });
  const document = {
    ...{ bomFormat: 'CycloneDX', specVersion: '1.6', version: 1 },
    metadata: {
      timestamp: new Date(epochSeconds * 1000).toISOString(),
      component: { type: 'application', name: 'cdip', version },
    },
    components,
  };
  const file = join(out, `cdip_${version}.cdx.json`);
  writeFileSync(file, `${JSON.stringify(document, null, 1)}\n`);
  return file;
}

/** For `sha256sum -c SHA256SUMS` in that folder. @returns its path */
export function writeSums(files: readonly string[], folder: string): string {
  const lines = files
    .map((file) => {
      const digest = createHash('sha256').update(readFileSync(file)).digest('hex');
      const name = file.startsWith(`${folder}/`) ? file.slice(folder.length + 1) : basename(file);
      return `${digest}  ${name}\n`;
    })
    .sort((a, b) => a.slice(66).localeCompare(b.slice(66)));
  const sums = join(folder, 'SHA256SUMS');
  writeFileSync(sums, lines.join(''));
  return sums;
}
