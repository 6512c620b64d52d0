/**
 * kill -9 of edges, hub and nats-server under load, again and again; in the end nothing that was
 * acknowledged may be lost or changed, and the hub must be equal to the edges.
 *
 *   senders ─► edges ◄─ killer ─► hub, nats-server        acknowledged ─► compared with spool and hub
 */
import { createHash, randomUUID } from 'node:crypto';
import { randomFrom } from '../../demo/phantom/random.ts';
import type { Edge } from '../support/edge.ts';
import { eventually } from '../support/eventually.ts';
import { killNatsServer } from '../support/kill-nats.ts';
import { type Network, startNetwork } from '../support/network.ts';
import { dataSetDigest, type Part10 } from '../support/part10.ts';
import { contextsOf, openSender } from '../support/sender.ts';
import { dataSetOf, smallObject } from '../support/storage-fixture.ts';

const TRUSTS = ['RRK', 'RJE'];
const SENDERS_A_TRUST = 2;
const EQUAL_WITHIN_MS = 180_000;

export interface ChaosOptions {
  readonly directory: string;
  readonly kills: number;
  /** The same seed gives each program the same waits between its deaths. */
  readonly seed: string;
  readonly say: (text: string) => void;
}

export interface ChaosOutcome {
  readonly acknowledged: number;
  readonly killed: Readonly<Record<string, number>>;
  /** SOP Instance UIDs that were acknowledged and are not in the spool as they were sent. */
  readonly lost: readonly string[];
  readonly secondsToEqual: number;
  readonly studies: number;
}

interface Acknowledged {
  readonly trust: string;
  readonly study: string;
  readonly digest: string;
}

export async function runChaos(options: ChaosOptions): Promise<ChaosOutcome> {
  const { directory } = options;
  const network = await startNetwork({ directory, trusts: TRUSTS, withPacs: false });
  try {
    const acknowledged = new Map<string, Acknowledged>();
    const ending = new AbortController();
    const load = network.sites.flatMap(({ edge }) =>
      Array.from({ length: SENDERS_A_TRUST }, () => keepSending(edge, acknowledged, ending.signal)),
    );
    const killed = await killAndRestart(network, options);
    ending.abort();
    await Promise.all(load);
    const start = performance.now();
    const studies = new Set([...acknowledged.values()].map(({ study }) => study));
    await untilEqual(network, acknowledged);
    return {
      acknowledged: acknowledged.size,
      killed,
      lost: lostOf(network, acknowledged),
      secondsToEqual: Math.round((performance.now() - start) / 1000),
      studies: studies.size,
    };
  } finally {
    await network.stop();
  }
}

/** Small objects, ten a study, over associations that come and go with the edge. */
async function keepSending(
  edge: Edge,
  acknowledged: Map<string, Acknowledged>,
  signal: AbortSignal,
): Promise<void> {
  let study = uid();
  while (!signal.aborted) {
    const some = Array.from({ length: 10 }, () => object(study));
    study = uid();
    try {
      const port = edge.dicomPort;
      const sender = await openSender({ port, contexts: contextsOf(some), timeoutMs: 10_000 });
      for (const one of some) {
        if ((await sender.store(one)) === 0)
          acknowledged.set(one.sopInstanceUID, factsOf(edge, one));
        await pause(5);
      }
      await sender.release();
    } catch {
      // The edge was killed: what it had not acknowledged it need not have.
      await pause(100);
    }
  }
}

function object(study: string): Part10 {
  const sopInstanceUID = uid();
  const over = {
    SOPInstanceUID: sopInstanceUID,
    StudyInstanceUID: study,
    SeriesInstanceUID: `${study}.1`,
    pixels: Buffer.alloc(4_096, sopInstanceUID),
  };
  return {
    sopClassUID: '1.2.840.10008.5.1.4.1.1.2',
    sopInstanceUID,
    transferSyntaxUID: '1.2.840.10008.1.2.1',
    dataSet: dataSetOf(smallObject(0, over)),
  };
}

function factsOf({ trust }: Edge, { dataSet }: Part10): Acknowledged {
  const at = dataSet.indexOf(Buffer.from('20000d00', 'hex'));
  const study = dataSet.toString('latin1', at + 8, at + 8 + dataSet.readUInt16LE(at + 6));
  return {
    trust,
    study: study.replace(/\0$/, ''),
    digest: createHash('sha256').update(dataSet).digest('hex'),
  };
}

const uid = (): string => `2.25.${BigInt(`0x${randomUUID().replaceAll('-', '')}`)}`;
const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** Kills that one program may be ahead of another: what starts fast must not be all that dies at first. */
const MAX_AHEAD = 3;

/** Each victim has its own killer, so that several are down at a time, and one dies while another recovers. */
async function killAndRestart(
  network: Network,
  { kills, seed, say }: ChaosOptions,
): Promise<Record<string, number>> {
  const victims = ['hub', 'nats-server', ...TRUSTS];
  const killed = Object.fromEntries(victims.map((victim) => [victim, 0]));
  let count = 0;
  const killer = async (victim: string, at: number): Promise<void> => {
    const random = randomFrom(`${seed} ${victim}`);
    for (let kill = at; kill < kills; kill += victims.length) {
      killed[victim] = (killed[victim] ?? 0) + 1;
      await killOnce(network, victim, random() * 800);
      count += 1;
      if (count % 10 === 0) say(`${count} of ${kills}: ${JSON.stringify(killed)}`);
      await pause(300 + random() * 1_500);
      const isAhead = (): boolean =>
        (killed[victim] ?? 0) > Math.min(...Object.values(killed)) + MAX_AHEAD;
      while (isAhead()) await pause(100);
    }
  };
  await Promise.all(victims.map(killer));
  return killed;
}

async function killOnce(network: Network, victim: string, downMs: number): Promise<void> {
  if (victim === 'nats-server') return killNatsServer(network.hub.dataDirectory);
  const program = victim === 'hub' ? network.hub : network.site(victim).edge;
  await program.kill9();
  await pause(downMs);
  await program.start();
}

interface Completeness {
  readonly trusts: {
    trust: string;
    here: { studies: number; instances: number };
    there: { studies: number; instances: number } | null;
    equal: boolean | null;
  }[];
}

/** Until the hub holds all that was acknowledged, and says that it is equal. */
async function untilEqual(
  { hub, sites }: Network,
  acknowledged: ReadonlyMap<string, Acknowledged>,
): Promise<void> {
  for (const { trust } of sites) {
    const own = [...acknowledged.values()].filter((object) => object.trust === trust).length;
    await eventually(
      `the hub equals ${trust}`,
      async () => {
        const { body } = await hub.api<Completeness>('/api/completeness');
        const row = body.trusts.find((one) => one.trust === trust);
        const isWhole = row?.equal === true && row.here.instances >= own;
        return isWhole && row.here.instances === row.there?.instances;
      },
      { timeoutMs: EQUAL_WITHIN_MS, everyMs: 500 },
    );
  }
}

function lostOf({ sites }: Network, acknowledged: ReadonlyMap<string, Acknowledged>): string[] {
  const spooled = new Map(
    sites.map(({ trust, edge }) => [trust, new Set(edge.spoolFiles().map(dataSetDigest))]),
  );
  return [...acknowledged]
    .filter(([, { trust, digest }]) => !spooled.get(trust)?.has(digest))
    .map(([uid]) => uid);
}
