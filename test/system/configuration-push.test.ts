/**
 * What staff do on edges from afar. A configuration is pushed: what works stays, what cuts the edge off from the hub is
 * taken back by the edge itself. A build goes ring by ring: one that works everywhere, one that does not to the first edge.
 */
import { execFileSync } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { globSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { openSigner } from '../../installers/package/sign.ts';
import { AuditTrail } from '../../shared/audit/trail.ts';
import { systemClock } from '../../shared/clock.ts';
import { cdip, cdipDone } from '../support/cdip.ts';
import { type Edge, prepareEdge } from '../support/edge.ts';
import { eventually } from '../support/eventually.ts';
import { freePort } from '../support/free-port.ts';
import { startHub } from '../support/hub.ts';
import { missingPeer } from '../support/missing-peer.ts';
import { type Build, makeBuild, StandInRoot } from '../support/stand-in-root.ts';

const NEVER = { warn: null, page: null };
const NOT_WATCHED = {
  ...{ diskUsed: NEVER, diskHoursToFull: NEVER, machineLoad: NEVER, eventLoop: NEVER },
};

interface Version {
  readonly version: number;
  readonly approvedBy: string | null;
  readonly edge: { state: string; reason: { code: string } | null } | null;
}

interface Rollout {
  readonly number: number;
  readonly state: string;
  readonly trouble: readonly { trust: string; code: string }[];
  readonly steps: readonly { what: string }[];
  readonly edges: readonly { trust: string; ring: number; is: string }[];
}

const logged = ({ program }: Edge): string => program.output;

t.test('a pushed configuration', { skip: missingPeer('nats-server') }, async (t) => {
  const directory = t.testdir();
  const hub = await startHub({
    ...{ directory: join(directory, 'hub'), trusts: ['RRK', 'RJE'] },
    // What this machine does beside the test is no matter of the edges.
    config: { alerts: { thresholds: NOT_WATCHED } },
  });
  const good = makeBuild(join(directory, 'builds'), '9.1.0');
  const bad = makeBuild(join(directory, 'builds'), '9.2.0', (folder) =>
    writeFileSync(join(folder, 'edge/main.ts'), "throw new Error('it does not start');\n"),
  );
  const start = async (trust: string): Promise<Edge> => {
    const root = new StandInRoot(join(directory, trust), [good, bad]);
    const { within } = root;
    const edge = await prepareEdge({ directory: join(directory, trust), trust, within });
    await edge.enrol(hub.url, hub.token(trust));
    await edge.start();
    root.watch(edge);
    t.teardown(() => root.stop());
    return edge;
  };
  t.teardown(() => hub.stop());
  const edge = await start('RRK');
  const [author, reviewer] = [hub.key('author', 'fleet'), hub.key('reviewer', 'fleet')];
  const as = (key: string, path: string, body?: object) =>
    hub.api<{ version: number; code: string; configurations: Version[] }>(
      `/api/configurations/RRK${path}`,
      {
        method: path === '' && body === undefined ? 'GET' : 'POST',
        headers: { authorization: `Bearer ${key}` },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      },
    );
  const propose = async (changes: object, returnSeconds = 60): Promise<number> => {
    const body = { changes, reason: 'a test', returnSeconds };
    return (await as(author, '', body)).body.version;
  };
  const push = async (changes: object, returnSeconds?: number): Promise<number> => {
    const version = await propose(changes, returnSeconds);
    t.equal((await as(reviewer, `/${version}/approve`)).status, 202);
    return version;
  };
  const becomes = (version: number, state: string): Promise<Version> =>
    eventually(
      `version ${version} is ${state}`,
      async () =>
        (await as(author, '')).body.configurations.find(
          (one) => one.version === version && one.edge?.state === state,
        ),
      { timeoutMs: 120_000, everyMs: 500 },
    );
  const text = (): string => readFileSync(edge.configFile, 'utf8');

  await t.test(
    'whoever proposes does not approve; nothing is pushed until somebody does',
    async (t) => {
      const before = text();
      const version = await propose({ retrieve: { stallSeconds: 99 } });
      const own = await as(author, `/${version}/approve`);
      t.match([own.status, own.body.code], [403, 'APPROVAL_FORBIDDEN']);
      t.equal(text(), before);
    },
  );

  await t.test('one that works is kept', async (t) => {
    await becomes(await push({ retrieve: { stallSeconds: 77 } }), 'kept');
    t.match(text(), /stallSeconds: 77/);
  });

  await t.test('one that is none is refused with its faults, and nothing changes', async (t) => {
    const before = text();
    const { edge: told } = await becomes(await push({ dicom: { prot: 104 } }), 'refused');
    t.equal(told?.reason?.code, 'CONFIG_INVALID');
    t.equal(text(), before);
  });

  await t.test('the trust and its data are its own', async (t) => {
    const { edge: told } = await becomes(await push({ trust: 'RJE' }), 'refused');
    t.equal(told?.reason?.code, 'CONFIG_NOT_PUSHED');
  });

  await t.test(
    'one that cuts the edge off is taken back by the edge, kill -9 or not',
    async (t) => {
      const before = text();
      const nats = `nats://127.0.0.1:${await freePort()}`;
      const version = await push({ hub: { url: hub.url, nats } }, 10);
      await eventually('it is tried', () => text().includes(nats), { timeoutMs: 60_000 });
      await edge.kill9();
      await edge.start();
      const { edge: told } = await becomes(version, 'returned');
      t.equal(told?.reason?.code, 'HUB_NOT_REACHED');
      t.equal(text(), before);
    },
  );

  await t.test('one that the edge can not be started with is taken back at once', async (t) => {
    const before = text();
    const version = await push({ http: { host: '192.0.2.1' } });
    await becomes(version, 'returned');
    t.equal(text(), before);
    t.equal((await fetch(`${edge.url}/health/ready`)).status, 200);
  });

  const rollout = async (number: number): Promise<Rollout | undefined> => {
    const { body } = await hub.api<{ rollouts: Rollout[] }>('/api/rollouts');
    return body.rollouts.find((one) => one.number === number);
  };
  const rolled = (number: number, state: string): Promise<Rollout> =>
    eventually(
      `rollout ${number} is ${state}`,
      async () => {
        const found = await rollout(number);
        return found?.state === state ? found : undefined;
      },
      { timeoutMs: 240_000, everyMs: 500 },
    );
  const ask = (key: string, path: string, body: object = {}) =>
    hub.api<{ number: number; code: string }>(`/api/rollouts${path}`, {
      ...{ method: 'POST', body: JSON.stringify(body) },
      headers: { authorization: `Bearer ${key}` },
    });
  const key = join(directory, 'release-key.pem');
  const { privateKey } = generateKeyPairSync('ed25519');
  writeFileSync(key, privateKey.export({ format: 'pem', type: 'pkcs8' }));
  const signer = openSigner(key);
  writeFileSync(join(directory, 'release.pem'), signer.publicKey);
  const added = ['--key', join(directory, 'release.pem'), '--config', hub.configFile];
  const add = ({ deb }: Build): Promise<string> =>
    cdipDone(['hub', 'release', 'add', deb, signer.sign(deb), ...added]);
  const versions = async (): Promise<(string | null)[]> => {
    const { body } = await hub.api<{ edges: { trust: string; version: string }[] }>('/api/fleet');
    return ['RRK', 'RJE'].map((ods) => body.edges.find((one) => one.trust === ods)?.version ?? '');
  };
  const other = await start('RJE');

  await t.test('a build goes to one edge, and to the next when that one is well', async (t) => {
    writeFileSync(`${bad.deb}.sig`, Buffer.alloc(64));
    const forged = await cdip(['hub', 'release', 'add', bad.deb, `${bad.deb}.sig`, ...added]);
    t.match(forged, { code: 1, stderr: /RELEASE_REFUSED/ }, 'one that nobody signed is not kept');
    const sha256 = await add(good);
    const proposal = { sha256, canary: 'RRK', gateMinutes: 0.05, reason: 'a test' };
    const { number } = (await ask(author, '', proposal)).body;
    t.match(await ask(author, `/${number}/approve`), {
      ...{ status: 403, body: { code: 'APPROVAL_FORBIDDEN' } },
    });
    t.equal((await ask(reviewer, `/${number}/approve`)).status, 202);
    const { edges, steps } = await rolled(number, 'done');
    t.match(edges, [
      { trust: 'RRK', ring: 0, is: 'well' },
      { trust: 'RJE', ring: 1, is: 'well' },
    ]);
    t.match(
      steps.map(({ what }) => what),
      ['proposed', /ring 1: RRK/, 'ring 2: RJE', 'done'],
    );
    t.strictSame(await versions(), ['9.1.0', '9.1.0']);
  });

  await t.test('one that puts itself back stops the rollout, and an alert says so', async (t) => {
    const proposal = { sha256: await add(bad), canary: 'RRK', gateMinutes: 0.05, reason: 'a test' };
    const { number } = (await ask(author, '', proposal)).body;
    await ask(reviewer, `/${number}/approve`);
    const { trouble } = await rolled(number, 'standing');
    t.match(trouble, [{ trust: 'RRK', code: 'NOT_READY' }]);
    t.strictSame(await versions(), ['9.1.0', '9.1.0']);
    t.notMatch(logged(other), '9.2.0', 'the other edge was never told of it');
    await eventually('an alert is open', async () => {
      const { body } = await hub.api<{ alerts: { signal: string }[] }>('/api/alerts?state=open');
      return body.alerts.some(({ signal }) => signal === 'upgradeStands');
    });
    const again = await ask(author, '', proposal);
    t.match(again, { status: 409, body: { code: 'ROLLOUT_STATE' } }, 'no other one meanwhile');
    t.equal((await ask(author, `/${number}/stop`, { reason: 'it is broken' })).status, 202);
    t.match(await rollout(number), { state: 'stopped' });
  });

  await t.test('a support bundle comes on request, once, and stands in both trails', async (t) => {
    const path = '/api/fleet/RRK/support';
    const body = JSON.stringify({ reason: 'its disk is slow' });
    const headers = { authorization: `Bearer ${author}` };
    const { body: asked } = await hub.api<{ id: string }>(path, { method: 'POST', body, headers });
    await eventually('it has come', async () => {
      const { body } = await hub.api<{ bundles: { id: string; state: string }[] }>(path);
      return body.bundles.some(({ id, state }) => id === asked.id && state === 'received');
    });
    const answer = await fetch(`${hub.url}${path}/${asked.id}`, { headers });
    const file = join(directory, 'bundle.tar.gz');
    writeFileSync(file, Buffer.from(await answer.arrayBuffer()));
    const listed = execFileSync('tar', ['-tzf', file], { encoding: 'utf8' });
    for (const name of ['versions.json', 'edge.yaml', 'log/edge.log']) t.match(listed, name);
    const left = globSync('**/*', { cwd: join(edge.dataDirectory, 'support') });
    t.strictSame(left, ['asked'], 'nothing of it stays at the edge');
    const { body: trail } = await hub.api<{ events: { what: string; user: string }[] }>(
      '/api/audit?limit=50',
    );
    const told = trail.events.map(({ what, user }) => `${user}: ${what}`);
    for (const one of [
      `author: POST ${path.replace('RRK', ':trust')}`,
      'edge of RRK: support bundle',
      `author: GET ${path.replace('RRK', ':trust')}/:id`,
    ])
      t.ok(told.includes(one), one);
    const atEdge = new AuditTrail(edge.dataDirectory, systemClock);
    const { events } = atEdge.find({}, { limit: 10, offset: 0 });
    atEdge.close();
    t.match(events, [{ what: 'support bundle', user: 'author', purpose: 'its disk is slow' }]);
  });
});
