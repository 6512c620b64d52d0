/**
 * Brings studies that the trust's PACS holds into the spool, when somebody needs them: one at a time from each
 * PACS, each once however many wait for it.
 *
 *   C-MOVE, C-GET, transfer ─► bring(study) ─► retrieveOne ─► whole │ partial │ failed, with a reason
 *
 * What is brought is the PACS's: edge/retention lets it go again.
 */
import type { Clock } from '../../shared/clock.ts';
import type { Log } from '../../shared/log.ts';
import { Counter, type Registry } from '../../shared/metrics.ts';
import type { Sqlite } from '../../shared/sqlite/open.ts';
import type { EdgeConfig, Peer } from '../config.ts';
import { PacsFinder } from '../crawl/pacs-finder.ts';
import { PacsStudies } from '../crawl/pacs-studies.ts';
import type { DimseServices } from '../dimse/service.ts';
import type { EdgeIndex } from '../index/edge-index.ts';
import type { Spool } from '../spool/spool.ts';
import { watched } from './arrivals.ts';
import { type MethodName, type RetrieveMethod, waysOf } from './method.ts';
import { retrieveMethods } from './methods.ts';
import { type RetrieveOutcome, retrieveOne } from './one-retrieve.ts';
import { PacsListing } from './pacs-listing.ts';
import { RetrieveLog } from './retrieve-log.ts';
import { Watchdog } from './watchdog.ts';

export interface RetrieverOptions {
  readonly config: Pick<EdgeConfig, 'dicom' | 'peers' | 'retrieve'>;
  readonly db: Sqlite;
  readonly index: EdgeIndex;
  readonly spool: Pick<Spool, 'reserve'>;
  /** The edge's own. */
  readonly store: DimseServices['store'];
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Registry;
}

/** How far a retrieve has come. */
export interface RetrieveStand {
  readonly instances: number;
  /** Null: the PACS does not say. */
  readonly expected: number | null;
}

interface Run {
  readonly outcome: Promise<RetrieveOutcome>;
  readonly ending: AbortController;
  watchdog: Watchdog | undefined;
  waiting: number;
}

export class Retriever {
  /** For the edge's port: the objects of a C-MOVE come by associations of the PACS's own. */
  readonly store: DimseServices['store'];
  readonly listing: PacsListing;
  readonly #options: RetrieverOptions;
  readonly #runs = new Map<string, Run>();
  /** Objects that a PACS is asked for to see whether they come, by SOP Instance UID. */
  readonly #probes = new Map<string, { readonly studyInstanceUID: string; came: boolean }>();
  /** By PACS: the retrieve that is the last in its queue. */
  readonly #queues = new Map<string, Promise<unknown>>();
  readonly #log: RetrieveLog;
  readonly #studies: PacsStudies;
  readonly #methods: Record<MethodName, RetrieveMethod>;
  readonly #ended: Counter<'peer' | 'state'>;
  #isStopping = false;

  constructor(options: RetrieverOptions) {
    const { db, index, config, clock, metrics } = options;
    this.#options = options;
    this.#log = new RetrieveLog(db);
    this.#log.endInterrupted(clock.now());
    this.#studies = new PacsStudies(db, index);
    this.listing = new PacsListing({ config, studies: this.#studies, log: options.log });
    this.store = watched(options.store, (sopInstanceUID) => this.#arrived(sopInstanceUID));
    this.#methods = retrieveMethods({ ownAETitle: config.dicom.aeTitle, store: this.store });
    this.#ended = new Counter({
      name: 'cdip_pacs_retrieves_total',
      help: 'Studies retrieved from the PACS by how it ended',
      labelNames: ['peer', 'state'],
      registers: [metrics],
    });
  }

  /** A study of the trust's own, not all of which is in the spool. */
  isWanted(studyInstanceUID: string): boolean {
    const state = this.#options.index.studyState(studyInstanceUID, this.#options.index.trust);
    if (state?.nearline == null) return false;
    return state.instances === 0 || state.instances < (state.nearline.instances ?? 0);
  }

  /** Objects of it that come now are those that the PACS was asked for. */
  isBringing(studyInstanceUID: string): boolean {
    const probed = [...this.#probes.values()];
    return (
      this.#runs.has(studyInstanceUID) ||
      probed.some((probe) => probe.studyInstanceUID === studyInstanceUID)
    );
  }

  /** Runs `work`, which has a PACS send one object here; it is the PACS's, as all that is brought. @returns whether it came */
  async expecting(
    {
      studyInstanceUID,
      sopInstanceUID,
    }: { readonly studyInstanceUID: string; readonly sopInstanceUID: string },
    work: () => Promise<void>,
  ): Promise<boolean> {
    const probe = { studyInstanceUID, came: false };
    this.#probes.set(sopInstanceUID, probe);
    try {
      await work();
    } finally {
      this.#probes.delete(sopInstanceUID);
    }
    return probe.came;
  }

  /** Undefined: it is not under way. */
  stand(studyInstanceUID: string): RetrieveStand | undefined {
    if (!this.isBringing(studyInstanceUID)) return undefined;
    const { index } = this.#options;
    const state = index.studyState(studyInstanceUID, index.trust);
    return { instances: state?.instances ?? 0, expected: state?.nearline?.instances ?? null };
  }

  /**
   * Never rejects for anything that a PACS does.
   *
   * @param signal whoever asked waits no longer; when nobody does, it ends. Absent: it goes on in any case
   */
  async bring(studyInstanceUID: string, signal?: AbortSignal): Promise<RetrieveOutcome> {
    const run = this.#runs.get(studyInstanceUID) ?? this.#begin(studyInstanceUID);
    run.waiting += 1;
    const leave = (): void => {
      run.waiting -= 1;
      if (run.waiting > 0) return;
      run.ending.abort();
      run.watchdog?.end('RETRIEVE_CANCELLED', 'nobody waits for it any more');
    };
    signal?.addEventListener('abort', leave, { once: true });
    if (signal?.aborted === true) leave();
    try {
      return await run.outcome;
    } finally {
      signal?.removeEventListener('abort', leave);
    }
  }

  async stop(): Promise<void> {
    this.#isStopping = true;
    const runs = [...this.#runs.values()];
    for (const { ending, watchdog } of runs) {
      ending.abort();
      watchdog?.end('RETRIEVE_CANCELLED', 'the edge stops');
    }
    await Promise.allSettled(runs.map(({ outcome }) => outcome));
  }

  #begin(studyInstanceUID: string): Run {
    const run: Run = {
      ...{ ending: new AbortController(), watchdog: undefined, waiting: 0 },
      outcome: Promise.resolve().then(() => this.#fromAny(studyInstanceUID, run)),
    };
    const forget = (): void => void this.#runs.delete(studyInstanceUID);
    run.outcome.then(forget, forget);
    this.#runs.set(studyInstanceUID, run);
    return run;
  }

  /** From the PACS that holds most of it, else from another one. */
  async #fromAny(studyInstanceUID: string, run: Run): Promise<RetrieveOutcome> {
    const peers = this.#studies
      .peersWith(studyInstanceUID)
      .flatMap((name) => this.#options.config.peers.filter((peer) => peer.name === name));
    let outcome = NO_PACS;
    for (const peer of peers) {
      if (run.ending.signal.aborted || this.#isStopping) break;
      outcome = await this.#inTurn(peer, async () =>
        run.ending.signal.aborted ? CANCELLED : this.#from(peer, studyInstanceUID, run),
      );
      if (outcome.state === 'whole') break;
    }
    return outcome;
  }

  /** One at a time from each PACS: many serialise, or drop, what comes beside. */
  #inTurn(peer: Peer, work: () => Promise<RetrieveOutcome>): Promise<RetrieveOutcome> {
    const before = this.#queues.get(peer.name) ?? Promise.resolve();
    const turn = before.then(work);
    this.#queues.set(
      peer.name,
      turn.catch(() => {}),
    );
    return turn;
  }

  async #from(peer: Peer, studyInstanceUID: string, run: Run): Promise<RetrieveOutcome> {
    const { index, config, clock, spool, log } = this.#options;
    const key = this.#log.begin(studyInstanceUID, peer.name, clock.now());
    const watchdog = new Watchdog({
      stallMs: config.retrieve.stallSeconds * 1000,
      deadlineMs: config.retrieve.deadlineMinutes * 60_000,
    });
    run.watchdog = watchdog;
    const { signal } = watchdog;
    const finder = new PacsFinder({ peer, ownAETitle: config.dicom.aeTitle, signal });
    const state = index.studyState(studyInstanceUID, index.trust);
    try {
      const outcome = spool.reserve.status().reached
        ? RESERVE_REACHED
        : await retrieveOne({
            ...{ peer, studyInstanceUID, watchdog, run: this.#methods },
            patientId: state?.patient.patientId ?? '',
            expected: state?.nearline?.instances ?? null,
            ask: (identifierFor) => finder.ask(identifierFor),
            methods: this.#log.methodsOf(peer.name, waysOf(peer)),
            held: () => this.#held(studyInstanceUID),
            onMethod: (method, expected) => this.#log.runs(key, { method, expected }),
            onWorked: (method) => this.#log.worked(peer.name, method, clock.now()),
            onFailed: (method, reason) =>
              this.#log.failed(peer.name, method, { reason, now: clock.now() }),
            onCounted: (objects) => {
              const series = new Set([...objects.values()].map((one) => one.seriesInstanceUID));
              const counted = { series: series.size, instances: objects.size, modalities: [] };
              this.#studies.count(peer.name, studyInstanceUID, { counted, now: clock.now() });
            },
          });
      this.#log.end(key, { ...outcome, now: clock.now() });
      this.#ended.inc({ peer: peer.name, state: outcome.state });
      log.info('pacs-retrieve.ended', {
        ...{ peer: peer.name, studyInstanceUID, state: outcome.state },
        ...{ instances: outcome.instances, code: outcome.reason?.code ?? '' },
      });
      return outcome;
    } finally {
      watchdog.stop();
      await finder.release();
    }
  }

  #held(studyInstanceUID: string): ReadonlySet<string> {
    const { index } = this.#options;
    const instances = index.instancesOf({ studyInstanceUID, home: index.trust });
    return new Set(instances.map(({ sopInstanceUID }) => sopInstanceUID));
  }

  #arrived(sopInstanceUID: string): void {
    const probe = this.#probes.get(sopInstanceUID);
    if (probe !== undefined) probe.came = true;
    if (this.#runs.size === 0) return;
    const { index } = this.#options;
    const instance = index.findInstance(sopInstanceUID, index.trust);
    if (instance !== undefined) this.#runs.get(instance.studyInstanceUID)?.watchdog?.alive();
  }
}

const NO_PACS: RetrieveOutcome = {
  ...{ state: 'failed', instances: 0, missing: [] },
  reason: { code: 'RETRIEVE_NO_PACS', detail: 'no PACS of the configuration is known to hold it' },
};
const CANCELLED: RetrieveOutcome = {
  ...{ state: 'failed', instances: 0, missing: [] },
  reason: { code: 'RETRIEVE_CANCELLED', detail: 'nobody waits for it any more' },
};
const RESERVE_REACHED: RetrieveOutcome = {
  ...{ state: 'failed', instances: 0, missing: [] },
  reason: { code: 'SPOOL_RESERVE', detail: 'the disk has reached its reserve: make room first' },
};
