/** What is installed is what was looked at: by its digest, of one registry, in one version, and it runs nothing by itself. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { verdictOf } from '../../../installers/audit-dependencies.ts';

const ROOT = join(import.meta.dirname, '..', '..', '..');
const json = (file: string): unknown => JSON.parse(readFileSync(join(ROOT, file), 'utf8'));

interface Locked {
  readonly version?: string;
  readonly integrity?: string;
  readonly resolved?: string;
  readonly link?: boolean;
  readonly hasInstallScript?: boolean;
}
const lock = json('package-lock.json') as { packages: Readonly<Record<string, Locked>> };
const manifest = json('package.json') as {
  dependencies: Readonly<Record<string, string>>;
  devDependencies: Readonly<Record<string, string>>;
  allowScripts: Readonly<Record<string, boolean>>;
};
const locked = Object.entries(lock.packages).filter(([path]) => path !== '');

t.test('every package is known by its digest, and comes from the registry', async (t) => {
  t.ok(locked.length > 100, `${locked.length} packages`);
  const faults = locked.filter(
    ([, { integrity, resolved, link }]) =>
      link === true ||
      !/^sha512-[\w+/]{86}==$/.test(integrity ?? '') ||
      (resolved !== undefined && !resolved.startsWith('https://registry.npmjs.org/')),
  );
  t.strictSame(faults, []);
});

t.test('what the project names, it names in one version', async (t) => {
  for (const [name, version] of Object.entries({
    ...manifest.dependencies,
    ...manifest.devDependencies,
  })) {
    t.match(version, /^\d+\.\d+\.\d+(-[\w.]+)?$/, name);
    t.equal(lock.packages[`node_modules/${name}`]?.version, version, `${name} as it is locked`);
  }
});

t.test('no package runs a program as it is installed, but those decided on', async (t) => {
  const running = locked
    .filter(([, { hasInstallScript }]) => hasInstallScript === true)
    .map(([path]) => path.replace(/^.*node_modules\//, ''));
  const allowed = Object.entries(manifest.allowScripts);
  for (const name of running) t.ok(name in manifest.allowScripts, `${name} is decided on`);
  t.strictSame(
    allowed.filter(([, isAllowed]) => isAllowed).map(([name]) => name),
    ['node'],
    'Node itself, whose program is in a package of its platform',
  );
});

t.test('an audit that nobody answered is no audit that found nothing', async (t) => {
  const weakness = { severity: 'high', range: '<1.2.3', via: [{ title: 'Reads files', url: 'u' }] };
  const report = (vulnerabilities: object): string =>
    JSON.stringify({ auditReportVersion: 2, vulnerabilities });
  t.match(verdictOf(report({})), { isAsked: true, grave: [], words: /are audited: 0/ });
  t.match(verdictOf(report({ x: weakness, y: { severity: 'low' } })), {
    ...{ isAsked: true, words: /audited: 2 .* 1 of them grave/ },
    grave: ['high: x <1.2.3 Reads files u'],
  });
  for (const none of ['', 'null', '{', '{"message":"405 Method Not Allowed"}'])
    t.match(verdictOf(none), { isAsked: false, grave: [], words: /NOT audited/ });
});
