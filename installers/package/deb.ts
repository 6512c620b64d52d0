/**
 * A Debian package from what stands here, byte for byte the same from the same input: times are those of
 * SOURCE_DATE_EPOCH, owners root, modes normalised, order sorted.
 */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  chmodSync,
  copyFileSync,
  globSync,
  mkdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { normalise, ROOT, stageProgram } from './stage.ts';

export interface Product {
  readonly package: 'cdip-edge' | 'cdip-hub';
  readonly state: string;
  readonly config: string;
  readonly priority: number;
  readonly depends: string;
  readonly summary: string;
  readonly description: string;
}

export const PRODUCTS: readonly Product[] = [
  {
    ...{ package: 'cdip-edge', state: '/var/lib/cdip', config: 'edge.yaml', priority: 20 },
    depends: 'libc6 (>= 2.28), libstdc++6, passwd, util-linux, init-system-helpers',
    summary: "gateway of a trust's imaging to the network",
    description:
      'Receives from modalities and PACS, keeps the index of what the trust holds, fetches and delivers studies of other trusts.',
  },
  {
    ...{ package: 'cdip-hub', state: '/var/lib/cdip-hub', config: 'hub.yaml', priority: 10 },
    depends:
      'libc6 (>= 2.28), libstdc++6, passwd, util-linux, init-system-helpers, nats-server (>= 2.9)',
    summary: 'index, search and orders of the imaging network',
    description:
      'Knows what the edges of all trusts hold, answers people and machines, orders fetches.',
  },
];

export interface DebOptions {
  readonly version: string;
  readonly epochSeconds: number;
  /** Where to build. */
  readonly workDirectory: string;
  readonly out: string;
  /** PEM of the public key that builds after this one have to be signed by; undefined: none is asked for. */
  readonly releaseKey: string | undefined;
}

const ARCHITECTURES: Readonly<Record<string, string>> = { x64: 'amd64', arm64: 'arm64' };

/** As Debian names it. @throws for a machine that has no package */
export function architecture(): string {
  const name = ARCHITECTURES[process.arch];
  if (name === undefined) throw new Error(`no packages are built for ${process.arch}`);
  return name;
}

/** @returns the path of the .deb */
export function buildDeb(product: Product, options: DebOptions): string {
  const { version, epochSeconds, workDirectory, out, releaseKey } = options;
  const stage = join(workDirectory, product.package);
  rmSync(stage, { recursive: true, force: true });
  const home = join(stage, 'usr', 'lib', product.package);
  stageProgram({ into: home, version, withViewer: product.package === 'cdip-hub' });
  const fill = filler(product);
  write(join(home, 'cdip'), fill('cdip'), 0o755);
  if (releaseKey !== undefined) write(join(home, 'release.pem'), releaseKey);
  write(
    join(stage, 'usr/lib/systemd/system', `${product.package}.service`),
    fill(`${product.package}.service`),
  );
  if (product.package === 'cdip-edge') {
    write(join(stage, 'etc/systemd/journald@cdip.conf'), fill('journald@cdip.conf'));
    write(join(stage, 'usr/sbin/cdip-edge-upgrade'), fill('cdip-edge-upgrade'), 0o755);
    for (const unit of ['cdip-edge-upgrade.path', 'cdip-edge-upgrade.service'])
      write(join(stage, 'usr/lib/systemd/system', unit), fill(unit));
  } else {
    // Not the same file: two packages can't own one.
    const limits = 'usr/lib/systemd/journald@cdip.conf.d/cdip-hub.conf';
    write(join(stage, limits), fill('cdip-hub.journald.conf'));
  }
  const docs = join(stage, 'usr/share/doc', product.package);
  mkdirSync(join(docs, 'examples'), { recursive: true });
  for (const name of ['README.md', 'CHANGELOG.md', 'SECURITY.md'])
    copyFileSync(join(ROOT, name), join(docs, name));
  copyFileSync(join(ROOT, 'LICENSE'), join(docs, 'copyright'));
  const sample = product.config;
  copyFileSync(join(ROOT, 'installers/samples', sample), join(docs, 'examples', sample));
  normalise(stage, epochSeconds);
  writeControl(product, { stage, version, fill });
  const file = join(out, `${product.package}_${version}_${architecture()}.deb`);
  execFileSync(
    'dpkg-deb',
    ['--root-owner-group', '-Zzstd', '-z6', '--threads-max=1', '--build', stage, file],
    {
      stdio: ['ignore', 'ignore', 'inherit'],
      env: { ...process.env, SOURCE_DATE_EPOCH: `${epochSeconds}` },
    },
  );
  rmSync(stage, { recursive: true, force: true });
  return file;
}

/** A file of installers/debian, with the package's own values in it. */
function filler(product: Product): (name: string) => string {
  const values: Readonly<Record<string, string>> = {
    PACKAGE: product.package,
    STATE: product.state,
    CONFIG: product.config,
    PRIORITY: `${product.priority}`,
  };
  return (name) =>
    readFileSync(join(ROOT, 'installers/debian', name), 'utf8').replace(
      /@([A-Z]+)@/g,
      (found, key: string) => values[key] ?? found,
    );
}

function write(file: string, text: string, mode = 0o644): void {
  mkdirSync(join(file, '..'), { recursive: true });
  writeFileSync(file, text);
  chmodSync(file, mode);
}

function writeControl(
  product: Product,
  { stage, version, fill }: { stage: string; version: string; fill: (name: string) => string },
): void {
  const files = globSync('**/*', { cwd: stage })
    .filter((path) => statSync(join(stage, path)).isFile())
    .sort();
  const kilobytes = files.reduce(
    (sum, path) => sum + Math.ceil(statSync(join(stage, path)).size / 1024),
    0,
  );
  const control = join(stage, 'DEBIAN');
  mkdirSync(control);
  // Whoever builds may have any umask; dpkg-deb takes only this.
  chmodSync(control, 0o755);
  write(
    join(control, 'control'),
    [
      `Package: ${product.package}`,
      `Version: ${version}`,
      `Architecture: ${architecture()}`,
      'Maintainer: CDIP <cdip@localhost>',
      `Installed-Size: ${kilobytes}`,
      `Depends: ${product.depends}`,
      'Section: net',
      'Priority: optional',
      `Description: ${product.summary}`,
      ` ${product.description}`,
      '',
    ].join('\n'),
  );
  const sums = files.map((path) => {
    const digest = createHash('md5')
      .update(readFileSync(join(stage, path)))
      .digest('hex');
    return `${digest}  ${path}\n`;
  });
  write(join(control, 'md5sums'), sums.join(''));
  for (const script of ['postinst', 'prerm', 'postrm'])
    write(join(control, script), fill(script), 0o755);
  if (product.package === 'cdip-edge')
    write(join(control, 'conffiles'), '/etc/systemd/journald@cdip.conf\n');
}
