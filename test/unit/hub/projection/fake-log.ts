/** A log in memory: streams that can be read, made anew, and appended to. No broker is needed for order and digests. */

import { LogError, type LogMessage, type NetworkLog } from '../../../../hub/log/network-log.ts';
import type { Command } from '../../../../shared/contract/commands.ts';
import { edgeStream, edgeSubject } from '../../../../shared/contract/subjects.ts';

interface Stream {
  created: string;
  messages: LogMessage[];
}

export class FakeLog implements NetworkLog {
  readonly natsUrl = 'nats://127.0.0.1:1';
  readonly commands: { ods: string; command: Command }[] = [];
  readonly #streams = new Map<string, Stream>();
  readonly #listeners = new Set<() => void>();
  #made = 0;

  connected(): boolean {
    return true;
  }

  /** An event of a trust, or bytes as they are. */
  publish(
    ods: string,
    kind: 'study' | 'digest' | 'receipt' | 'order',
    event: object | string,
  ): void {
    const text = typeof event === 'string' ? event : JSON.stringify(event);
    this.#store(edgeStream(ods), edgeSubject(ods, kind), text);
  }

  /** The stream loses all that it held and gets another moment of creation. */
  remake(stream: string): void {
    this.#streams.delete(stream);
    this.#tell();
  }

  async streamState(
    stream: string,
  ): Promise<{ created: string; firstSeq: number; lastSeq: number }> {
    const { created, messages } = this.#stream(stream);
    return { created, firstSeq: 1, lastSeq: messages.length };
  }

  async *read(
    stream: string,
    { fromSeq, created, signal }: { fromSeq: number; created: string; signal: AbortSignal },
  ): AsyncGenerator<LogMessage> {
    let next = fromSeq;
    while (!signal.aborted) {
      const now = this.#stream(stream);
      if (now.created !== created) throw new LogError('LOG_STREAM_CHANGED', 'made anew');
      const message = now.messages[next - 1];
      if (message !== undefined) {
        next += 1;
        yield message;
        continue;
      }
      await new Promise<void>((resolve) => {
        const wake = (): void => {
          this.#listeners.delete(wake);
          signal.removeEventListener('abort', wake);
          resolve();
        };
        this.#listeners.add(wake);
        signal.addEventListener('abort', wake);
      });
    }
  }

  async append(subject: string, body: object): Promise<number> {
    return this.#store('HUB', subject, JSON.stringify(body));
  }

  async sendCommand(ods: string, command: Command): Promise<void> {
    this.commands.push({ ods, command });
  }

  answer(): void {}

  requireAdmissible(): void {}

  async setEdgeKeys(): Promise<void> {}

  async stop(): Promise<void> {}

  #stream(name: string): Stream {
    const stream = this.#streams.get(name) ?? {
      created: new Date(Date.UTC(2026, 0, 1) + this.#made++).toISOString(),
      messages: [],
    };
    this.#streams.set(name, stream);
    return stream;
  }

  #store(stream: string, subject: string, text: string): number {
    const { messages } = this.#stream(stream);
    const streamSeq = messages.length + 1;
    messages.push({ subject, streamSeq, at: new Date().toISOString(), data: Buffer.from(text) });
    this.#tell();
    return streamSeq;
  }

  #tell(): void {
    for (const listener of [...this.#listeners]) listener();
  }
}
