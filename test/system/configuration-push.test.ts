/** The hub pushes a configuration: what works stays, what cuts the edge off from the hub is taken back by the edge itself. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { prepareEdge } from '../support/edge.ts';
import { eventually } from '../support/eventually.ts';
import { freePort } from '../support/free-port.ts';
import { startHub } from '../support/hub.ts';
import { missingPeer } from '../support/missing-peer.ts';

interface Version {
  readonly version: number;
  readonly approvedBy: string | null;
  readonly edge: { state: string; reason: { code: string } | null } | null;
}

t.test('a pushed configuration', { skip: missingPeer('nats-server') }, async (t) => {
  const directory = t.testdir();
  const hub = await startHub({ directory: join(directory, 'hub'), trusts: ['RRK'] });
  const edge = await prepareEdge({ directory: join(directory, 'edge'), trust: 'RRK' });
  t.teardown(() => Promise.all([edge.stop(), hub.stop()]));
  await edge.enrol(hub.url, await hub.token('RRK'));
  await edge.start();
  const [author, reviewer] = [await hub.key('author', 'fleet'), await hub.key('reviewer', 'fleet')];
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
});
