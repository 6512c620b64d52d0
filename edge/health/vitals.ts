/**
 * What is watched all the time for the heartbeat and the status page: machine, disk, traffic, PACS, other edges.
 *
 *   every 15 s: machine, disk, counters        every minute: PACS        every five: other edges
 *   heartbeat, status page ─► details()
 */
import { createHash } from 'node:crypto';
import { statfsSync } from 'node:fs';
import { type Clock, rfc3339 } from '../../shared/clock.ts';
import type { HealthEvent } from '../../shared/contract/events.ts';
import type {
  MachineHealth,
  ModalityHealth,
  TroubledCaller,
} from '../../shared/contract/health.ts';
import type { Directory } from '../../shared/contract/rpc.ts';
import type { Log } from '../../shared/log.ts';
import type { Registry } from '../../shared/metrics.ts';
import { paced } from '../../shared/paced.ts';
import type { Sqlite } from '../../shared/sqlite/open.ts';
import type { SaidNames } from '../access/said-names.ts';
import type { EdgeConfig } from '../config.ts';
import type { FeedRow, MessageLog } from '../hl7/message-log.ts';
import type { EdgeIndex } from '../index/edge-index.ts';
import type { Spool } from '../spool/spool.ts';
import { certificates } from './certificates.ts';
import { DiskForecast } from './disk-forecast.ts';
import { MachineWatch } from './machine.ts';
import { PacsProbes } from './pacs-probe.ts';
import { prepareQueues } from './queues.ts';
import { Reach } from './reach.ts';
import { Traffic } from './traffic.ts';

const LOOK_MS = 15_000;
const MAX_MODALITIES = 200;
const MAX_FEEDS = 20;
const DAY_MS = 86_400_000;

export interface VitalsOptions {
  readonly config: EdgeConfig;
  readonly db: Sqlite;
  readonly index: Pick<EdgeIndex, 'lastObjectPerCaller'>;
  readonly spool: Spool;
  readonly hl7: Pick<MessageLog, 'feeds' | 'deadCount'>;
  readonly directory: () => Directory | undefined;
  readonly clock: Clock;
  readonly log: Log;
  readonly says: SaidNames;
  readonly metrics: Registry;
  readonly troubledCallers: () => TroubledCaller[];
  /** Null: not measured. */
  readonly clockOffsetMs: () => number | null;
  /** When the key for the hub ends, milliseconds since the epoch; null: not known yet. */
  readonly keyEndsAt: () => number | null;
}

/** The parts of a heartbeat that older edges do not have. */
export type HealthDetails = Pick<
  HealthEvent,
  | 'machine'
  | 'queues'
  | 'traffic'
  | 'callers'
  | 'modalities'
  | 'hl7'
  | 'pacs'
  | 'certificates'
  | 'clock'
  | 'reach'
  | 'commitmentFailures'
  | 'configuration'
> & { readonly disk: HealthEvent['disk'] };

export class Vitals {
  readonly #options: VitalsOptions;
  readonly #machine = new MachineWatch();
  readonly #disk = new DiskForecast();
  readonly #traffic: Traffic;
  readonly #pacs: PacsProbes;
  readonly #reach: Reach;
  readonly #queues: ReturnType<typeof prepareQueues>;
  readonly #commitmentFailures: (since: number) => number;
  readonly #configuration: string;
  readonly #feeds: () => FeedRow[];
  #looked: MachineHealth | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: VitalsOptions) {
    const { config, db, metrics } = options;
    const { peers, dicom, trust } = config;
    this.#options = options;
    this.#traffic = new Traffic(metrics);
    this.#pacs = new PacsProbes({
      ...options,
      peers: peers.filter(({ role }) => role === 'pacs'),
      ownAETitle: dicom.aeTitle,
    });
    this.#reach = new Reach({ ...options, trust });
    this.#queues = prepareQueues(db);
    const failures = db
      .prepare<[number], number>(
        `SELECT count(*) FROM commitments
         WHERE ended_at > ? AND (failed > 0 OR outcome = 'given-up')`,
      )
      .pluck();
    this.#commitmentFailures = (since) => failures.get(since) ?? 0;
    this.#configuration = digestOf(config);
    this.#feeds = paced(() => options.hl7.feeds(MAX_FEEDS), options.clock);
  }

  start(): void {
    this.#machine.start();
    this.#pacs.start();
    this.#reach.start();
    this.#look();
    this.#timer = setInterval(() => this.#look(), LOOK_MS);
    this.#timer.unref();
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    this.#machine.stop();
    await Promise.all([this.#pacs.stop(), this.#reach.stop()]);
  }

  details(): HealthDetails {
    const { config, spool, clock, says, troubledCallers, clockOffsetMs, keyEndsAt } = this.#options;
    const now = clock.now();
    const { freeBytes, reserveBytes } = spool.reserve.status();
    return {
      ...(this.#looked === undefined ? {} : { machine: this.#looked }),
      disk: {
        freeBytes: Math.trunc(freeBytes),
        reserveBytes,
        totalBytes: totalBytes(config.dataDirectory),
        hoursToFull: this.#disk.hoursToFull(reserveBytes),
      },
      queues: this.#queues(now),
      traffic: this.#traffic.current(),
      callers: troubledCallers().map((one) => ({
        ...one,
        callingAETitle: says.caller(one.callingAETitle),
      })),
      modalities: this.#modalities(),
      hl7: this.#hl7(),
      pacs: this.#pacs.current(),
      certificates: certificates(config, keyEndsAt()),
      clock: { offsetMs: clockOffsetMs() },
      reach: this.#reach.current(),
      commitmentFailures: this.#commitmentFailures(now - DAY_MS),
      configuration: this.#configuration,
    };
  }

  #look(): void {
    const { spool, clock, log } = this.#options;
    this.#looked = this.#machine.look();
    this.#disk.add(clock.now(), spool.reserve.status().freeBytes);
    this.#traffic.look(clock.monotonicMs()).catch((error: unknown) => {
      log.error('program.bug', { where: 'health/traffic', error });
    });
  }

  /** Whoever stores objects here and is no PACS, the newest first. */
  #modalities(): ModalityHealth[] {
    const { config, index, says } = this.#options;
    const peers = new Map(config.peers.map((peer) => [peer.aeTitle, peer]));
    return index
      .lastObjectPerCaller()
      .filter(({ callingAETitle }) => {
        const role = peers.get(callingAETitle)?.role;
        return callingAETitle !== '' && role !== 'pacs' && role !== 'ai';
      })
      .sort((a, b) => b.lastAt - a.lastAt)
      .slice(0, MAX_MODALITIES)
      .map(({ callingAETitle, lastAt, instances, modality }) => {
        const { name = null, role = null } = peers.get(callingAETitle) ?? {};
        const seen = { lastObjectAt: rfc3339(lastAt), objects: instances };
        const aeTitle = says.caller(callingAETitle);
        return { aeTitle, peer: name, role, modality: says.modality(modality), ...seen };
      });
  }

  #hl7(): NonNullable<HealthEvent['hl7']> {
    const { hl7, says } = this.#options;
    const feeds = this.#feeds().map(({ application, facility, lastAt }) => ({
      ...{ application: says.hl7(application), facility: says.hl7(facility) },
      lastAt: rfc3339(lastAt),
    }));
    return { feeds, dead: hl7.deadCount() };
  }
}

function totalBytes(directory: string): number {
  const { blocks, bsize } = statfsSync(directory);
  return blocks * bsize;
}

/** Tells two configurations apart, and nothing of what stands in them. */
const digestOf = (config: EdgeConfig): string =>
  createHash('sha256').update(JSON.stringify(config)).digest('hex').slice(0, 12);
