/**
 * `cdip-edge-upgrade` as root runs it, with Debian's own dpkg-deb and real signatures. Stand-ins in PATH: dpkg and
 * dpkg-query keep the installed version in a file, setpriv stays who it is, the edge is a small server that is ready
 * unless its version says bad. What dpkg and systemd do with it is shown by `node test/system/appliance.ts`.
 */
import { execFileSync, spawn } from 'node:child_process';
import { createHash, generateKeyPairSync } from 'node:crypto';
import { once } from 'node:events';
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { openSigner, type Signer } from '../../installers/package/sign.ts';

const SCRIPT = join(import.meta.dirname, '..', '..', 'installers', 'debian', 'cdip-edge-upgrade');

const DPKG = `#!/bin/sh
case "$1" in
  --compare-versions) exec /usr/bin/dpkg "$@" ;;
  --configure) exit 0 ;;
esac
for file in "$@"; do :; done
dpkg-deb -f "$file" Version >"$WORLD/installed"
echo "installed $(cat "$WORLD/installed")" >>"$WORLD/did"
`;
const DPKG_QUERY = `#!/bin/sh
case "$1" in
  -W) cat "$WORLD/installed" ;;
  -s) printf 'Package: cdip-edge\\nVersion: %s\\nArchitecture: all\\nMaintainer: none\\nDescription: the one before\\n' "$(cat "$WORLD/installed")" ;;
esac
`;
const SETPRIV = `#!/bin/sh
while [ "\${1#--}" != "$1" ]; do shift; done
exec "$@"
`;

interface Outcome {
  readonly order: string;
  readonly version: string;
  readonly state: string;
  readonly code: string;
}

class Machine {
  readonly #root: string;
  readonly #url: string;

  constructor(root: string, url: string) {
    this.#root = root;
    this.#url = url;
    const path = (name: string): string => join(root, name);
    for (const folder of ['bin', 'state/upgrade', 'cache', 'told', 'home/node_modules/node/bin'])
      mkdirSync(path(folder), { recursive: true });
    symlinkSync(process.execPath, path('home/node_modules/node/bin/node'));
    const places = { state: 'state', cache: 'cache', told: 'told', home: 'home' };
    let text = readFileSync(SCRIPT, 'utf8');
    for (const [name, place] of Object.entries(places))
      text = text.replace(new RegExp(`^${name}=/.*$`, 'm'), `${name}=${path(place)}`);
    for (const [name, body] of Object.entries({
      ...{ 'cdip-edge-upgrade': text, dpkg: DPKG, 'dpkg-query': DPKG_QUERY, setpriv: SETPRIV },
    })) {
      writeFileSync(path(`bin/${name}`), body);
      chmodSync(path(`bin/${name}`), 0o755);
    }
    writeFileSync(path('installed'), '1.0.0\n');
  }

  get installed(): string {
    return readFileSync(join(this.#root, 'installed'), 'utf8').trim();
  }

  get outcome(): Outcome {
    return JSON.parse(readFileSync(join(this.#root, 'told/outcome.json'), 'utf8')) as Outcome;
  }

  get isAsked(): boolean {
    return existsSync(join(this.#root, 'state/upgrade/request'));
  }

  makeKey(name: string): Signer {
    const file = join(this.#root, `${name}.pem`);
    const { privateKey } = generateKeyPairSync('ed25519');
    writeFileSync(file, privateKey.export({ format: 'pem', type: 'pkcs8' }).toString());
    return openSigner(file);
  }

  trust(publicKey: string): void {
    writeFileSync(join(this.#root, 'home/release.pem'), publicKey);
  }

  build(version: string, name = 'cdip-edge'): string {
    const folder = join(this.#root, `${name}-${version}`);
    mkdirSync(join(folder, 'DEBIAN'), { recursive: true });
    writeFileSync(
      join(folder, 'DEBIAN/control'),
      `Package: ${name}\nVersion: ${version}\nArchitecture: all\nMaintainer: none\nDescription: a build\n`,
    );
    execFileSync('dpkg-deb', ['-Zgzip', '-b', folder, `${folder}.deb`], { stdio: 'ignore' });
    return `${folder}.deb`;
  }

  /** As the edge asks for it. */
  ask(deb: string, version: string, order = '1.1'): void {
    const folder = join(this.#root, 'state/upgrade');
    const sha256 = createHash('sha256').update(readFileSync(deb)).digest('hex');
    copyFileSync(deb, join(folder, 'release.deb'));
    if (existsSync(`${deb}.sig`)) copyFileSync(`${deb}.sig`, join(folder, 'release.deb.sig'));
    writeFileSync(join(folder, 'request'), `${order} ${sha256} ${version}\n`);
  }

  /** @returns its exit code */
  async run(...args: readonly string[]): Promise<number> {
    const command = spawn(join(this.#root, 'bin/cdip-edge-upgrade'), args, {
      stdio: ['ignore', 'ignore', 'ignore'],
      env: {
        ...{ PATH: `${join(this.#root, 'bin')}:/usr/sbin:/usr/bin:/sbin:/bin`, WORLD: this.#root },
        ...{ CDIP_URL: this.#url, CDIP_RESTART: 'true', CDIP_READY_SECONDS: '3' },
      },
    });
    const [code] = (await once(command, 'exit')) as [number];
    return code;
  }
}

async function openMachine(t: Test): Promise<Machine> {
  const root = t.testdir();
  const server = createServer((request, response) => {
    const isBad = readFileSync(join(root, 'installed'), 'utf8').includes('bad');
    const isReady = request.url === '/health/ready' && !isBad;
    response.writeHead(isReady ? 200 : 503).end('{}');
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => server.close());
  return new Machine(root, `http://127.0.0.1:${(server.address() as AddressInfo).port}`);
}

t.test('what is asked for is installed only when it is signed and newer', async (t) => {
  const machine = await openMachine(t);
  const [ours, theirs] = [machine.makeKey('ours'), machine.makeKey('theirs')];
  machine.trust(ours.publicKey);

  await t.test('without a signature', async (t) => {
    machine.ask(machine.build('1.1.0'), '1.1.0');
    t.equal(await machine.run('--requested'), 3);
    t.match(machine.outcome, { order: '1.1', state: 'refused', code: 'RELEASE_UNSIGNED' });
    t.equal(machine.installed, '1.0.0');
    t.notOk(machine.isAsked, 'it is not asked for again and again');
  });
  await t.test("by somebody else's key", async (t) => {
    const deb = machine.build('1.1.1');
    theirs.sign(deb);
    machine.ask(deb, '1.1.1', '1.2');
    t.equal(await machine.run('--requested'), 3);
    t.match(machine.outcome, { order: '1.2', state: 'refused', code: 'RELEASE_UNSIGNED' });
  });
  await t.test('changed after it was signed', async (t) => {
    const deb = machine.build('1.1.2');
    ours.sign(deb);
    writeFileSync(deb, 'more', { flag: 'a' });
    machine.ask(deb, '1.1.2', '1.3');
    t.equal(await machine.run('--requested'), 3);
    t.match(machine.outcome, { state: 'refused', code: 'RELEASE_UNSIGNED' });
  });
  await t.test('another package, another version than was said, an older one', async (t) => {
    for (const [name, version, said, code] of [
      ['cdip-hub', '1.1.0', '1.1.0', 'RELEASE_OTHER'],
      ['cdip-edge', '1.1.3', '1.1.4', 'RELEASE_OTHER'],
      ['cdip-edge', '0.9.0', '0.9.0', 'RELEASE_OLDER'],
    ] as const) {
      const deb = machine.build(version, name);
      ours.sign(deb);
      machine.ask(deb, said, '2.1');
      t.equal(await machine.run('--requested'), 3, `${name} ${version}`);
      t.equal(machine.outcome.code, code);
    }
    t.equal(machine.installed, '1.0.0');
  });
  await t.test('a request that is none is refused, not run', async (t) => {
    const deb = machine.build('1.1.5');
    machine.ask(deb, '1.1.5;touch /tmp/x', '2.2');
    t.equal(await machine.run('--requested'), 3);
    t.equal(machine.outcome.code, 'REQUEST_UNREADABLE');
  });
  await t.test('one that is signed and works', async (t) => {
    const deb = machine.build('1.2.0');
    ours.sign(deb);
    machine.ask(deb, '1.2.0', '3.1');
    t.equal(await machine.run('--requested'), 0);
    t.match(machine.outcome, { order: '3.1', version: '1.2.0', state: 'done', code: '' });
    t.equal(machine.installed, '1.2.0');
  });
  await t.test('one that does not get ready is put back, and says so', async (t) => {
    const deb = machine.build('1.3.0+bad');
    ours.sign(deb);
    machine.ask(deb, '1.3.0+bad', '4.1');
    t.equal(await machine.run('--requested'), 1);
    t.match(machine.outcome, { order: '4.1', state: 'returned', code: 'NOT_READY' });
    t.equal(machine.installed, '1.2.0');
    t.notOk(machine.isAsked);
  });
  await t.test('by hand the signature stands beside the file', async (t) => {
    const deb = machine.build('1.4.0');
    t.equal(await machine.run(deb), 3, 'without one');
    t.equal(await machine.run('--unsigned', deb), 3, 'nor by saying so, where a key is installed');
    ours.sign(deb);
    t.equal(await machine.run(deb), 0);
    t.equal(machine.installed, '1.4.0');
  });
});

t.test('where no key is installed', async (t) => {
  const machine = await openMachine(t);
  const deb = machine.build('1.1.0');
  t.equal(await machine.run(deb), 3, 'a build is refused');
  machine.ask(deb, '1.1.0');
  t.equal(await machine.run('--requested', '--unsigned'), 3, 'a request always');
  t.match(machine.outcome, { state: 'refused', code: 'RELEASE_UNSIGNED' });
  t.equal(machine.installed, '1.0.0');
  t.equal(await machine.run('--unsigned', deb), 0, 'unless root says so by hand');
  t.equal(machine.installed, '1.1.0');
});
