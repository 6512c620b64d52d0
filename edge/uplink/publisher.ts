/**
 * Publishes the outbox in order, many at once.
 *
 *   outbox.next() ─► envelope ─► EDGE_<ods> … all acknowledged ─► the next ones
 *
 * When one was not acknowledged but a later one was, the order in the stream is broken: a new epoch
 * begins there, and all from that one on are told again.
 */
import type { JetStreamClient } from '@nats-io/jetstream';
import { sleep } from '../../shared/backoff.ts';
import { rfc3339 } from '../../shared/clock.ts';
import { edgeSubject } from '../../shared/contract/subjects.ts';
import { codeOf } from '../../shared/errors.ts';
import type { Log } from '../../shared/log.ts';
import type { Outbox, OutboxEvent } from '../outbox/outbox.ts';

const IN_FLIGHT = 256;
const ACK_MS = 5_000;
const RETRY_MS = 500;

export class Publisher {
  readonly #trust: string;
  readonly #outbox: Outbox;
  readonly #log: Log;
  /** The last row that the broker has, of this epoch. */
  #row = 0;
  #epoch = 0;
  /** The newest epoch of which something was sent. */
  #begunEpoch = 0;
  #wake = new AbortController();
  #failures = 0;

  constructor({ trust, outbox, log }: { trust: string; outbox: Outbox; log: Log }) {
    this.#trust = trust;
    this.#outbox = outbox;
    this.#log = log;
    outbox.onAppend(() => this.#wake.abort());
  }

  /** The last row that the broker acknowledged. */
  get publishedRow(): number {
    return this.#row;
  }

  /** True when something of the present epoch may be at the broker. */
  get hasBegun(): boolean {
    return this.#begunEpoch === this.#outbox.status().epoch;
  }

  /** Until the connection is lost. Begins with what no hub is known to have: the broker may have lost it. */
  async run(js: JetStreamClient, signal: AbortSignal): Promise<void> {
    this.#epoch = 0;
    const onLost = (): void => this.#wake.abort();
    signal.addEventListener('abort', onLost, { once: true });
    while (!signal.aborted) {
      this.#wake = new AbortController();
      const { epoch, baseRow, committedRow } = this.#outbox.status();
      if (epoch !== this.#epoch) {
        this.#epoch = epoch;
        this.#row = Math.max(baseRow, committedRow);
      }
      const events = this.#outbox.next(this.#row, IN_FLIGHT);
      if (events.length === 0) await sleep(60_000, this.#wake.signal);
      else if (await this.#publish(js, events)) this.#failures = 0;
      else {
        this.#failures += 1;
        await sleep(RETRY_MS * Math.min(this.#failures, 10), signal);
      }
    }
    signal.removeEventListener('abort', onLost);
  }

  /** Something changed that a sleeping publisher has to look at. */
  wake(): void {
    this.#wake.abort();
  }

  /** @returns false when some were not acknowledged */
  async #publish(js: JetStreamClient, events: readonly OutboxEvent[]): Promise<boolean> {
    this.#begunEpoch = this.#epoch;
    const results = await Promise.allSettled(events.map((event) => this.#send(js, event)));
    const failed = results.findIndex(({ status }) => status === 'rejected');
    const acknowledged = failed === -1 ? events.length : failed;
    const last = events[acknowledged - 1];
    if (last !== undefined) this.#row = last.row;
    if (failed === -1) return true;
    if (this.#failures === 0) this.#report(results[failed], events[failed]);
    const laterOnes = results.slice(failed).some(({ status }) => status === 'fulfilled');
    if (laterOnes) this.#outbox.beginEpoch((events[failed]?.row ?? 1) - 1);
    return false;
  }

  /** Once, until one batch was taken again: an outage is one line. */
  #report(result: PromiseSettledResult<void> | undefined, event: OutboxEvent | undefined): void {
    if (result?.status !== 'rejected' || event === undefined) return;
    const error: unknown = result.reason;
    this.#log.warn('uplink.publish-failed', {
      code: codeOf(error),
      reason: error instanceof Error ? error.message.slice(0, 200) : 'unknown',
      kind: event.body.kind,
      seq: event.seq,
    });
  }

  async #send(js: JetStreamClient, { epoch, seq, at, body }: OutboxEvent): Promise<void> {
    const envelope = { v: 1, at: rfc3339(at), trust: this.#trust, epoch, seq };
    await js.publish(
      edgeSubject(this.#trust, body.kind),
      JSON.stringify({ ...envelope, ...body }),
      { msgID: `${this.#trust}:${epoch}:${seq}`, timeout: ACK_MS },
    );
  }
}
