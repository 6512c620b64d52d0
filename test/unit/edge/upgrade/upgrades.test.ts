/** A build that the hub told of: taken over broken connections, kept until the trust wants it, handed over to root once. */
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { type UpgradeParts, Upgrades } from '../../../../edge/upgrade/upgrades.ts';
import { CommandSchema, type UpgradeCommand } from '../../../../shared/contract/commands.ts';
import { openHubAccess } from '../../../../shared/hub-access.ts';
import { silentLog } from '../../../../shared/log.ts';
import { eventually } from '../../../support/eventually.ts';

const BUILD = randomBytes(300_000);
const SHA256 = createHash('sha256').update(BUILD).digest('hex');
const SIGNATURE = Buffer.alloc(64, 7);

const command = (more: Partial<UpgradeCommand> = {}): UpgradeCommand =>
  CommandSchema.parse({
    ...{ v: 1, id: 'upgrade-1', at: '2026-11-02T02:00:00.000Z', kind: 'upgrade', rollout: 1 },
    ...{ attempt: 1, version: '2.0.0', sha256: SHA256, bytes: BUILD.length },
    ...{ signature: SIGNATURE.toString('base64'), ...more },
  }) as UpgradeCommand;

type Serve = (request: IncomingMessage, response: ServerResponse) => void;

const whole: Serve = ({ headers }, response) => {
  const from = Number(/^bytes=(\d+)-$/.exec(headers.range ?? '')?.[1] ?? 0);
  response.writeHead(from > 0 ? 206 : 200, { 'content-length': BUILD.length - from });
  response.end(BUILD.subarray(from));
};

class World {
  readonly data: string;
  readonly clock = { ms: Date.parse('2026-11-02T12:00:00.000Z') };
  readonly asked: (string | undefined)[] = [];
  serve: Serve = whole;
  upgrades: Upgrades;
  #parts: UpgradeParts;

  constructor(t: Test, url: string, config: object) {
    this.data = join(t.testdir({ data: {} }), 'data');
    this.#parts = {
      config: {
        ...{ dataDirectory: this.data, upgrades: 'automatic' },
        ...{ storage: { reserveBytes: 0 }, upgradeHours: undefined, ...config },
      } as unknown as UpgradeParts['config'],
      ...{ version: '1.0.0', onChange: () => {}, log: silentLog },
      hub: openHubAccess({ url: () => url, pair: () => undefined }),
      clock: { now: () => this.clock.ms, monotonicMs: () => this.clock.ms },
    };
    this.upgrades = new Upgrades(this.#parts);
    this.upgrades.start();
  }

  /** As another build starts from the same files, or the same. */
  async startAgain(version: string, config: object = {}): Promise<void> {
    await this.upgrades.stop();
    const merged = { ...this.#parts.config, ...config };
    this.#parts = { ...this.#parts, version, config: merged };
    this.upgrades = new Upgrades(this.#parts);
    this.upgrades.start();
  }

  get request(): string | undefined {
    const file = join(this.data, 'upgrade/request');
    return existsSync(file) ? readFileSync(file, 'utf8') : undefined;
  }

  /** What root writes. */
  end(outcome: object): void {
    mkdirSync(`${this.data}-edge-upgrade`, { recursive: true });
    writeFileSync(`${this.data}-edge-upgrade/outcome.json`, JSON.stringify(outcome));
  }

  async becomes(state: string, code?: string): Promise<void> {
    const is = (): boolean => {
      const told = this.upgrades.told();
      return told?.state === state && (code === undefined || told.reason?.code === code);
    };
    await eventually(`it is ${state} ${code ?? ''}`, is, { timeoutMs: 60_000 });
  }
}

async function openWorld(t: Test, config: object = {}): Promise<World> {
  const server = createServer((request, response) => {
    world.asked.push(request.headers.range);
    world.serve(request, response);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const world = new World(t, `http://127.0.0.1:${port}`, config);
  t.teardown(async () => {
    await world.upgrades.stop();
    server.close();
    server.closeAllConnections();
  });
  return world;
}

t.test('it is taken, handed over with its signature, and its end told', async (t) => {
  const world = await openWorld(t);
  world.upgrades.take(command());
  await world.becomes('installing');
  t.equal(world.request, `1.1 ${SHA256} 2.0.0\n`);
  const folder = join(world.data, 'upgrade');
  t.ok(readFileSync(join(folder, 'release.deb')).equals(BUILD));
  t.ok(readFileSync(join(folder, 'release.deb.sig')).equals(SIGNATURE));
  await world.startAgain('2.0.0');
  t.equal(world.upgrades.told()?.state, 'installing', 'the new build waits for what root says');
  world.end({ order: '0.9', state: 'returned', code: 'X', detail: 'of an earlier one' });
  world.end({ order: '1.1', state: 'done', code: '', detail: '' });
  await world.becomes('done');
  t.equal(world.upgrades.told()?.reason, null);
});

t.test('a build that was put back says why', async (t) => {
  const world = await openWorld(t);
  world.upgrades.take(command());
  await world.becomes('installing');
  world.end({ order: '1.1', state: 'returned', code: 'NOT_READY', detail: 'it is not ready' });
  await world.becomes('returned', 'NOT_READY');
  world.upgrades.take(command());
  t.equal(world.upgrades.told()?.state, 'returned', 'the same command again begins nothing');
  world.upgrades.take(command({ attempt: 2 }));
  await world.becomes('installing');
  t.match(world.request, /^1\.2 /, 'another try does');
});

t.test('a connection that breaks costs only what had not come', async (t) => {
  const world = await openWorld(t);
  world.serve = (_request, response) => {
    response.writeHead(200, { 'content-length': BUILD.length });
    response.write(BUILD.subarray(0, 100_000), () => setTimeout(() => response.destroy(), 100));
    world.serve = whole;
  };
  world.upgrades.take(command());
  await world.becomes('installing');
  t.strictSame(world.asked, [undefined, 'bytes=100000-']);
});

t.test('what is not the build that was told of is never handed over', async (t) => {
  const world = await openWorld(t);
  world.serve = (_request, response) => void response.end(randomBytes(BUILD.length));
  world.upgrades.take(command());
  await world.becomes('downloading', 'RELEASE_DAMAGED');
  t.equal(world.request, undefined);
  world.serve = (_request, response) => void response.writeHead(404).end();
  await world.becomes('downloading', 'RELEASE_NOT_THERE');
  world.serve = whole;
  await world.becomes('installing');
});

t.test('images come first: the reserve of the disk is not touched', async (t) => {
  const world = await openWorld(t, { storage: { reserveBytes: Number.MAX_SAFE_INTEGER } });
  world.upgrades.take(command());
  await world.becomes('downloading', 'UPGRADE_NO_SPACE');
  t.strictSame(world.asked, []);
});

t.test('where the trust installs by hand it waits for a person, over starts', async (t) => {
  const world = await openWorld(t, { upgrades: 'manual' });
  t.equal(world.upgrades.installNow(), false, 'nothing waits');
  world.upgrades.take(command());
  await world.becomes('waiting', 'UPGRADE_MANUAL');
  await world.startAgain('1.0.0');
  t.equal(world.request, undefined);
  t.equal(world.upgrades.installNow(), true);
  t.match(world.request, /^1\.1 /);
});

t.test('it waits for the hours of the trust, over midnight too', async (t) => {
  const world = await openWorld(t, { upgradeHours: { from: '22:00', to: '05:00' } });
  world.clock.ms = new Date(2026, 10, 2, 12, 0).getTime();
  world.upgrades.take(command());
  await world.becomes('waiting', 'UPGRADE_HOURS');
  world.clock.ms = new Date(2026, 10, 3, 5, 0).getTime();
  await new Promise((resolve) => setTimeout(resolve, 2_500));
  t.equal(world.request, undefined, 'its last minute is over');
  world.clock.ms = new Date(2026, 10, 3, 4, 59).getTime();
  await world.becomes('installing');
});

t.test('what the hub takes back is not installed; what root has is', async (t) => {
  const world = await openWorld(t, { upgrades: 'manual' });
  const withdraw = { v: 1, id: 'w', at: '', kind: 'withdraw-upgrade', rollout: 1 } as const;
  world.upgrades.take(command());
  await world.becomes('waiting');
  world.upgrades.withdraw({ ...withdraw, rollout: 2 });
  t.equal(world.upgrades.told()?.state, 'waiting', 'another rollout');
  world.upgrades.withdraw(withdraw);
  t.equal(world.upgrades.told()?.state, 'withdrawn');
  t.equal(world.upgrades.installNow(), false);
  world.upgrades.take(command({ attempt: 2 }));
  await world.becomes('waiting');
  world.upgrades.installNow();
  world.upgrades.withdraw(withdraw);
  t.equal(world.upgrades.told()?.state, 'installing');
});

t.test('a machine on which nobody installs says so', async (t) => {
  const world = await openWorld(t);
  world.upgrades.take(command());
  await world.becomes('installing');
  world.clock.ms += 31 * 60_000;
  await world.becomes('refused', 'UPGRADE_NOT_TAKEN');
  t.equal(world.request, undefined, 'it is not installed long after');
});

t.test('who installed it by hand meanwhile is done', async (t) => {
  const world = await openWorld(t, { upgrades: 'manual' });
  world.upgrades.take(command());
  await world.becomes('waiting');
  await world.startAgain('2.0.0');
  t.equal(world.upgrades.told()?.state, 'done');
});
