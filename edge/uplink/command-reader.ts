/**
 * Commands of the hub, each acknowledged once it is durable here.
 *
 *   COMMANDS ─► durable consumer of this edge ─► CommandSchema ─► onCommand ─► ack
 */
import type { JetStreamClient, JsMsg } from '@nats-io/jetstream';
import { sleep } from '../../shared/backoff.ts';
import { type Command, CommandSchema } from '../../shared/contract/commands.ts';
import { commandConsumer, STREAM_COMMANDS } from '../../shared/contract/subjects.ts';
import { codeOf } from '../../shared/errors.ts';
import type { Log } from '../../shared/log.ts';

const MAX_MESSAGES = 50;
/** A consumer that was made anew, with its stream, is missed after two of these. */
const HEARTBEAT_MS = 2_000;
/** Commands that come so long after an edge ended are still handed to it, and come again later. */
const PULL_MS = 5_000;
const RETRY_MS = 2_000;
/** A command that could not be made durable comes again after this. */
const AGAIN_MS = 5_000;

export interface CommandReaderOptions {
  readonly trust: string;
  readonly log: Log;
  /** Durable when it resolves. */
  readonly onCommand: (command: Command) => Promise<void> | void;
  /** A command that can't be read. */
  readonly onUnreadable: () => void;
}

/** Until the connection is lost. */
export async function readCommands(
  options: CommandReaderOptions,
  js: JetStreamClient,
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    try {
      const consumer = await js.consumers.get(STREAM_COMMANDS, commandConsumer(options.trust));
      const messages = await consumer.consume({
        max_messages: MAX_MESSAGES,
        expires: PULL_MS,
        idle_heartbeat: HEARTBEAT_MS,
      });
      const stop = (): void => messages.stop();
      signal.addEventListener('abort', stop, { once: true });
      for await (const message of messages) await take(options, message);
      signal.removeEventListener('abort', stop);
    } catch (error) {
      // The consumer is being made anew, or the broker has just come back.
      if (!signal.aborted) options.log.warn('uplink.commands-unavailable', { code: codeOf(error) });
    }
    await sleep(RETRY_MS, signal);
  }
}

async function take(options: CommandReaderOptions, message: JsMsg): Promise<void> {
  const command = parse(message);
  if (command === undefined) {
    options.log.error('uplink.command-unreadable', { streamSeq: message.seq });
    options.onUnreadable();
    message.term();
    return;
  }
  try {
    await options.onCommand(command);
    message.ack();
  } catch (error) {
    const { id, kind } = command;
    options.log.error('command.failed', { id, kind, error });
    message.nak(AGAIN_MS);
  }
}

function parse(message: JsMsg): Command | undefined {
  try {
    return CommandSchema.safeParse(message.json()).data;
  } catch {
    return undefined;
  }
}
