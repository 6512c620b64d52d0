/**
 * Two trusts that let nobody in: both dial the hub, and a study goes from one to the other through it. Nothing
 * of it stays there. shared/contract/relay.ts.
 */
import { globSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { ctSeries } from '../bench/ct-series.ts';
import { eventually } from '../support/eventually.ts';
import type { Hub } from '../support/hub.ts';
import { missingPeer } from '../support/missing-peer.ts';
import { startNetwork } from '../support/network.ts';
import type { Part10 } from '../support/part10.ts';
import { contextsOf, openSender } from '../support/sender.ts';
import { startStorescp } from '../support/storescp.ts';

const skip = missingPeer('nats-server', 'storescp');
/** Nobody listens there: whoever dials an edge of this test is refused. */
const NOWHERE = 'http://127.0.0.1:1';
const PACS = { role: 'pacs', importsTo: true };

interface Fetch {
  readonly state: string;
  readonly instances: { readonly done: number };
}

interface Slice {
  readonly '7FE00010': { readonly BulkDataURI: string };
}

t.test('nobody is let in, and yet a study comes', { skip, timeout: 300_000 }, async (t) => {
  const directory = t.testdir();
  const pacs = await startStorescp(join(directory, 'pacs'), { aeTitle: 'PACS' });
  t.teardown(() => pacs.stop());
  const network = await startNetwork({
    ...{ directory, trusts: ['RRK', 'RJE'], withPacs: false },
    edgeConfig: () => ({
      http: { publicUrl: NOWHERE },
      patientIds: { unmatched: 'foreign' },
      peers: [
        { ...{ name: 'pacs', aeTitle: 'PACS', host: '127.0.0.1', port: pacs.port }, ...PACS },
      ],
    }),
  });
  t.teardown(() => network.stop());
  const { hub } = network;
  const [source, receiver] = [network.site('RRK').edge, network.site('RJE').edge];

  await t.test('by the hub', async (t) => {
    const series = ctSeries(40);
    const location = await order(hub, await store(source.dicomPort, hub, series));
    t.same(await ended(hub, location), 'available');
    t.equal(receiver.spoolFiles().length, series.length);
    const { studyInstanceUID } = (await hub.api<{ studyInstanceUID: string }>(location)).body;
    const shown = await hub.api<Slice[]>(`/dicom-web/studies/${studyInstanceUID}/metadata`);
    t.equal(shown.body.length, series.length, 'and it is looked at where it is');
    const authorization = `Bearer ${hub.key('a viewer', 'radiologist')}`;
    const headers = { authorization, accept: 'application/octet-stream', range: 'bytes=100-199' };
    const pixels = `${hub.url}${shown.body[0]?.['7FE00010'].BulkDataURI}`;
    const part = await fetch(pixels, { headers });
    t.equal(part.status, 206, 'in part, where a part is asked for');
    t.equal((await part.arrayBuffer()).byteLength, 100);
    t.ok((await relayedBytes(hub)) > 20_000_000, 'all of it went through the hub');
    t.same(holdersOf(join(directory, 'hub'), series), [], 'nothing of it is on its disk');
  });

  await t.test('on from where it was, when the hub is killed half-way', async (t) => {
    const before = receiver.spoolFiles().length;
    const series = ctSeries(400);
    const location = await order(hub, await store(source.dicomPort, hub, series));
    await eventually(
      'some of it came',
      async () => {
        const { body } = await hub.api<Fetch>(location);
        return body.instances.done > 20 || body.state === 'available';
      },
      { timeoutMs: 120_000 },
    );
    await hub.program.kill9();
    await hub.program.start();
    t.same(await ended(hub, location), 'available');
    t.equal(receiver.spoolFiles().length - before, series.length);
    t.same(holdersOf(join(directory, 'hub'), series), []);
  });
});

/** Sends a study. @returns its UID, once the hub knows all of it */
async function store(port: number, hub: Hub, series: readonly Part10[]): Promise<string> {
  const sender = await openSender({ port, contexts: contextsOf(series) });
  for (const object of series) {
    const status = await sender.store(object);
    if (status !== 0) throw new Error(`refused with ${status.toString(16)}`);
  }
  await sender.release();
  const [first] = series;
  const uid = first === undefined ? '' : studyOf(first);
  await eventually(
    `the hub knows study ${uid}`,
    async () => {
      const { body } = await hub.api<{ numberOfInstances?: number }>(`/api/studies/${uid}`);
      return body.numberOfInstances === series.length;
    },
    { timeoutMs: 60_000 },
  );
  return uid;
}

/** Study Instance UID, from the data set that ctSeries made. */
function studyOf({ dataSet }: Part10): string {
  const at = dataSet.indexOf(Buffer.from('20000d00', 'hex'));
  const length = dataSet.readUInt16LE(at + 6);
  return dataSet.toString('latin1', at + 8, at + 8 + length).replace(/\0$/, '');
}

async function order(hub: Hub, studyInstanceUID: string): Promise<string> {
  const { status, headers } = await hub.api('/api/fetches', {
    method: 'POST',
    body: JSON.stringify({
      ...{ studyInstanceUID, to: { trust: 'RJE' } },
      ...{ priority: 'urgent', purpose: 'direct care' },
    }),
  });
  if (status !== 202) throw new Error(`the order was answered ${status}`);
  return headers.get('location') ?? '';
}

async function ended(hub: Hub, location: string): Promise<string> {
  return eventually(
    'the fetch ends',
    async () => {
      const { body } = await hub.api<Fetch>(location);
      return /available|partial|failed|expired/.test(body.state) ? body.state : undefined;
    },
    { timeoutMs: 120_000 },
  );
}

async function relayedBytes({ url }: Hub): Promise<number> {
  const text = await (await fetch(`${url}/metrics`)).text();
  return Number(/cdip_relay_bytes_total\{[^}]*source="RRK"[^}]*\} (\d+)/.exec(text)?.[1] ?? 0);
}

/** Files under a directory that hold pixels of the series, or a data set of it. */
function holdersOf(directory: string, series: readonly Part10[]): string[] {
  const pixels = (series[0]?.dataSet ?? Buffer.alloc(0)).subarray(-4_096, -4_000);
  return globSync('**/*', { cwd: directory })
    .map((path) => join(directory, path))
    .filter((path) => statSync(path).isFile())
    .filter((path) => {
      const bytes = readFileSync(path);
      return bytes.includes(pixels) || bytes.includes('DICM');
    });
}
