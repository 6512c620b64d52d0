/**
 * The log before it is reached: a hub that starts while its broker is away shows what it holds, and
 * says that it is not ready.
 *
 *   parts of the hub ─► here ─► the log, once it is open        before that: LOG_UNAVAILABLE
 */
import type { Command } from '../../shared/contract/commands.ts';
import type { RpcName } from '../../shared/contract/subjects.ts';
import { LogError, type LogMessage, type NetworkLog, type StreamState } from './network-log.ts';

type Answer = Parameters<NetworkLog['answer']>[1];

export class LateLog implements NetworkLog {
  #log: NetworkLog | undefined;
  readonly #answers = new Map<RpcName, Answer>();

  /** From now on everything goes there. */
  reached(log: NetworkLog): void {
    this.#log = log;
    for (const [name, answer] of this.#answers) log.answer(name, answer);
  }

  get natsUrl(): string {
    return this.#reached().natsUrl;
  }

  connected(): boolean {
    return this.#log?.connected() ?? false;
  }

  async streamState(stream: string): Promise<StreamState> {
    return this.#reached().streamState(stream);
  }

  read(
    stream: string,
    options: { fromSeq: number; created: string; signal: AbortSignal },
  ): AsyncIterable<LogMessage> {
    return this.#reached().read(stream, options);
  }

  async append(
    subject: string,
    body: object,
    options: { expectedLastSeq: number; messageId?: string },
  ): Promise<number> {
    return this.#reached().append(subject, body, options);
  }

  async sendCommand(ods: string, command: Command): Promise<void> {
    return this.#reached().sendCommand(ods, command);
  }

  answer(name: RpcName, answer: Answer): void {
    this.#answers.set(name, answer);
    this.#log?.answer(name, answer);
  }

  requireAdmissible(ods: string, natsPublicKey: string): void {
    this.#reached().requireAdmissible(ods, natsPublicKey);
  }

  async setEdgeKeys(ods: string, keys: readonly string[]): Promise<void> {
    return this.#reached().setEdgeKeys(ods, keys);
  }

  async stop(): Promise<void> {
    await this.#log?.stop();
  }

  #reached(): NetworkLog {
    if (this.#log !== undefined) return this.#log;
    throw new LogError('LOG_UNAVAILABLE', 'the broker has not been reached yet');
  }
}
