/**
 * `cdip bench wan`: a study of 300 CT slices from one edge to another over a line of 20 ms there and back, at
 * 100 Mb/s and 1 Gb/s, and with losses. Against DCMTK's C-STORE over the same line (as it ships, with
 * TCP_NODELAY=1 over one association and over ten), and against what the line itself carries. And how long the
 * first image of an immediate fetch takes while fifty bulk fetches wait for the line.
 *
 * Both ends are processes of their own in network namespaces of their own (wan-link.ts), with real storage. A
 * study has come when its last object is synced and verified; storescp does neither, so the files are in memory
 * (/dev/shm) where there is room. A small study warms both ends up. Needs root, and the machine for itself.
 */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { programPath } from '../support/missing-peer.ts';
import { writePart10 } from '../support/part10.ts';
import { BenchChild, EDGE_NODE, SCRATCH } from './bench-child.ts';
import { type RealSeries, realCt } from './real-ct.ts';
import { median, rounded, say, tell } from './result.ts';
import {
  BenchServer,
  DICOM_PORT,
  HOSTS,
  secondsOf,
  startWanLink,
  type WanLink,
  type WanOptions,
} from './wan-link.ts';

const SLICES = 300;
const WARM_UP_SLICES = 60;
const RUNS = 3;
/** As DCMTK ships, each object waits for a timer: so many tell how long all would take. */
const SLOW_SLICES = 30;
const BULK_STUDIES = 50;
const BULK_SLICES = 12;
const ASSOCIATIONS = 10;

const LINES = {
  at100Mb: { mbitPerSecond: 100, delayMs: 10 },
  at1Gb: { mbitPerSecond: 1_000, delayMs: 10 },
  lossy: { mbitPerSecond: 100, delayMs: 10, loss: 0.01, jitterMs: 10 },
} satisfies Record<string, WanOptions>;

interface Figures {
  readonly cdipSeconds: number;
  readonly filedSeconds: number;
  readonly firstImageSeconds: number;
  readonly rawLineSeconds: number;
  readonly tenAssociationsSeconds: number;
  readonly oneAssociationSeconds: number;
  readonly asShippedSeconds: number | null;
  readonly ratioToRawLine: number;
  readonly ratioToTen: number;
  readonly ratioToOne: number;
  readonly ratioToAsShipped: number | null;
  readonly cpuSecondsSource: number;
  readonly cpuSecondsReceiver: number;
}

export async function run(json: boolean): Promise<void> {
  const directory = mkdtempSync(join(SCRATCH, 'cdip-bench-'));
  try {
    const series = realCt(SLICES);
    const lines: Record<string, Figures> = {};
    for (const [name, line] of Object.entries(LINES))
      lines[name] = await measureLine(join(directory, name), line, series);
    const immediate = await measureImmediate(join(directory, 'immediate'));
    tell(
      {
        name: 'wan',
        value: lines['at100Mb']?.cdipSeconds ?? Number.NaN,
        unit: 's (300 CT slices, 157 MB, at 100 Mb/s and 20 ms)',
        ratio: lines['at100Mb']?.ratioToTen ?? Number.NaN,
        against: 'DCMTK C-STORE, ten associations, TCP_NODELAY=1',
        runs: RUNS,
        pixels: series.pixels,
        congestionControl: readFileSync('/proc/sys/net/ipv4/tcp_congestion_control', 'utf8').trim(),
        ...lines,
        immediate,
      },
      json,
    );
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

class Ends {
  readonly link: WanLink;
  readonly source: BenchChild;
  readonly receiver: BenchChild;
  readonly url: string;
  readonly rawPort: number;
  #fetches = 0;

  static async start(directory: string, line: WanOptions, files: string): Promise<Ends> {
    const link = await startWanLink(line);
    const program = (name: string): string => join(import.meta.dirname, name);
    const [node = '', ...flags] = EDGE_NODE;
    const data = join(directory, 'source');
    mkdirSync(data, { recursive: true });
    const source = new BenchChild(
      link.on('a', node, ...flags, program('wan-source.ts'), data, files, HOSTS.a),
    );
    const receiver = new BenchChild(link.on('b', node, ...flags, program('wan-receiver.ts')));
    const where = await source.ask<{ url: string; rawPort: number }>({ what: 'where' });
    return new Ends({ link, source, receiver }, where);
  }

  private constructor(
    ends: { link: WanLink; source: BenchChild; receiver: BenchChild },
    { url, rawPort }: { url: string; rawPort: number },
  ) {
    this.link = ends.link;
    this.source = ends.source;
    this.receiver = ends.receiver;
    this.url = url;
    this.rawPort = rawPort;
  }

  async fetch(study: string, over: object = {}): Promise<Fetched> {
    const { ticket } = await this.source.ask<{ ticket: string }>({ what: 'ticket', study });
    this.#fetches += 1;
    const fetchId = `f${this.#fetches}`;
    const { url } = this;
    return this.receiver.ask<Fetched>({ what: 'fetch', url, study, ticket, fetchId, ...over });
  }

  async stop(): Promise<void> {
    await Promise.all([this.source.stop(), this.receiver.stop()]);
    this.link.stop();
  }
}

interface Fetched {
  readonly first: number;
  readonly staged: number;
  readonly filed: number;
}

/** One after the other in turn, so that a busy moment of the machine meets all of them. */
async function measureLine(
  directory: string,
  line: WanOptions,
  series: RealSeries,
): Promise<Figures> {
  const files = writeFiles(join(directory, 'files'), series);
  const warmUp = realCt(WARM_UP_SLICES);
  writeFiles(join(directory, 'files'), warmUp);
  const runs: Awaited<ReturnType<typeof measureOnce>>[] = [];
  for (let round = 0; round < RUNS; round += 1) {
    const ends = await Ends.start(join(directory, `${round}`), line, join(directory, 'files'));
    try {
      await ends.fetch(warmUp.studyInstanceUID);
      runs.push(await measureOnce(ends, series, files, round === 0 && line.loss === undefined));
      say(`${JSON.stringify(line)}: ${JSON.stringify(runs.at(-1))}`);
    } finally {
      await ends.stop();
      rmSync(join(directory, `${round}`), { recursive: true, force: true });
    }
  }
  rmSync(join(directory, 'files'), { recursive: true, force: true });
  return figuresOf(runs);
}

async function measureOnce(
  ends: Ends,
  { studyInstanceUID, objects }: RealSeries,
  files: readonly string[],
  withAsShipped: boolean,
) {
  const bytes = objects.reduce((sum, { dataSet }) => sum + dataSet.length, 0);
  const raw = await ends.receiver.ask<{ seconds: number }>({
    ...{ what: 'raw', host: HOSTS.a, port: ends.rawPort, bytes },
  });
  const before = await cpuOf(ends);
  const fetched = await ends.fetch(studyInstanceUID);
  const after = await cpuOf(ends);
  const received = mkdtempSync(join(SCRATCH, 'cdip-bench-storescp-'));
  const storescp = new BenchServer(ends.link, received);
  try {
    const tuned = { TCP_NODELAY: '1' };
    await storescp.start(tuned);
    const one = await storescu(ends.link, files, tuned);
    const shares = Array.from({ length: ASSOCIATIONS }, (_, at) =>
      files.filter((_file, number) => number % ASSOCIATIONS === at),
    );
    const start = performance.now();
    await Promise.all(shares.map((share) => storescu(ends.link, share, tuned)));
    const ten = (performance.now() - start) / 1000;
    let asShipped: number | null = null;
    if (withAsShipped) {
      await storescp.start({});
      const some = files.slice(0, SLOW_SLICES);
      asShipped = ((await storescu(ends.link, some, {})) * SLICES) / SLOW_SLICES;
    }
    return {
      ...{ raw: raw.seconds, ...fetched, one, ten, asShipped },
      cpuSource: after.source - before.source,
      cpuReceiver: after.receiver - before.receiver,
    };
  } finally {
    storescp.stop();
    rmSync(received, { recursive: true, force: true });
  }
}

type Run = Awaited<ReturnType<typeof measureOnce>>;

function figuresOf(runs: readonly Run[]): Figures {
  const of = (pick: (run: Run) => number): number => rounded(median(runs.map(pick)));
  const asShipped = runs.map((run) => run.asShipped).find((seconds) => seconds !== null) ?? null;
  return {
    cdipSeconds: of(({ staged }) => staged),
    filedSeconds: of(({ filed }) => filed),
    firstImageSeconds: of(({ first }) => first),
    rawLineSeconds: of(({ raw }) => raw),
    tenAssociationsSeconds: of(({ ten }) => ten),
    oneAssociationSeconds: of(({ one }) => one),
    asShippedSeconds: asShipped === null ? null : rounded(asShipped),
    ratioToRawLine: of(({ raw, staged }) => raw / staged),
    ratioToTen: of(({ ten, staged }) => ten / staged),
    ratioToOne: of(({ one, staged }) => one / staged),
    ratioToAsShipped:
      asShipped === null ? null : rounded(asShipped / median(runs.map(({ staged }) => staged))),
    cpuSecondsSource: of(({ cpuSource }) => cpuSource),
    cpuSecondsReceiver: of(({ cpuReceiver }) => cpuReceiver),
  };
}

/** The first image of an immediate fetch: alone, and while bulk fetches are under way. */
async function measureImmediate(directory: string): Promise<object> {
  const files = join(directory, 'files');
  const alone = Array.from({ length: RUNS }, () => realCt(BULK_SLICES));
  const during = Array.from({ length: RUNS }, () => realCt(BULK_SLICES));
  const bulk = Array.from({ length: BULK_STUDIES }, () => realCt(BULK_SLICES));
  for (const series of [...alone, ...during, ...bulk]) writeFiles(files, series);
  const ends = await Ends.start(directory, LINES.at100Mb, files);
  try {
    const firsts: { alone: number[]; during: number[] } = { alone: [], during: [] };
    await ends.fetch(realStudy(alone, 0));
    for (const { studyInstanceUID } of alone.slice(1))
      firsts.alone.push((await ends.fetch(studyInstanceUID, IMMEDIATE)).first);
    for (const { studyInstanceUID: study } of bulk) {
      const { ticket } = await ends.source.ask<{ ticket: string }>({ what: 'ticket', study });
      const begin = { what: 'begin', url: ends.url, study, ticket, priority: 'bulk' };
      await ends.receiver.ask({ ...begin, fetchId: `bulk-${study}` });
    }
    for (const { studyInstanceUID } of during) {
      await new Promise((resolve) => setTimeout(resolve, 1_000));
      firsts.during.push((await ends.fetch(studyInstanceUID, IMMEDIATE)).first);
    }
    const [a, b] = [median(firsts.alone), median(firsts.during)];
    say(`immediate: ${JSON.stringify(firsts)}`);
    return {
      firstImageAloneSeconds: rounded(a, 3),
      firstImageDuringBulkSeconds: rounded(b, 3),
      ratio: rounded(b / a),
    };
  } finally {
    await ends.stop();
  }
}

const IMMEDIATE = { priority: 'immediate' };
const realStudy = (series: readonly RealSeries[], at: number): string =>
  series[at]?.studyInstanceUID ?? '';

async function cpuOf({ source, receiver }: Ends): Promise<{ source: number; receiver: number }> {
  const ask = async (end: BenchChild): Promise<number> =>
    (await end.ask<{ cpuSeconds: number }>({ what: 'cpu' })).cpuSeconds;
  return { source: await ask(source), receiver: await ask(receiver) };
}

function writeFiles(directory: string, { objects }: RealSeries): string[] {
  mkdirSync(directory, { recursive: true });
  return objects.map((object) => {
    const file = join(directory, `${object.sopInstanceUID}.dcm`);
    writeFileSync(file, writePart10(object));
    return file;
  });
}

function storescu(
  link: WanLink,
  files: readonly string[],
  env: NodeJS.ProcessEnv,
): Promise<number> {
  return secondsOf(
    link.on('a', programPath('storescu'), '-xe', HOSTS.b, String(DICOM_PORT), ...files),
    env,
  );
}
