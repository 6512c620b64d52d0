/**
 * The DICOM port of an edge: associations in, services behind them, and who has called.
 *
 *   edge/ul acceptor ─► ScpSession ─► DimseServices        callers() ─► status page
 */
import type { Clock } from '../../shared/clock.ts';
import type { TroubledCaller } from '../../shared/contract/health.ts';
import type { Log } from '../../shared/log.ts';
import { Counter, type Registry } from '../../shared/metrics.ts';
import type { EdgeConfig } from '../config.ts';
import { type OpenAssociation, startAcceptor } from '../ul/acceptor.ts';
import type { AssociationEnd, AssociationPeer } from '../ul/association.ts';
import { type Caller, Callers } from './callers.ts';
import { negotiator } from './negotiate.ts';
import type { DimseServices } from './service.ts';
import { ScpSession } from './session.ts';

export interface ListenerOptions {
  readonly config: Pick<EdgeConfig, 'dicom' | 'peers'>;
  readonly services: DimseServices;
  /** Looks on at what one association does. */
  readonly observe?: (
    peer: AssociationPeer,
    services: DimseServices,
  ) => { readonly services: DimseServices; ended(end: AssociationEnd): void };
  readonly log: Log;
  readonly metrics: Registry;
  readonly clock: Clock;
  readonly isDraining?: () => boolean;
}

export interface DicomListener {
  readonly port: number;
  readonly tlsPort: number | undefined;
  /** Open associations. */
  associations(): number;
  open(): readonly OpenAssociation[];
  /** The newest first. */
  callers(): readonly Caller[];
  /** Those in trouble within the hour. */
  troubledCallers(): TroubledCaller[];
  stop(): Promise<void>;
}

/** @throws a Node system error such as EADDRINUSE */
export async function startDicomListener(options: ListenerOptions): Promise<DicomListener> {
  const { config, services, log, metrics, clock, isDraining } = options;
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
    isDraining,
    log,
    metrics,
    open(association) {
      callers.count(association.peer, 'associations');
      const observed = options.observe?.(association.peer, services);
      return new ScpSession({
        association,
        services: observed?.services ?? services,
        log,
        onEnded: (end) => observed?.ended(end),
        onStored(status) {
          stored.inc({ status: status.toString(16).padStart(4, '0') });
          callers.count(association.peer, 'objects');
        },
      });
    },
    onRejected: (caller, reason) => callers.count(caller, 'rejections', reason),
    onAborted: (caller) => callers.count(caller, 'aborted'),
  });
  return {
    port: acceptor.port,
    tlsPort: acceptor.tlsPort,
    associations: () => acceptor.count(),
    open: () => acceptor.list(),
    callers: () => callers.list(),
    troubledCallers: () => callers.troubled(),
    stop: () => acceptor.stop(),
  };
}
