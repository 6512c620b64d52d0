/**
 * A stretch of network that can fail: a TCP proxy on loopback which cuts, stalls or slows what
 * passes.
 *
 *   client ──► here ──► target          cut: connections reset, new ones refused
 *                                       stall: nothing passes, nothing is told, as when a cable is pulled
 */
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { Transform } from 'node:stream';

export interface LinkOptions {
  readonly targetPort: number;
  readonly targetHost?: string;
  /** Added to every chunk, each way. */
  readonly delayMs?: number;
}

type State = 'open' | 'cut' | 'stalled';

export class NetworkLink {
  readonly #options: LinkOptions;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  readonly #waiting = new Set<() => void>();
  #state: State = 'open';
  #bytes = 0;
  #damageAt = Number.POSITIVE_INFINITY;

  constructor(options: LinkOptions) {
    this.#options = options;
    this.#server = createServer((client) => this.#accept(client));
  }

  async listen(): Promise<void> {
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** Bytes that have passed, both ways. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Resets every connection and refuses new ones. */
  cut(): void {
    this.#state = 'cut';
    for (const socket of this.#sockets) socket.resetAndDestroy();
    this.#release();
  }

  /** Holds back everything without a word to either end. */
  stall(): void {
    this.#state = 'stalled';
  }

  /** Changes one byte, so many bytes from now. */
  damageAfter(bytes: number): void {
    this.#damageAt = this.#bytes + bytes;
  }

  /** Lets everything pass again; what was stalled goes on. */
  mend(): void {
    this.#state = 'open';
    this.#release();
  }

  /** Resets the connections that are open now; new ones pass. */
  reset(): void {
    this.cut();
    this.mend();
  }

  async stop(): Promise<void> {
    this.cut();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }

  #accept(client: Socket): void {
    if (this.#state === 'cut') {
      client.resetAndDestroy();
      return;
    }
    const { targetHost = '127.0.0.1', targetPort } = this.#options;
    const target = connect(targetPort, targetHost);
    for (const [socket, other] of [
      [client, target],
      [target, client],
    ] as const) {
      socket.setNoDelay(true);
      this.#sockets.add(socket);
      socket.on('error', () => other.destroy());
      socket.on('close', () => {
        this.#sockets.delete(socket);
        other.destroy();
      });
    }
    client.pipe(this.#passage()).pipe(target);
    target.pipe(this.#passage()).pipe(client);
  }

  #passage(): Transform {
    return new Transform({
      transform: (chunk: Buffer, _encoding, done) => {
        void this.#pass().then(() => {
          const at = this.#damageAt - this.#bytes;
          this.#bytes += chunk.length;
          if (at < chunk.length) {
            this.#damageAt = Number.POSITIVE_INFINITY;
            chunk[at] = (chunk[at] ?? 0) ^ 0x40;
          }
          done(null, chunk);
        });
      },
    });
  }

  async #pass(): Promise<void> {
    const { delayMs = 0 } = this.#options;
    if (delayMs > 0) await new Promise((resolve) => setTimeout(resolve, delayMs));
    while (this.#state === 'stalled') {
      await new Promise<void>((resolve) => this.#waiting.add(resolve));
    }
  }

  #release(): void {
    for (const resolve of this.#waiting) resolve();
    this.#waiting.clear();
  }
}

/** A link to `targetPort` on loopback, listening on a port of its own. */
export async function startNetworkLink(options: LinkOptions): Promise<NetworkLink> {
  const link = new NetworkLink(options);
  await link.listen();
  return link;
}
