/** What a person does with the running edge from its status page. Durable, but for the drain: a start ends it. */
import type { Clock } from '../shared/clock.ts';
import type { EdgeConfig } from './config.ts';
import { addPeer, type NewPeer } from './configuration/add-peer.ts';
import type { PushedConfigurations } from './configuration/pushed.ts';
import type { Deliverer } from './deliver/deliverer.ts';
import { deliveryPeers } from './route/destinations.ts';
import type { Quarantine } from './spool/quarantine.ts';
import type { Upgrades } from './upgrade/upgrades.ts';

export interface OperationsParts {
  readonly config: EdgeConfig;
  readonly deliverer: Deliverer;
  readonly quarantine: Quarantine;
  readonly pushed: PushedConfigurations;
  readonly upgrades: Pick<Upgrades, 'installNow'>;
  readonly restart: () => void;
  readonly clock: Clock;
}

export class Operations {
  readonly #parts: OperationsParts;
  /** What can be held and tried. */
  readonly destinations: readonly string[];
  #drainingSince: number | null = null;

  constructor(parts: OperationsParts) {
    this.#parts = parts;
    this.destinations = deliveryPeers(parts.config).map(({ name }) => name);
  }

  /** Since when nobody new is let in; null: callers are. */
  get drainingSince(): number | null {
    return this.#drainingSince;
  }

  /** Why nobody new is let in; null: callers are. */
  get closedBecause(): string | null {
    return this.#drainingSince === null ? null : 'a person lets nobody new in';
  }

  drain(isOn: boolean): void {
    this.#drainingSince = isOn ? (this.#drainingSince ?? this.#parts.clock.now()) : null;
  }

  hold(peer: string): void {
    this.#parts.deliverer.hold(peer);
  }

  release(peer: string): void {
    this.#parts.deliverer.release(peer);
  }

  retry(peer: string): void {
    this.#parts.deliverer.retry(peer);
  }

  /** False: there is no such entry. */
  dropQuarantined(id: string): boolean {
    return this.#parts.quarantine.drop(id);
  }

  /** Durable when it returns; then {@link restart}. @throws GatewayError saying what is wrong with it */
  addPeer(peer: NewPeer): void {
    addPeer(this.#parts.pushed, peer);
  }

  /** The build that waits is installed. False: none waits. */
  installUpgrade(): boolean {
    return this.#parts.upgrades.installNow();
  }

  /** Starts all parts anew with the configuration in the file. */
  restart(): void {
    this.#parts.restart();
  }
}
