/**
 * Waits at the hub for those who can't dial this edge. shared/contract/relay.ts.
 *
 *   pass ─► GET, Upgrade ─► hub: 101 ─► the connection, as if a reader had dialled it ─► HTTP server
 *
 * A few connections wait at a time; one that is used is replaced at once, one that waited long is dialled anew.
 */
import { request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import type { Socket } from 'node:net';
import { backoffMs, sleep } from '../../shared/backoff.ts';
import { RELAY_PROTOCOL, RELAY_WAIT_PATH, type RelayReply } from '../../shared/contract/relay.ts';
import { codeOf } from '../../shared/errors.ts';
import type { HubAccess } from '../../shared/hub-access.ts';
import type { Log } from '../../shared/log.ts';
import { TransferError } from './transfer-error.ts';

/** So many readers are served without waiting for a connection. */
const IDLE = 4;
const DIAL_MS = 10_000;
const KEEP_ALIVE_MS = 20_000;
/** NATs forget: a connection that waited so long is dialled anew. */
const LONGEST_IDLE_MS = 300_000;
const BACKOFF = { firstMs: 500, maxMs: 30_000, random: Math.random } as const;

export interface RelayWaitOptions {
  readonly hub: Pick<HubAccess, 'url' | 'pair'>;
  /** @throws GatewayError when no hub answers */
  readonly requestPass: () => Promise<RelayReply>;
  /** Serves one request on the connection; `onUsed` is called when it comes. */
  readonly serve: (connection: Socket, onUsed: () => void) => void;
  readonly log: Log;
}

export class RelayWait {
  readonly #options: RelayWaitOptions;
  readonly #ending = new AbortController();
  readonly #waiting = new Set<Socket>();
  #pass: Promise<string> | undefined;
  #isWaiting = false;

  constructor(options: RelayWaitOptions) {
    this.#options = options;
  }

  start(): void {
    for (let lane = 0; lane < IDLE; lane += 1) void this.#keepOne();
  }

  stop(): void {
    this.#ending.abort();
    for (const connection of this.#waiting) connection.destroy();
  }

  /** True while the hub can pass readers on to this edge. */
  get isWaiting(): boolean {
    return this.#waiting.size > 0;
  }

  async #keepOne(): Promise<void> {
    const { signal } = this.#ending;
    for (let tries = 0; !signal.aborted; ) {
      try {
        const connection = await this.#dial();
        if (signal.aborted) connection.destroy();
        this.#tell(undefined);
        tries = 0;
        await this.#untilUsed(connection);
      } catch (error) {
        this.#tell(error);
        await sleep(backoffMs(tries, BACKOFF), signal);
        tries += 1;
      }
    }
  }

  /** The change alone is worth a line. */
  #tell(error: unknown): void {
    const isWaiting = error === undefined;
    if (isWaiting === this.#isWaiting || this.#ending.signal.aborted) return;
    if (!isWaiting && this.#waiting.size > 0) return;
    this.#isWaiting = isWaiting;
    const { log, hub } = this.#options;
    if (isWaiting) log.info('relay.waiting', { hub: hub.url() ?? '' });
    else log.warn('relay.failed', { code: codeOf(error) });
  }

  async #dial(): Promise<Socket> {
    const pass = await this.#currentPass();
    const { hub } = this.#options;
    const url = new URL(RELAY_WAIT_PATH, hub.url());
    const ask = url.protocol === 'https:' ? httpsRequest : httpRequest;
    return new Promise((resolve, reject) => {
      const request = ask(url, {
        ...{ agent: false, ...hub.pair() },
        timeout: DIAL_MS,
        headers: {
          connection: 'Upgrade',
          upgrade: RELAY_PROTOCOL,
          authorization: `Bearer ${pass}`,
        },
      });
      const fail = (message: string, cause?: unknown): void => {
        request.destroy();
        reject(new TransferError('SOURCE_UNREACHABLE', message, { cause }));
      };
      request.once('upgrade', (_response, connection, head) => {
        // A reader may have waited for this very connection.
        if (head.length > 0) connection.unshift(head);
        resolve(connection as Socket);
      });
      request.once('response', ({ statusCode }) => {
        if (statusCode === 401) this.#pass = undefined;
        fail(`the hub does not relay: ${statusCode}`);
      });
      request.once('timeout', () => fail('the hub does not answer'));
      request.once('error', (cause) => fail(`the hub can't be reached: ${codeOf(cause)}`, cause));
      request.end();
    });
  }

  async #untilUsed(connection: Socket): Promise<void> {
    this.#waiting.add(connection);
    connection.setTimeout(0);
    connection.setNoDelay(true);
    connection.setKeepAlive(true, KEEP_ALIVE_MS);
    await new Promise<void>((resolve) => {
      const timer = setTimeout(() => connection.destroy(), LONGEST_IDLE_MS);
      timer.unref();
      const end = (): void => {
        clearTimeout(timer);
        this.#waiting.delete(connection);
        resolve();
      };
      connection.once('close', end);
      connection.on('error', end);
      this.#options.serve(connection, end);
    });
  }

  #currentPass(): Promise<string> {
    this.#pass ??= this.#freshPass().catch((error: unknown) => {
      this.#pass = undefined;
      throw error;
    });
    return this.#pass;
  }

  async #freshPass(): Promise<string> {
    const reply = await this.#options.requestPass();
    if ('error' in reply)
      throw new TransferError('SOURCE_UNREACHABLE', `the hub gives no pass: ${reply.error.code}`);
    return reply.pass;
  }
}
