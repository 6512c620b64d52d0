/**
 * The log of the network as the rest of the hub sees it: streams of NATS JetStream, read in order,
 * appended to with an expected revision.
 *
 *   EDGE_<ods>, HEALTH, HUB ──read──► hub/projection, hub/fetch
 *   hub/fetch ──append──► HUB, ──sendCommand──► COMMANDS ──► edge
 *   edge ──cdip.rpc.<ods>.<name>──► answer
 */
import type { Command } from '../../shared/contract/commands.ts';
import type { RpcName } from '../../shared/contract/subjects.ts';
import { GatewayError, type Retry } from '../../shared/errors.ts';

export type LogErrorCode =
  /** The broker does not answer; nothing is known to have happened. */
  | 'LOG_UNAVAILABLE'
  /** Somebody else wrote this subject in between; read it and decide again. */
  | 'LOG_CONFLICT'
  /** The stream was made anew: its sequence numbers mean something else now. */
  | 'LOG_STREAM_CHANGED'
  /** nats-server can't be started, or is too old. */
  | 'LOG_SERVER_FAULT'
  /** A key that no edge can have: not a user's public nkey, or another's. */
  | 'LOG_KEY_REFUSED';

const RETRY: Readonly<Record<LogErrorCode, Retry>> = {
  LOG_UNAVAILABLE: 'unsure',
  LOG_CONFLICT: 'safe',
  LOG_STREAM_CHANGED: 'safe',
  LOG_SERVER_FAULT: 'safe',
  LOG_KEY_REFUSED: 'never',
};

export class LogError extends GatewayError {
  override readonly name = 'LogError';
  readonly code: LogErrorCode;
  readonly retry: Retry;

  constructor(code: LogErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
    this.retry = RETRY[code];
  }
}

export interface LogMessage {
  readonly subject: string;
  readonly streamSeq: number;
  /** When the broker stored it, RFC 3339. */
  readonly at: string;
  readonly data: Uint8Array;
}

export interface StreamState {
  /** When the stream was made, RFC 3339: tells a stream from one made anew under its name. */
  readonly created: string;
  readonly firstSeq: number;
  readonly lastSeq: number;
}

export interface NetworkLog {
  /** How edges reach the broker. */
  readonly natsUrl: string;
  connected(): boolean;
  /** @throws LogError `LOG_UNAVAILABLE` */
  streamState(stream: string): Promise<StreamState>;
  /**
   * Messages in order from `fromSeq` on (or the oldest that is still held), and then as they come,
   * over reconnections, until `signal` aborts.
   *
   * @param created as streamState said: a stream made anew ends the reading
   * @throws LogError `LOG_STREAM_CHANGED`
   */
  read(
    stream: string,
    options: { fromSeq: number; created: string; signal: AbortSignal },
  ): AsyncIterable<LogMessage>;
  /**
   * Durable when it resolves.
   *
   * @param expectedLastSeq stream sequence of the subject's last message that the decision was made on; 0: none
   * @returns the stream sequence @throws LogError `LOG_CONFLICT`, `LOG_UNAVAILABLE`
   */
  append(
    subject: string,
    body: object,
    options: { expectedLastSeq: number; messageId?: string },
  ): Promise<number>;
  /** Durable when it resolves; the same `id` again is one command. @throws LogError `LOG_UNAVAILABLE` */
  sendCommand(ods: string, command: Command): Promise<void>;
  /** Answers `cdip.rpc.<ods>.<name>`; what it throws is answered as `{error: {code, detail}}`. */
  answer(name: RpcName, answer: (ods: string, request: unknown) => object | Promise<object>): void;
  /**
   * Asked before an enrolment token is used up, so that a key that can't be admitted costs none.
   *
   * @throws LogError `LOG_KEY_REFUSED`
   */
  requireAdmissible(ods: string, natsPublicKey: string): void;
  /**
   * Makes these the keys of the trust's account, none of them: nobody gets in. Others stop working within
   * seconds, and who is connected with one is cut off.
   *
   * @throws LogError `LOG_KEY_REFUSED`, nothing is changed; `LOG_UNAVAILABLE`, it may count from the server's next start
   */
  setEdgeKeys(ods: string, keys: readonly string[]): Promise<void>;
  /** Drains and closes; stops the embedded server. */
  stop(): Promise<void>;
}
