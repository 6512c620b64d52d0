/** kill -9 of each program while a study is fetched: it ends as if nothing had happened. */
import t, { type Test } from 'tap';
import { ctSeries } from '../bench/ct-series.ts';
import { cdip } from '../support/cdip.ts';
import { eventually } from '../support/eventually.ts';
import { killNatsServer } from '../support/kill-nats.ts';
import { missingPeer } from '../support/missing-peer.ts';
import { type Network, startNetwork } from '../support/network.ts';
import { contextsOf, openSender } from '../support/sender.ts';

const SLICES = 80;
const skip = missingPeer('Orthanc', 'nats-server');

interface Fetch {
  readonly fetchId: string;
  readonly state: string;
  readonly stateReason: { code: string } | null;
}

const VICTIMS: Readonly<Record<string, (network: Network) => Promise<void>>> = {
  'the receiving edge': async ({ site }) => {
    await site('RJE').edge.kill9();
    await site('RJE').edge.start();
  },
  'the sending edge': async ({ site }) => {
    await site('RRK').edge.kill9();
    await site('RRK').edge.start();
  },
  'the hub': async ({ hub }) => {
    await hub.kill9();
    await hub.start();
  },
  'nats-server': async ({ hub }) => killNatsServer(hub.dataDirectory),
  'the PACS': async ({ site }) => {
    await site('RJE').pacs?.program.kill9();
    await site('RJE').pacs?.program.start();
  },
};

t.test('a fetch over kill -9 of each program', { skip, timeout: 600_000 }, async (t) => {
  const network = await startNetwork({ directory: t.testdir(), trusts: ['RRK', 'RJE'] });
  t.teardown(() => network.stop());
  for (const [victim, kill] of Object.entries(VICTIMS)) {
    await t.test(victim, async (t) => {
      const { study, uids } = await sendStudy(network);
      const { fetchId } = await order(network, study);
      // While it is under way: some objects have come, not all.
      await new Promise((resolve) => setTimeout(resolve, 150));
      await kill(network);
      const ended = await eventually(
        'the fetch ends',
        async () => {
          const { body } = await network.hub.api<Fetch>(`/api/fetches/${fetchId}`);
          return ['available', 'partial', 'failed'].includes(body.state) ? body : undefined;
        },
        { timeoutMs: 90_000, everyMs: 200 },
      );
      t.match(ended, { state: 'available' });
      t.strictSame(await network.site('RJE').pacs?.sopInstanceUIDs(study), uids);
    });
  }
  await t.test('while the hub is down an urgent one is ordered here', (t) => unaided(t, network));
});

/** Without the hub, by the directory and the delegation that it had given; told to it when it is back. */
async function unaided(t: Test, network: Network): Promise<void> {
  const { hub } = network;
  const { edge, pacs } = network.site('RJE');
  const { study, uids } = await sendStudy(network);
  const wish = ['edge', 'fetch', study, '--from', 'RRK', '--by', 'Dr Ada Okafor'];
  const args = [...wish, '--reason', 'theatre', '--patient', 'J1', '--config', edge.configFile];
  const early = await cdip(args);
  t.equal(early.code, 1);
  t.match(early.stderr, /HUB_ANSWERS/, 'while a hub answers it decides');
  await hub.kill9();
  const { code, stdout, stderr } = await cdip(args);
  t.equal(code, 0, stderr);
  await eventually(
    'the study is in the PACS',
    async () => (await pacs?.sopInstanceUIDs(study))?.length === uids.length,
    { timeoutMs: 90_000, everyMs: 500 },
  );
  t.strictSame(await pacs?.sopInstanceUIDs(study), uids);
  await hub.start();
  const sides = await eventually(
    'both edges have told the hub',
    async () => {
      const { body } = await hub.api<{ events: { what: string; query: { fetchId: string } }[] }>(
        `/api/audit?study=${study}`,
      );
      const told = body.events.filter(({ query }) => query.fetchId === stdout);
      return told.length >= 2 ? told.map(({ what }) => what) : undefined;
    },
    { timeoutMs: 90_000, everyMs: 500 },
  );
  t.strictSame([...new Set(sides)].sort(), ['cdip.rpc.RJE.unaided', 'cdip.rpc.RRK.unaided']);
  const key = hub.key('reviews', 'privacy');
  const { body } = await hub.api<{ accesses: object[] }>('/api/break-glass?state=open', {
    headers: { authorization: `Bearer ${key}` },
  });
  t.match(body.accesses, [{ by: { name: 'Dr Ada Okafor', trust: 'RJE' } }], 'it is reviewed, once');
}

async function sendStudy(network: Network): Promise<{ study: string; uids: string[] }> {
  const series = ctSeries(SLICES, 200_000);
  const [first] = series;
  if (first === undefined) throw new Error('no slice');
  const at = first.dataSet.indexOf(Buffer.from('20000d00', 'hex'));
  const end = at + 8 + first.dataSet.readUInt16LE(at + 6);
  const study = first.dataSet.toString('latin1', at + 8, end).replace(/\0$/, '');
  const port = network.site('RRK').edge.dicomPort;
  const sender = await openSender({ port, contexts: contextsOf(series) });
  for (const object of series) await sender.store(object);
  await sender.release();
  await eventually('the hub has all of it', async () => {
    const { body } = await network.hub.api<{ numberOfInstances?: number }>(`/api/studies/${study}`);
    return body.numberOfInstances === SLICES;
  });
  return { study, uids: series.map(({ sopInstanceUID }) => sopInstanceUID).sort() };
}

async function order({ hub }: Network, studyInstanceUID: string): Promise<Fetch> {
  const { body } = await hub.api<Fetch>('/api/fetches', {
    method: 'POST',
    body: JSON.stringify({
      studyInstanceUID,
      to: { trust: 'RJE' },
      localPatient: { patientId: 'J1', issuer: 'RJE' },
      priority: 'urgent',
      purpose: 'direct care',
    }),
  });
  return body;
}
