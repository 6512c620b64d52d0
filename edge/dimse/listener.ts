/**
 * The DICOM port of an edge: associations in, services behind them, and who has called.
 *
 *   edge/ul acceptor ─► ScpSession ─► DimseServices        callers() ─► status page
 */
import type { Clock } from '../../shared/clock.ts';
import type { Log } from '../../shared/log.ts';
import { Counter, type Registry } from '../../shared/metrics.ts';
import type { EdgeConfig } from '../config.ts';
import { startAcceptor } from '../ul/acceptor.ts';
import type { AssociationPeer } from '../ul/association.ts';
import { negotiator } from './negotiate.ts';
import type { DimseServices } from './service.ts';
import { ScpSession } from './session.ts';

/** Callers that are remembered; beyond it the one that was silent longest is forgotten. */
const MAX_CALLERS = 1_000;

export interface ListenerOptions {
  readonly config: Pick<EdgeConfig, 'dicom' | 'peers'>;
  readonly services: DimseServices;
  readonly log: Log;
  readonly metrics: Registry;
  readonly clock: Clock;
}

/** Somebody who asked for an association since the edge started. */
export interface Caller {
  readonly callingAETitle: string;
  readonly host: string;
  /** Named in the configuration. */
  readonly known: boolean;
  readonly associations: number;
  /** Requests for an association that were refused. */
  readonly rejections: number;
  /** C-STORE requests that were answered, with whatever status. */
  readonly objects: number;
  readonly firstAt: number;
  readonly lastAt: number;
}

export interface DicomListener {
  readonly port: number;
  readonly tlsPort: number | undefined;
  /** Open associations. */
  associations(): number;
  /** The newest first. */
  callers(): readonly Caller[];
  stop(): Promise<void>;
}

/** @throws a Node system error such as EADDRINUSE */
export async function startDicomListener(options: ListenerOptions): Promise<DicomListener> {
  const { config, services, log, metrics, clock } = options;
  const { served = [] } = services;
  const knownCallers = new Set(config.peers.map(({ aeTitle }) => aeTitle));
  const callers = new Callers(knownCallers, clock);
  const stored = new Counter({
    name: 'cdip_dimse_store_responses_total',
    help: 'C-STORE responses by status, in hexadecimal',
    labelNames: ['status'],
    registers: [metrics],
  });
  const acceptor = await startAcceptor({
    config: config.dicom,
    knownCallers,
    negotiate: negotiator(served.map(({ sopClassUID }) => sopClassUID)),
    extend: (sopClassUID, information) =>
      served.find((one) => one.sopClassUID === sopClassUID)?.extend?.(information),
    log,
    metrics,
    open(association) {
      callers.count(association.peer, 'associations');
      return new ScpSession({
        association,
        services,
        log,
        onStored(status) {
          stored.inc({ status: status.toString(16).padStart(4, '0') });
          callers.count(association.peer, 'objects');
        },
      });
    },
    onRejected: (caller) => callers.count(caller, 'rejections'),
  });
  return {
    port: acceptor.port,
    tlsPort: acceptor.tlsPort,
    associations: () => acceptor.count(),
    callers: () => callers.list(),
    stop: () => acceptor.stop(),
  };
}

class Callers {
  /** The one that called last stands last. */
  readonly #callers = new Map<string, Caller>();
  readonly #known: ReadonlySet<string>;
  readonly #clock: Clock;

  constructor(known: ReadonlySet<string>, clock: Clock) {
    this.#known = known;
    this.#clock = clock;
  }

  count(
    { callingAETitle, host }: Pick<AssociationPeer, 'callingAETitle' | 'host'>,
    what: 'associations' | 'rejections' | 'objects',
  ): void {
    const key = `${callingAETitle} ${host}`;
    const now = this.#clock.now();
    const known = this.#known.has(callingAETitle);
    const before = this.#callers.get(key) ?? {
      ...{ callingAETitle, host, known, firstAt: now },
      ...{ associations: 0, rejections: 0, objects: 0 },
    };
    this.#callers.delete(key);
    this.#callers.set(key, { ...before, [what]: before[what] + 1, lastAt: now });
    const [oldest] = this.#callers.keys();
    if (this.#callers.size > MAX_CALLERS && oldest !== undefined) this.#callers.delete(oldest);
  }

  list(): readonly Caller[] {
    return [...this.#callers.values()].reverse();
  }
}
