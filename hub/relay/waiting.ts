/**
 * Connections that edges have dialled and that wait to be used, by trust.
 *
 *   edge ─► add ─► idle ─► take ─► one request          a reader may come a moment before its source
 */
import type { Duplex } from 'node:stream';
import { RelayError } from './relay-error.ts';

/** An edge keeps a few; more are of one that does not end what it has. */
const MAX_IDLE = 16;

export class WaitingConnections {
  readonly #idle = new Map<string, Duplex[]>();
  readonly #takers = new Map<string, ((socket: Duplex) => void)[]>();
  /** Also those that are used. */
  readonly #open = new Map<Duplex, string>();
  #isEnded = false;

  /** Of the trust, or undefined for all. */
  count(ods?: string): number {
    if (ods !== undefined) return this.#idle.get(ods)?.length ?? 0;
    return [...this.#idle.values()].reduce((sum, sockets) => sum + sockets.length, 0);
  }

  add(ods: string, socket: Duplex): void {
    if (this.#isEnded) {
      socket.destroy();
      return;
    }
    this.#open.set(socket, ods);
    socket.once('close', () => this.#open.delete(socket));
    const taker = this.#takers.get(ods)?.shift();
    if (taker !== undefined) {
      taker(socket);
      return;
    }
    const idle = this.#idle.get(ods) ?? [];
    this.#idle.set(ods, idle);
    idle.push(socket);
    const drop = (): void => {
      const at = idle.indexOf(socket);
      if (at >= 0) idle.splice(at, 1);
    };
    socket.once('close', drop);
    socket.on('error', drop);
    // One that is dialled anew is more likely alive than the oldest.
    if (idle.length > MAX_IDLE) idle[0]?.destroy();
  }

  /** @throws RelayError `RELAY_NOT_WAITING` when none comes within `waitMs` */
  async take(ods: string, waitMs: number): Promise<Duplex> {
    const idle = this.#idle.get(ods)?.pop();
    if (idle !== undefined && !idle.destroyed) return idle;
    const takers = this.#takers.get(ods) ?? [];
    this.#takers.set(ods, takers);
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        takers.splice(takers.indexOf(taker), 1);
        reject(new RelayError('RELAY_NOT_WAITING', `the edge of ${ods} does not wait at this hub`));
      }, waitMs);
      const taker = (socket: Duplex): void => {
        clearTimeout(timer);
        resolve(socket);
      };
      takers.push(taker);
    });
  }

  /** Ends those of a trust, also those that are used. */
  drop(ods: string): void {
    for (const [socket, of] of this.#open) if (of === ods) socket.destroy();
  }

  /** Ends them all, and those that come from now on. */
  end(): void {
    this.#isEnded = true;
    for (const socket of this.#open.keys()) socket.destroy();
  }
}
