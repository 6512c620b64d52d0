/**
 * Reads a stream in order, over outages, until it is told to stop or the stream is another one.
 *
 *   ordered consumer ─► LogMessage          every few seconds: is it still the stream that `created` names,
 *                                           and does it still hold what was read?
 */
import { type ConsumerMessages, DeliverPolicy, type JetStreamClient } from '@nats-io/jetstream';
import { sleep } from '../../shared/backoff.ts';
import { LogError, type LogMessage, type StreamState } from './network-log.ts';

const CHECK_MS = 2_000;
/** A replica of a cluster may lag for a moment: asked again before it is believed. */
const SURE = 2;
const RETRY_MS = 500;
/** Asked for at once; what a slow reader has not taken stays at the broker. */
const MAX_MESSAGES = 1_000;
/** A consumer that a restarted broker left without a word is made anew after two of these. */
const HEARTBEAT_MS = 1_000;
const PULL_MS = 10_000;

export interface ReadOptions {
  readonly js: JetStreamClient;
  readonly state: () => Promise<StreamState>;
  readonly stream: string;
  readonly fromSeq: number;
  readonly created: string;
  readonly signal: AbortSignal;
}

/** @throws LogError `LOG_STREAM_CHANGED` */
export async function* readStream(options: ReadOptions): AsyncGenerator<LogMessage> {
  const { signal } = options;
  let next = options.fromSeq;
  while (!signal.aborted) {
    const messages = await consume(options, next).catch(() => undefined);
    if (messages === undefined) {
      if (await hasChanged(options, 0)) throw changed(options);
      await sleep(RETRY_MS, signal);
      continue;
    }
    const watch = watchOver(options, messages, () => next);
    try {
      for await (const { subject, seq, data, info } of messages) {
        next = seq + 1;
        yield { subject, streamSeq: seq, at: timeOf(info.timestampNanos), data };
      }
    } finally {
      watch.end();
      await messages.close().catch(() => {});
    }
    if (watch.hasChanged()) throw changed(options);
  }
}

async function consume(
  { js, stream, signal }: ReadOptions,
  fromSeq: number,
): Promise<ConsumerMessages | undefined> {
  const consumer = await js.consumers.get(stream, {
    deliver_policy: DeliverPolicy.StartSequence,
    opt_start_seq: Math.max(1, fromSeq),
  });
  if (signal.aborted) return undefined;
  return consumer.consume({
    max_messages: MAX_MESSAGES,
    expires: PULL_MS,
    idle_heartbeat: HEARTBEAT_MS,
  });
}

/** Ends the reading when the stream is another one, or the reader is to stop. */
function watchOver(
  options: ReadOptions,
  messages: ConsumerMessages,
  next: () => number,
): { end(): void; hasChanged(): boolean } {
  let suspicions = 0;
  const isSure = (): boolean => suspicions >= SURE;
  const stop = (): void => messages.stop();
  const timer = setInterval(async () => {
    if (isSure()) return;
    suspicions = (await hasChanged(options, next())) ? suspicions + 1 : 0;
    if (isSure()) stop();
  }, CHECK_MS);
  timer.unref();
  options.signal.addEventListener('abort', stop, { once: true });
  if (options.signal.aborted) stop();
  return {
    hasChanged: isSure,
    end() {
      clearInterval(timer);
      options.signal.removeEventListener('abort', stop);
    },
  };
}

/** True for a stream made anew, and for one that lost its end, as a broker's power cut leaves it: its numbers come again. */
async function hasChanged({ state, created }: ReadOptions, next: number): Promise<boolean> {
  const now = await state().catch(() => undefined);
  return now !== undefined && (now.created !== created || now.lastSeq < next - 1);
}

const changed = ({ stream }: ReadOptions): LogError =>
  new LogError('LOG_STREAM_CHANGED', `the stream ${stream} was made anew`);

function timeOf(nanoseconds: number): string {
  return new Date(nanoseconds / 1e6).toISOString();
}
