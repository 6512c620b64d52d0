/**
 * `cdip bench ingest`: C-STORE to durable and indexed, in MB/s, against `storescp +B`, which writes
 * without fsync and indexes nothing, and Orthanc. 1 and 4 senders of 300 CT slices; one object of 1 GB
 * and 20 senders for the memory.
 *
 * Senders encode beforehand and only write: what is measured is the receiver. storescp forks for each
 * association, since it serves one at a time otherwise. The order of the peers changes from run to run.
 *
 * `ofPossible`: against a receiver that takes storescp's time and the disk's for one fsync an object, and no other.
 */
import { execFileSync } from 'node:child_process';
import {
  closeSync,
  fsyncSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { startEdge } from '../support/edge.ts';
import { startOrthanc } from '../support/orthanc.ts';
import type { Part10 } from '../support/part10.ts';
import type { Program } from '../support/program.ts';
import { contextsOf, openSender } from '../support/sender.ts';
import { startStorescp } from '../support/storescp.ts';
import { ctSeries } from './ct-series.ts';
import { median, rounded, say, tell } from './result.ts';

const RUNS = 5;
/** Rounds that are not counted: a receiver runs for months, and what is compiled as it runs is slow at first. */
const WARM_UP = 3;
const SLICES = 300;
const QUIET_MS = 2_000;
const GIGABYTE = 1_000_000_000;

interface Receiver {
  readonly name: string;
  readonly port: number;
  readonly program: Program;
  stop(): Promise<void>;
}

export async function run(json: boolean): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), 'cdip-bench-'));
  const receivers = await startReceivers(directory);
  try {
    const one = await rates(receivers, 1);
    const syncSeconds = median(Array.from({ length: RUNS }, () => secondsOfSyncs(directory)));
    const four = await rates(receivers, 4);
    const memory = await peakMemory(join(directory, 'memory'));
    const [edge, storescp, orthanc] = receivers.map(({ name }) => median(one.get(name) ?? []));
    tell(
      {
        name: 'ingest',
        value: rounded(edge ?? 0, 1),
        unit: 'MB/s',
        ratio: rounded((edge ?? 0) / (storescp ?? 1)),
        against: 'storescp +B',
        runs: RUNS,
        ratioOrthanc: rounded((edge ?? 0) / (orthanc ?? 1)),
        ofPossible: rounded((edge ?? 0) * (1 / (storescp ?? 1) + syncSeconds)),
        diskSecondsPerGB: rounded(syncSeconds * 1000),
        oneSenderMBs: Object.fromEntries(
          receivers.map(({ name }) => [name, rounded(median(one.get(name) ?? []), 1)]),
        ),
        fourSendersMBs: Object.fromEntries(
          receivers.map(({ name }) => [name, rounded(median(four.get(name) ?? []), 1)]),
        ),
        ...memory,
      },
      json,
    );
  } finally {
    await Promise.all(receivers.map((receiver) => receiver.stop()));
    rmSync(directory, { recursive: true, force: true });
  }
}

async function startReceivers(directory: string): Promise<Receiver[]> {
  const edge = await startEdge({ directory: join(directory, 'edge'), trust: 'RRK' });
  const storescp = await startStorescp(join(directory, 'storescp'), {
    args: ['+B', '+xa', '--fork'],
  });
  const orthanc = await startOrthanc(join(directory, 'orthanc'));
  return [
    { name: 'cdip', port: edge.dicomPort, program: edge.program, stop: () => edge.stop() },
    { name: 'storescp', ...storescp },
    {
      name: 'Orthanc',
      port: orthanc.dicomPort,
      program: orthanc.program,
      stop: () => orthanc.stop(),
    },
  ];
}

/** What it takes to make files of the objects' sizes durable one after the other, beside writing them; per MB. */
function secondsOfSyncs(directory: string): number {
  const folder = join(directory, 'disk');
  mkdirSync(folder);
  let [seconds, bytes] = [0, 0];
  for (const [at, { dataSet }] of ctSeries(SLICES).entries()) {
    const file = openSync(join(folder, `${at}`), 'wx');
    bytes += writeSync(file, dataSet);
    const start = performance.now();
    fsyncSync(file);
    seconds += (performance.now() - start) / 1000;
    closeSync(file);
  }
  rmSync(folder, { recursive: true });
  return seconds / (bytes / 1e6);
}

/** MB/s of each run, by receiver. */
async function rates(
  receivers: readonly Receiver[],
  senders: number,
): Promise<Map<string, number[]>> {
  const results = new Map<string, number[]>(receivers.map(({ name }) => [name, []]));
  for (let round = 0; round < WARM_UP + RUNS; round += 1) {
    const order = receivers.map((_, at) => receivers[(at + round) % receivers.length] as Receiver);
    for (const { name, port } of order) {
      const series = Array.from({ length: senders }, () => ctSeries(SLICES));
      // What another receiver left in memory is on the disk then; an edge makes files ready in the quiet.
      execFileSync('sync');
      await setTimeout(QUIET_MS);
      const rate = await send(port, series);
      say(`${senders} sender(s), run ${round}: ${name} ${rate.toFixed(1)} MB/s`);
      if (round >= WARM_UP) results.get(name)?.push(rate);
    }
  }
  return results;
}

/** Sends each series over an association of its own. @returns MB/s over all */
async function send(port: number, series: readonly (readonly Part10[])[]): Promise<number> {
  const prepared = await Promise.all(
    series.map(async (objects) => {
      const sender = await openSender({ port, contexts: contextsOf(objects), timeoutMs: 120_000 });
      return { sender, encoded: objects.map((object) => sender.encode(object)) };
    }),
  );
  const bytes = series.flat().reduce((sum, { dataSet }) => sum + dataSet.length, 0);
  const start = performance.now();
  await Promise.all(
    prepared.map(async ({ sender, encoded }) => {
      for (const message of encoded) {
        const status = await sender.sendEncoded(message);
        if (status !== 0) throw new Error(`status ${status.toString(16)}`);
      }
    }),
  );
  const seconds = (performance.now() - start) / 1000;
  await Promise.all(prepared.map(({ sender }) => sender.release()));
  return bytes / 1e6 / seconds;
}

/** Peak resident memory of a fresh edge, in MB. */
async function peakMemory(
  directory: string,
): Promise<{ peakMBOneGigabyte: number; peakMBTwentySenders: number; cpuSecondsPerGB: number }> {
  const large = await withFreshEdge(join(directory, 'large'), async (port) => {
    await send(port, [ctSeries(1, GIGABYTE)]);
  });
  const many = await withFreshEdge(join(directory, 'many'), async (port) => {
    await send(
      port,
      Array.from({ length: 20 }, () => ctSeries(60)),
    );
  });
  return {
    peakMBOneGigabyte: large.peakMB,
    peakMBTwentySenders: many.peakMB,
    cpuSecondsPerGB: large.cpuSeconds,
  };
}

async function withFreshEdge(
  directory: string,
  work: (port: number) => Promise<void>,
): Promise<{ peakMB: number; cpuSeconds: number }> {
  const edge = await startEdge({ directory, trust: 'RRK' });
  try {
    const before = cpuSecondsOf(edge.program.pid);
    await work(edge.dicomPort);
    const status = readFileSync(`/proc/${edge.program.pid}/status`, 'utf8');
    const peakKB = Number(/VmHWM:\s+(\d+)/.exec(status)?.[1]);
    const cpuSeconds = rounded(cpuSecondsOf(edge.program.pid) - before);
    return { peakMB: rounded(peakKB / 1000, 0), cpuSeconds };
  } finally {
    await edge.stop();
    rmSync(directory, { recursive: true, force: true });
  }
}

/** User and system time. proc(5): fields 14 and 15 of stat, in ticks of 10 ms. */
function cpuSecondsOf(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) / 100;
}
