/** What appliance.ts does inside its name spaces: one life of an appliance, each step looked at. */
import { strict as assert } from 'node:assert';
import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  type Stats,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import type { DoctorReport } from '../../edge/doctor/finding.ts';
import { openSigner } from '../../installers/package/sign.ts';
import { cdipDone } from '../support/cdip.ts';
import { eventually } from '../support/eventually.ts';
import { type Hub, startHub } from '../support/hub.ts';
import { openSender, type Sender } from '../support/sender.ts';
import { dataSetOf, smallObject } from '../support/storage-fixture.ts';

const CT = '1.2.840.10008.5.1.4.1.1.2';
const EXPLICIT = '1.2.840.10008.1.2.1';
const DICOM_PORT = 104;
// biome-ignore lint/suspicious/noTemplateCurlyInString: dpkg-query's own form
const VERSION_FORMAT = '${Version}';

export interface ApplianceResult {
  readonly steps: readonly string[];
  /** Objects acknowledged over everything, all of them found at the end. */
  readonly acknowledged: number;
  /** Between two acknowledged objects, seconds: the restart into the newer build. */
  readonly longestGapSeconds: number;
}

/** @param root a clean Debian, not changed; deb the package, signed by `key` where one is given @throws AssertionError for what is not as it has to be */
export async function runAppliance({
  root,
  deb,
  key,
}: {
  root: string;
  deb: string;
  key: string | undefined;
}): Promise<ApplianceResult> {
  const steps: string[] = [];
  const step = (what: string): void => {
    steps.push(what);
    process.stderr.write(`appliance: ${what}\n`);
  };
  const work = mkdtempSync('/var/tmp/cdip-appliance-run-');
  const machine = new Machine(root, work);
  const hub = await startHub({ directory: join(work, 'hub'), trusts: ['RRK'] });
  try {
    machine.put(deb, 'root/first.deb');
    machine.put(newer(deb, join(work, 'newer'), '0.99.0'), 'root/newer.deb');
    machine.put(newer(deb, join(work, 'bad'), '0.99.1', broken), 'root/bad.deb');
    const unsigned = key === undefined ? ['--unsigned'] : [];
    if (key !== undefined)
      for (const name of ['newer', 'bad'])
        machine.put(openSigner(key).sign(join(work, `${name}.deb`)), `root/${name}.deb.sig`);
    machine.run('dpkg', '-i', '/root/first.deb');
    step('installed');
    machine.run(
      'cdip',
      'edge',
      'enrol',
      '--hub',
      hub.url,
      '--token',
      hub.token('RRK'),
      '--trust',
      'RRK',
    );
    assert.equal(machine.stat('etc/cdip/edge.yaml').mode & 0o777, 0o640);
    step('enrolled');
    await machine.startEdge();
    const report = JSON.parse(machine.run('cdip', 'edge', 'doctor', '--json')) as DoctorReport;
    assert.deepEqual(
      report.findings.filter(({ state }) => state === 'fault'),
      [],
    );
    step(`doctor: no fault, ${report.warnings} warnings`);

    const sending = new Sending();
    sending.start();
    await sending.until(20);
    await allKnown(hub, sending.studies);
    step('received studies, the hub knows them');

    sending.longestGapSeconds = 0;
    const before = sending.acknowledged;
    if (key !== undefined) {
      machine.run('cp', '/root/newer.deb', '/root/unsigned.deb');
      assert.equal(await machine.upgrade('/root/unsigned.deb'), 3);
      step('a build without its signature was refused');
    }
    assert.equal(await machine.upgrade(...unsigned, '/root/newer.deb'), 0);
    await sending.until(before + 20);
    assert.equal(machine.version(), '0.99.0');
    const { longestGapSeconds } = sending;
    step('upgraded while studies came in');
    assert.equal(await machine.upgrade(...unsigned, '/root/bad.deb'), 1);
    assert.equal(machine.version(), '0.99.0');
    step('a build that does not start was put back by itself');
    machine.run('dpkg', '-i', '/root/first.deb');
    await machine.restartEdge();
    await sending.until(sending.acknowledged + 20);
    step('rolled back to the first build');
    if (key !== undefined) {
      await sentByHub(machine, hub, join(work, 'newer.deb'));
      assert.equal(machine.version(), '0.99.0');
      step('a build that the hub sent was installed by request');
    }
    await sending.stop();
    await allKnown(hub, sending.studies);
    step(`all ${sending.acknowledged} acknowledged objects are known to the hub`);

    await machine.stopEdge();
    machine.run('dpkg', '-r', 'cdip-edge');
    assert.ok(machine.has('etc/cdip/edge.yaml') && machine.has('var/lib/cdip/edge.sqlite'));
    assert.ok(!machine.has('usr/bin/cdip') && !machine.has('usr/lib/cdip-edge'));
    step('removed: configuration and data stay');
    machine.run('dpkg', '-P', 'cdip-edge');
    assert.ok(!machine.has('etc/cdip') && !machine.has('var/lib/cdip'));
    step('purged: nothing stays');
    return { steps, acknowledged: sending.acknowledged, longestGapSeconds };
  } finally {
    await machine.stopEdge();
    await hub.stop();
    machine.unmount();
    rmSync(work, { recursive: true, force: true });
  }
}

/** A clean Debian that is changed in a layer above it. */
class Machine {
  readonly #root: string;
  #edge: ChildProcess | undefined;

  constructor(below: string, work: string) {
    this.#root = join(work, 'root');
    for (const name of ['root', 'upper', 'layer']) mkdirSync(join(work, name));
    const layers = `lowerdir=${below},upperdir=${join(work, 'upper')},workdir=${join(work, 'layer')}`;
    execFileSync('mount', ['-t', 'overlay', 'overlay', '-o', layers, this.#root]);
    execFileSync('mount', ['-t', 'proc', 'proc', join(this.#root, 'proc')]);
    execFileSync('mount', ['--bind', '/dev', join(this.#root, 'dev')]);
  }

  unmount(): void {
    for (const path of ['dev', 'proc', '']) spawnSync('umount', ['-l', join(this.#root, path)]);
  }

  put(from: string, to: string): void {
    execFileSync('cp', [from, join(this.#root, to)]);
  }

  has(path: string): boolean {
    return existsSync(join(this.#root, path));
  }

  stat(path: string): Stats {
    return statSync(join(this.#root, path));
  }

  /** @returns its stdout @throws with its stderr */
  run(...command: readonly string[]): string {
    return execFileSync('chroot', [this.#root, ...command], { encoding: 'utf8', env: ENVIRONMENT });
  }

  version(): string {
    return this.run('dpkg-query', '-W', '-f', VERSION_FORMAT, 'cdip-edge');
  }

  async startEdge(): Promise<void> {
    this.#spawnEdge();
    await eventually('the edge is ready', isReady, { timeoutMs: 120_000 });
  }

  /** ExecStart of the unit, as its user, with its capability. */
  #spawnEdge(): void {
    const unit = readFileSync(join(this.#root, 'usr/lib/systemd/system/cdip-edge.service'), 'utf8');
    const setting = (key: string): string => new RegExp(`^${key}=(.*)$`, 'm').exec(unit)?.[1] ?? '';
    const capability = setting('AmbientCapabilities').toLowerCase().replace('cap_', '+');
    const as = [`--reuid=${setting('User')}`, `--regid=${setting('Group')}`, '--init-groups'];
    const may = [
      `--inh-caps=${capability}`,
      `--ambient-caps=${capability}`,
      `--bounding-set=-all,${capability}`,
    ];
    const edge = spawn(
      'chroot',
      [this.#root, 'setpriv', ...as, ...may, ...setting('ExecStart').split(' ')],
      { stdio: ['ignore', 'ignore', 'inherit'], env: ENVIRONMENT },
    );
    this.#edge = edge;
  }

  async stopEdge(): Promise<void> {
    const edge = this.#edge;
    this.#edge = undefined;
    if (edge === undefined || edge.exitCode !== null) return;
    const ended = once(edge, 'exit');
    edge.kill('SIGTERM');
    await ended;
  }

  async restartEdge(): Promise<void> {
    await this.stopEdge();
    await this.startEdge();
  }

  /** By the package's own command; it asks for a restart by a file, since no systemd runs. @returns its exit code */
  async upgrade(...given: readonly string[]): Promise<number> {
    const asked = join(this.#root, 'root/restart');
    const command = spawn('chroot', [this.#root, 'cdip-edge-upgrade', ...given], {
      stdio: ['ignore', 'inherit', 'inherit'],
      env: {
        ...ENVIRONMENT,
        CDIP_RESTART: 'touch /root/restart; while [ -e /root/restart ]; do sleep 0.1; done',
        CDIP_READY_SECONDS: '120',
        CDIP_HUB_SECONDS: '180',
      },
    });
    let isOver = false;
    const exit = once(command, 'exit').then(([code]) => {
      isOver = true;
      return code as number;
    });
    while (!isOver) {
      if (existsSync(asked)) {
        await this.stopEdge();
        this.#spawnEdge();
        rmSync(asked);
      }
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    return exit;
  }
}

const ENVIRONMENT = { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', LC_ALL: 'C' };

async function isReady(): Promise<boolean> {
  return (await fetch('http://127.0.0.1:8080/health/ready')).ok;
}

/** The same package under another version, changed by `change`. */
function newer(
  deb: string,
  work: string,
  version: string,
  change?: (home: string) => void,
): string {
  execFileSync('dpkg-deb', ['-R', deb, work]);
  const home = join(work, 'usr/lib/cdip-edge');
  for (const [file, pattern, replacement] of [
    [join(work, 'DEBIAN/control'), /^Version: .*$/m, `Version: ${version}`],
    [join(home, 'package.json'), /"version": "[^"]*"/, `"version": "${version}"`],
  ] as const)
    writeFileSync(file, readFileSync(file, 'utf8').replace(pattern, replacement));
  change?.(home);
  execFileSync('dpkg-deb', ['--root-owner-group', '-Zgzip', '-z1', '-b', work, `${work}.deb`], {
    stdio: 'ignore',
  });
  rmSync(work, { recursive: true });
  return `${work}.deb`;
}

function broken(home: string): void {
  writeFileSync(join(home, 'edge/main.ts'), "throw new Error('this build does not start');\n");
}

/** One small study after the other, each tried until it is acknowledged. */
class Sending {
  readonly studies: string[] = [];
  longestGapSeconds = 0;
  #lastAt = performance.now();
  #sender: Sender | undefined;
  #isStopping = false;
  #running: Promise<void> = Promise.resolve();

  get acknowledged(): number {
    return this.studies.length;
  }

  start(): void {
    this.#running = this.#run();
  }

  async stop(): Promise<void> {
    this.#isStopping = true;
    await this.#running;
    await this.#sender?.release().catch(() => {});
  }

  async until(count: number): Promise<void> {
    await eventually(`${count} objects are acknowledged`, () => this.acknowledged >= count, {
      timeoutMs: 120_000,
    });
  }

  async #run(): Promise<void> {
    for (let number = 1; !this.#isStopping; number += 1) {
      const study = `2.999.4.${number}`;
      while (!this.#isStopping && !(await this.#isStored(study, number)))
        await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }

  async #isStored(study: string, number: number): Promise<boolean> {
    const sopInstanceUID = `${study}.1.1`;
    const uids = { StudyInstanceUID: study, SeriesInstanceUID: `${study}.1` };
    const object = smallObject(number, { ...uids, SOPInstanceUID: sopInstanceUID });
    try {
      const contexts = [{ sopClassUID: CT, transferSyntaxUID: EXPLICIT }];
      this.#sender ??= await openSender({ port: DICOM_PORT, contexts });
      const status = await this.#sender.store({
        ...{ sopClassUID: CT, sopInstanceUID, transferSyntaxUID: EXPLICIT },
        dataSet: dataSetOf(object),
      });
      if (status !== 0) return false;
    } catch {
      this.#sender = undefined;
      return false;
    }
    const now = performance.now();
    this.longestGapSeconds = Math.max(this.longestGapSeconds, (now - this.#lastAt) / 1000);
    this.#lastAt = now;
    this.studies.push(study);
    return true;
  }
}

/** A rollout of two people, to this one edge; what the path unit starts is started by hand. */
async function sentByHub(machine: Machine, hub: Hub, deb: string): Promise<void> {
  const config = ['--config', hub.configFile];
  const sha256 = await cdipDone(['hub', 'release', 'add', deb, `${deb}.sig`, ...config]);
  const [author, reviewer] = [hub.key('author', 'fleet'), hub.key('other', 'fleet')];
  const ask = (key: string, path: string, body: object) =>
    hub.api<{ number: number }>(`/api/rollouts${path}`, {
      ...{ method: 'POST', body: JSON.stringify(body) },
      headers: { authorization: `Bearer ${key}` },
    });
  const proposal = { sha256, canary: 'RRK', gateMinutes: 0.05, reason: 'the newest' };
  const { number } = (await ask(author, '', proposal)).body;
  await ask(reviewer, `/${number}/approve`, {});
  await eventually('the edge asks for it', () => machine.has('var/lib/cdip/upgrade/request'), {
    timeoutMs: 120_000,
  });
  assert.equal(await machine.upgrade('--requested'), 0);
  await eventually(
    'the rollout is done',
    async () => {
      const { body } = await hub.api<{ rollouts: { state: string }[] }>('/api/rollouts');
      return body.rollouts[0]?.state === 'done';
    },
    { timeoutMs: 120_000 },
  );
}

async function allKnown(hub: Hub, studies: readonly string[]): Promise<void> {
  await eventually(
    'the hub knows every study',
    async () => {
      const { body } = await hub.api<{ total: number }>('/api/studies?limit=1');
      return body.total >= studies.length;
    },
    { timeoutMs: 120_000 },
  );
}
