/**
 * `cdip bench send`: a study of 300 CT slices from the spool to a PACS, in MB/s, against DCMTK's `storescu`
 * from a folder to the same `storescp`, and bit by bit what arrived.
 *
 * Over loopback `storescu` has TCP_NODELAY=1: as it ships it waits 40 ms an object there. Over 20 ms of round
 * trip both: as it ships, and with TCP_NODELAY. cdip is measured whole: queue, index, spool, record of each object;
 * over one association as storescu has, over four, and to a peer that grants the operations window, on one.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Peer } from '../../edge/config.ts';
import { runTool } from '../support/dcmtk.ts';
import { startDelayProxy } from '../support/delay-proxy.ts';
import { type Delivering, startDelivering } from '../support/delivering.ts';
import { startDicomPort } from '../support/dicom-port.ts';
import { dataSetDigest, type Part10, writePart10 } from '../support/part10.ts';
import { peerOf } from '../support/peer.ts';
import { digestOf } from '../support/slices.ts';
import { type Storescp, startStorescp } from '../support/storescp.ts';
import { ctSeries, newUID } from './ct-series.ts';
import { median, rounded, say, tell } from './result.ts';

const RUNS = 3;
const SLICES = 300;
const ROUND_TRIP_MS = 20;
const CONNECTIONS = 4;
const WINDOW = 16;

interface Sending {
  readonly study: string;
  readonly objects: readonly Part10[];
  readonly bytes: number;
  /** Of Part 10 files of the same objects. */
  readonly folder: string;
  readonly delivering: Delivering;
  readonly storescp: Storescp;
}

export async function run(json: boolean): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), 'cdip-bench-'));
  const storescp = await startStorescp(join(directory, 'scp'), { args: ['+B', '+xa', '--fork'] });
  const proxy = await startDelayProxy(storescp.port, ROUND_TRIP_MS);
  const granting = await startDicomPort();
  const grantingProxy = await startDelayProxy(granting.port, ROUND_TRIP_MS);
  const peers = [
    peerOf({ name: 'one', port: storescp.port, connections: 1 }),
    peerOf({ name: 'several', port: storescp.port, connections: CONNECTIONS }),
    peerOf({ name: 'far', port: proxy.port, connections: CONNECTIONS }),
    peerOf({ name: 'window', port: grantingProxy.port, connections: 1, window: WINDOW }),
  ];
  const sending = await prepare(directory, { storescp, peers });
  const clear = (): void => void granting.received.splice(0);
  try {
    const near = await compare({
      cdip: () => deliver(sending, 'one'),
      cdipSeveral: () => deliver(sending, 'several'),
      storescu: () => storescu(sending, storescp.port, { TCP_NODELAY: '1' }),
    });
    const far = await compare({
      cdip: () => deliver(sending, 'far'),
      cdipWindow: () => deliver(sending, 'window').finally(clear),
      storescu: () => storescu(sending, proxy.port, {}),
      storescuNoDelay: () => storescu(sending, proxy.port, { TCP_NODELAY: '1' }),
    });
    tell(
      {
        name: 'send',
        value: near.cdip,
        unit: 'MB/s',
        ratio: rounded(near.cdip / near.storescu),
        against: 'storescu',
        runs: RUNS,
        ratioAt20ms: rounded(far.cdip / far.storescu),
        ratioWindowAt20ms: rounded(far.cdipWindow / far.storescu),
        loopbackMBs: near,
        at20msMBs: far,
        bitExact: await isBitExact(sending),
      },
      json,
    );
  } finally {
    await sending.delivering.close();
    await Promise.all([proxy.stop(), grantingProxy.stop(), storescp.stop(), granting.stop()]);
    rmSync(directory, { recursive: true, force: true });
  }
}

async function prepare(
  directory: string,
  { storescp, peers }: { storescp: Storescp; peers: readonly Peer[] },
): Promise<Sending> {
  const delivering = await startDelivering(join(directory, 'edge'), peers);
  const study = newUID();
  const objects = ctSeries(SLICES, undefined, study);
  await delivering.store(objects);
  const folder = mkdtempSync(join(directory, 'files-'));
  for (const [at, object] of objects.entries())
    writeFileSync(join(folder, `${at}.dcm`), writePart10(object));
  const bytes = objects.reduce((sum, { dataSet }) => sum + dataSet.length, 0);
  return { study, objects, bytes, folder, delivering, storescp };
}

type Way = () => Promise<number>;

/** MB/s, the median of the runs; the order changes from run to run, and the first is not counted. */
async function compare<Name extends string>(
  ways: Record<Name, Way>,
): Promise<Record<Name, number>> {
  const rates = new Map<string, number[]>();
  const all = Object.entries<Way>(ways);
  for (let round = 0; round <= RUNS; round += 1)
    for (let at = 0; at < all.length; at += 1) {
      const [name, way] = all[(at + round) % all.length] as [string, Way];
      const rate = await way();
      say(`run ${round}: ${name} ${rate.toFixed(1)} MB/s`);
      if (round > 0) rates.set(name, [...(rates.get(name) ?? []), rate]);
    }
  const medians = [...rates].map(([name, values]) => [name, rounded(median(values), 1)]);
  return Object.fromEntries(medians) as Record<Name, number>;
}

/** From the request until every object is acknowledged, and that recorded. */
async function deliver({ study, bytes, delivering }: Sending, peer: string): Promise<number> {
  const start = performance.now();
  const id = delivering.deliver(study, peer);
  while (delivering.queue.progress(id).sent < SLICES)
    await new Promise((resolve) => setTimeout(resolve, 2));
  const seconds = (performance.now() - start) / 1000;
  await delivering.ends(id);
  return bytes / 1e6 / seconds;
}

async function storescu(
  { bytes, folder }: Sending,
  port: number,
  environment: NodeJS.ProcessEnv,
): Promise<number> {
  const start = performance.now();
  const args = ['-R', '+sd', '127.0.0.1', String(port), folder];
  const { code, output } = await runTool('storescu', args, environment);
  if (code !== 0) throw new Error(`storescu ended with ${code}: ${output}`);
  return bytes / 1e6 / ((performance.now() - start) / 1000);
}

/** What storescp writes down of a delivery; nothing is left there of what storescu sent. */
async function isBitExact(sending: Sending): Promise<boolean> {
  const { objects, storescp } = sending;
  for (const file of storescp.files()) rmSync(file);
  await deliver(sending, 'several');
  const there = new Set(storescp.files().map(dataSetDigest));
  return objects.every((object) => there.has(digestOf(object)));
}
