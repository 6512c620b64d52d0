/**
 * `cdip bench send`: a study of 300 CT slices from the spool to a PACS, in MB/s, against DCMTK's `storescu`
 * from a folder to the same `storescp`, and bit by bit what arrived.
 *
 * Over loopback `storescu` has TCP_NODELAY=1: as it ships it waits 40 ms an object there. Over a line of 1 Gb/s
 * and 20 ms there and back (wan-link.ts) both: as it ships, and with TCP_NODELAY. cdip is measured whole: queue,
 * index, spool, record of each object; as it is without any setting (four associations), over one as storescu
 * has, and to a peer that grants the operations window, on one. Needs root.
 */
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { programPath } from '../support/missing-peer.ts';
import { dataSetDigest, type Part10, writePart10 } from '../support/part10.ts';
import { digestOf } from '../support/slices.ts';
import { type Storescp, startStorescp } from '../support/storescp.ts';
import { BenchChild, SCRATCH } from './bench-child.ts';
import { ctSeries, newUID } from './ct-series.ts';
import { median, rounded, say, tell } from './result.ts';
import {
  BenchServer,
  DICOM_PORT,
  HOSTS,
  secondsOf,
  startWanLink,
  type WanLink,
} from './wan-link.ts';

const RUNS = 3;
const SLICES = 300;
const LINE = { mbitPerSecond: 1_000, delayMs: 10 };
const WINDOW = 16;
/** As it ships it takes over 100 ms an object on such a line. */
const SLOW_SLICES = 30;
const PORTS = { granting: DICOM_PORT + 1 };

interface Study {
  readonly uid: string;
  readonly objects: readonly Part10[];
  readonly bytes: number;
  /** Of Part 10 files of the objects, and of a few of them. */
  readonly folder: string;
  readonly fewFolder: string;
}

type Way = () => Promise<number>;
type Rates = Record<string, number>;

export async function run(json: boolean): Promise<void> {
  const directory = mkdtempSync(join(SCRATCH, 'cdip-bench-'));
  try {
    const study = writeStudy(directory);
    const { rates: near, bitExact } = await measureNear(join(directory, 'near'), study);
    const far = await measureFar(join(directory, 'far'), study);
    const ratio = (rates: Rates, cdip: string, peer: string): number =>
      rounded((rates[cdip] ?? Number.NaN) / (rates[peer] ?? Number.NaN));
    tell(
      {
        name: 'send',
        value: near['cdip'] ?? Number.NaN,
        unit: 'MB/s',
        ratio: ratio(near, 'cdip', 'storescu'),
        against: 'storescu',
        runs: RUNS,
        ratioOneAssociation: ratio(near, 'cdipOne', 'storescu'),
        ratioAt20ms: ratio(far, 'cdip', 'storescu'),
        ratioWindowAt20ms: ratio(far, 'cdipWindow', 'storescu'),
        loopbackMBs: near,
        at20msMBs: far,
        bitExact,
      },
      json,
    );
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

function writeStudy(directory: string): Study {
  const uid = newUID();
  const objects = ctSeries(SLICES, undefined, uid);
  const [folder, fewFolder] = [join(directory, 'files'), join(directory, 'few-files')];
  for (const made of [folder, fewFolder]) mkdirSync(made);
  for (const [at, object] of objects.entries()) {
    const bytes = writePart10(object);
    writeFileSync(join(folder, `${at}.dcm`), bytes);
    if (at < SLOW_SLICES) writeFileSync(join(fewFolder, `${at}.dcm`), bytes);
  }
  const bytes = objects.reduce((sum, { dataSet }) => sum + dataSet.length, 0);
  return { uid, objects, bytes, folder, fewFolder };
}

async function measureNear(
  directory: string,
  study: Study,
): Promise<{ rates: Rates; bitExact: boolean }> {
  mkdirSync(directory);
  const scp = await startStorescp(join(directory, 'scp'), { args: ['+B', '+xa', '--fork'] });
  const peers = [
    { name: 'cdip', port: scp.port },
    { name: 'one', port: scp.port, connections: 1 },
  ];
  const source = new BenchChild([process.execPath, sourceArgs(directory, study, peers)]);
  try {
    const args = ['-R', '+sd', '127.0.0.1', String(scp.port), study.folder];
    const rates = await compare({
      cdip: () => delivered(source, study, 'cdip'),
      cdipOne: () => delivered(source, study, 'one'),
      storescu: async () => {
        const env = { TCP_NODELAY: '1' };
        return megabytes(study) / (await secondsOf([programPath('storescu'), args], env));
      },
    });
    return { rates, bitExact: await isBitExact(source, study, scp) };
  } finally {
    await source.stop();
    await scp.stop();
  }
}

async function measureFar(directory: string, study: Study): Promise<Rates> {
  mkdirSync(directory);
  const link = await startWanLink(LINE);
  const server = new BenchServer(link, mkdtempSync(join(directory, 'scp-')));
  const host = HOSTS.b;
  const peers = [
    { name: 'cdip', host, port: DICOM_PORT },
    { name: 'window', host, port: PORTS.granting, connections: 1, window: WINDOW },
  ];
  const node = process.execPath;
  const source = new BenchChild(link.on('a', node, ...sourceArgs(directory, study, peers)));
  const program = join(import.meta.dirname, 'send-granting.ts');
  const granting = new BenchChild(link.on('b', node, program, host, String(PORTS.granting)));
  try {
    await granting.ask({});
    await server.start({ TCP_NODELAY: '1' });
    const { cdipWindow, ...rates } = await compare({
      cdip: () => delivered(source, study, 'cdip'),
      cdipWindow: async () => {
        const rate = await delivered(source, study, 'window');
        await granting.ask({});
        return rate;
      },
      storescuNoDelay: () => storescu(link, study, { TCP_NODELAY: '1' }),
    });
    await server.start({});
    const { storescu: asShipped } = await compare({ storescu: () => storescu(link, study, {}) });
    return { ...rates, cdipWindow, storescu: asShipped };
  } finally {
    server.stop();
    await Promise.all([source.stop(), granting.stop()]);
    link.stop();
  }
}

function sourceArgs(directory: string, study: Study, peers: readonly object[]): string[] {
  const program = join(import.meta.dirname, 'send-source.ts');
  return [program, join(directory, 'edge'), study.folder, study.uid, JSON.stringify(peers)];
}

const megabytes = ({ bytes }: Study): number => bytes / 1e6;

async function delivered(source: BenchChild, study: Study, peer: string): Promise<number> {
  const { seconds, sent } = await source.ask<{ seconds: number; sent: number }>({ peer });
  if (sent !== SLICES) throw new Error(`${sent} of ${SLICES} objects were sent`);
  return megabytes(study) / seconds;
}

/** As it ships a few objects tell the rate. */
async function storescu(link: WanLink, study: Study, env: NodeJS.ProcessEnv): Promise<number> {
  const isTuned = env['TCP_NODELAY'] === '1';
  const folder = isTuned ? study.folder : study.fewFolder;
  const args = ['-R', '+sd', HOSTS.b, String(DICOM_PORT), folder];
  const seconds = await secondsOf(link.on('a', programPath('storescu'), ...args), env);
  return (megabytes(study) * readdirSync(folder).length) / SLICES / seconds;
}

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

/** What storescp writes down of a delivery; nothing is left there of what storescu sent. */
async function isBitExact(source: BenchChild, study: Study, scp: Storescp): Promise<boolean> {
  for (const file of scp.files()) rmSync(file);
  await delivered(source, study, 'cdip');
  const there = new Set(scp.files().map(dataSetDigest));
  return study.objects.every((object) => there.has(digestOf(object)));
}
