/**
 * `cdip bench deidentify`: files to files, read twice, changed, checked for leaks and synced, in MB/s and
 * objects/s and for each second of a core, against `dcmodify` on the same files, which changes ten elements in place and checks and syncs
 * nothing. And the engine alone, from memory to memory; and its memory with an object of 1 GB.
 */
import { cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Aliases } from '../../edge/deidentify/aliases.ts';
import { ObjectDeidentifier } from '../../edge/deidentify/deidentify-object.ts';
import { deidentifyFolder } from '../../edge/deidentify/folder-run.ts';
import { Pseudonyms } from '../../edge/deidentify/pseudonyms.ts';
import { readSubject } from '../../edge/deidentify/subject.ts';
import { systemClock } from '../../shared/clock.ts';
import type { DataSetSource } from '../../shared/dicom/rewrite.ts';
import { IdentifierSearch } from '../../shared/identifier-search.ts';
import { runTool } from '../support/dcmtk.ts';
import { writePart10 } from '../support/part10.ts';
import { ctSeries } from './ct-series.ts';
import { median, rounded, say, tell } from './result.ts';

const RUNS = 3;
const SLICES = 300;
const SMALL_OBJECTS = 1_000;
const SMALL_PIXEL_BYTES = 2_048;
const GIGABYTE = 1_000_000_000;

export async function run(json: boolean): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), 'cdip-bench-'));
  try {
    const slices = writeSeries(join(directory, 'ct'), SLICES, undefined);
    const small = writeSeries(join(directory, 'small'), SMALL_OBJECTS, SMALL_PIXEL_BYTES);
    const [ours, peers, smallOnes]: [number[], number[], number[]] = [[], [], []];
    const [perCore, smallPerCore]: [number[], number[]] = [[], []];
    // The first is not counted: what is compiled as it runs is slow then.
    for (let n = 0; n <= RUNS; n += 1) {
      const large = await timesOf(slices.folder, directory);
      const little = await timesOf(small.folder, directory);
      const rate = slices.bytes / 1e6 / large.seconds;
      const objects = SMALL_OBJECTS / little.seconds;
      const peer = slices.bytes / 1e6 / (await dcmodifySeconds(slices.folder, directory));
      say(
        `run ${n}: ${rounded(rate, 1)} MB/s, dcmodify ${rounded(peer, 1)}, ${rounded(objects, 0)} objects/s`,
      );
      if (n === 0) continue;
      ours.push(rate);
      peers.push(peer);
      smallOnes.push(objects);
      perCore.push(slices.bytes / 1e6 / large.coreSeconds);
      smallPerCore.push(SMALL_OBJECTS / little.coreSeconds);
    }
    tell(
      {
        ...{ name: 'deidentify', value: rounded(median(ours), 1), unit: 'MB/s', runs: RUNS },
        ...{ ratio: rounded(median(ours) / median(peers)), against: 'dcmodify' },
        dcmodifyMBs: rounded(median(peers), 1),
        objectsPerSecond: rounded(median(smallOnes), 0),
        coreMBs: rounded(median(perCore), 1),
        objectsPerCoreSecond: rounded(median(smallPerCore), 0),
        ...(await engineAlone()),
      },
      json,
    );
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

function writeSeries(
  folder: string,
  count: number,
  pixelBytes: number | undefined,
): { readonly folder: string; readonly bytes: number } {
  mkdirSync(folder);
  let bytes = 0;
  for (const [n, object] of ctSeries(count, pixelBytes).entries()) {
    const file = writePart10(object);
    bytes += file.length;
    writeFileSync(join(folder, `${n}.dcm`), file);
  }
  return { folder, bytes };
}

/** On a busy machine the clock tells of the others, the time of the cores of us. */
async function timesOf(
  input: string,
  directory: string,
): Promise<{ readonly seconds: number; readonly coreSeconds: number }> {
  const output = join(directory, 'out');
  const from = performance.now();
  const before = process.cpuUsage();
  await deidentifyFolder({
    ...{ input, output, keyFile: join(directory, 'key'), project: 'bench', profile: 'basic' },
    ...{ options: [], masks: [], clock: systemClock, onProgress: () => {} },
  });
  const seconds = (performance.now() - from) / 1_000;
  const { user, system } = process.cpuUsage(before);
  rmSync(output, { recursive: true, force: true });
  return { seconds, coreSeconds: (user + system) / 1e6 };
}

async function dcmodifySeconds(input: string, directory: string): Promise<number> {
  const copy = join(directory, 'copy');
  cpSync(input, copy, { recursive: true });
  const files = readdirSync(copy).map((name) => join(copy, name));
  const changes = ['PatientName', 'PatientID', 'AccessionNumber', 'StudyDate', 'StudyTime'];
  const modify = changes.flatMap((keyword) => ['-i', `${keyword}=1`]);
  const from = performance.now();
  await runTool('dcmodify', ['-nb', '-gst', '-gse', '-gin', '-ep', ...modify, ...files]);
  const seconds = (performance.now() - from) / 1_000;
  rmSync(copy, { recursive: true, force: true });
  return seconds;
}

/** On one core, without a disk. */
async function engineAlone(): Promise<Record<string, number>> {
  const [slice] = ctSeries(1);
  if (slice === undefined) throw new Error('no slice');
  const { transferSyntaxUID, dataSet } = slice;
  const object = { transferSyntaxUID, open: () => chunks([dataSet]) };
  const before = process.cpuUsage();
  for (let n = 0; n < SLICES; n += 1) await deidentify(object);
  const { user, system } = process.cpuUsage(before);
  const engineMBs = (SLICES * dataSet.length) / (user + system);
  const resting = process.memoryUsage().rss;
  const peak = await deidentify({ transferSyntaxUID, open: () => chunks(gigabyteObject()) });
  return {
    engineMBs: rounded(engineMBs, 0),
    extraMemoryMBOfGigabyte: rounded((peak - resting) / 1e6, 0),
  };
}

/** @returns the most memory seen, in bytes */
async function deidentify(source: DataSetSource): Promise<number> {
  const subject = await readSubject(source);
  const aliases = new Aliases();
  aliases.add(subject);
  const rules = { options: [], masks: [], pseudonyms: new Pseudonyms(Buffer.alloc(32, 1)) };
  const search = new IdentifierSearch(aliases.identifiersOf(subject).identifiers);
  const patientKey = aliases.keyOf(subject);
  let peak = 0;
  for await (const _ of new ObjectDeidentifier(rules, {
    source,
    subject,
    patientKey,
    search,
  }).bytes())
    peak = Math.max(peak, process.memoryUsage.rss());
  return peak;
}

/** A slice's attributes, and pixels for as long as it takes. */
function* gigabyteObject(): Generator<Buffer> {
  const [slice] = ctSeries(1, 2);
  if (slice === undefined) return;
  const head = Buffer.from(slice.dataSet.subarray(0, -2));
  head.writeUInt32LE(GIGABYTE, head.length - 4);
  yield head;
  for (let left = GIGABYTE; left > 0; left -= 1_000_000) yield Buffer.alloc(1_000_000, 7);
}

async function* chunks(parts: Iterable<Buffer>): AsyncGenerator<Buffer> {
  yield* parts;
}
