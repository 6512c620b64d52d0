/**
 * Live changes as server-sent events (HTML Standard §9.2): `fetch`, `study`, `record`, `completeness`.
 *
 *   projection.onChange ──► ring of the newest ──► every open listener
 *
 * An event names what changed and carries no patient. A listener that comes back with Last-Event-ID
 * gets what it missed, or `resync` when that is no longer known. One that does not read is cut off,
 * so a sleeping browser can not fill the hub's memory.
 */
import type { ServerResponse } from 'node:http';
import type { Change } from '../projection/change.ts';
import type { FetchOrdersPart, ProjectionPart } from './parts.ts';

const KEPT_EVENTS = 1_000;
const MAX_LISTENERS = 2_000;
const MAX_UNREAD_BYTES = 256 * 1024;
const RETRY_MS = 2_000;
const HEARTBEAT_MS = 15_000;

/** Whether a listener may be told of a change. */
export type Sees = (change: Change) => boolean;

interface FeedEvent {
  readonly number: number;
  readonly change: Change;
  readonly text: string;
}

export class EventFeed {
  /** Ids begin with it, so that those of an earlier run of the hub are told apart. */
  readonly #run: string;
  readonly #fetches: Pick<FetchOrdersPart, 'find'>;
  readonly #listeners = new Map<ServerResponse, Sees>();
  readonly #kept: FeedEvent[] = [];
  readonly #heartbeat: NodeJS.Timeout;
  readonly #stopListening: () => void;
  #number = 0;

  constructor(parts: {
    projection: Pick<ProjectionPart, 'onChange'>;
    fetches: Pick<FetchOrdersPart, 'find'>;
    run: string;
    heartbeatMs?: number;
  }) {
    this.#run = parts.run;
    this.#fetches = parts.fetches;
    this.#stopListening = parts.projection.onChange((change) => this.#publish(change));
    this.#heartbeat = setInterval(
      () => this.#send(': alive\n\n'),
      parts.heartbeatMs ?? HEARTBEAT_MS,
    );
    this.#heartbeat.unref();
  }

  get listeners(): number {
    return this.#listeners.size;
  }

  get isFull(): boolean {
    return this.#listeners.size >= MAX_LISTENERS;
  }

  /**
   * Sends events on `response`, whose head has been written, until either side ends it.
   *
   * @param lastEventId of the request's Last-Event-ID; anything may stand in it
   */
  add(response: ServerResponse, lastEventId: string | undefined, sees: Sees): void {
    this.#listeners.set(response, sees);
    response.on('close', () => this.#listeners.delete(response));
    response.on('error', () => this.#listeners.delete(response));
    response.write(`retry: ${RETRY_MS}\n\n${this.#since(lastEventId, sees)}`);
  }

  stop(): void {
    clearInterval(this.#heartbeat);
    this.#stopListening();
    for (const response of this.#listeners.keys()) response.end();
    this.#listeners.clear();
  }

  #since(lastEventId: string | undefined, sees: Sees): string {
    const hello = `id: ${this.#run}-${this.#number}\nevent: hello\ndata: {}\n\n`;
    if (lastEventId === undefined || lastEventId === '') return hello;
    const [, run, digits] = /^(.+)-(\d{1,15})$/.exec(lastEventId) ?? [];
    const last = Number(digits ?? Number.NaN);
    const oldest = this.#kept[0]?.number ?? this.#number + 1;
    if (run !== this.#run || !(last + 1 >= oldest && last <= this.#number))
      return `${hello}event: resync\ndata: {}\n\n`;
    const missed = this.#kept.filter((event) => event.number > last && sees(event.change));
    return hello + missed.map((event) => event.text).join('');
  }

  #publish(change: Change): void {
    this.#number += 1;
    const data = JSON.stringify(this.#dataOf(change));
    const text = `id: ${this.#run}-${this.#number}\nevent: ${change.kind}\ndata: ${data}\n\n`;
    this.#kept.push({ number: this.#number, change, text });
    if (this.#kept.length > KEPT_EVENTS) this.#kept.shift();
    this.#send(text, (sees) => sees(change));
  }

  #dataOf(change: Change): object {
    if (change.kind === 'record') {
      const { appointmentId: _, ...shown } = change;
      return shown;
    }
    if (change.kind !== 'fetch') return change;
    const order = this.#fetches.find(change.fetchId);
    if (order === null) return change;
    const { fetchId, studyInstanceUID, to, state, instances, bytes, etaSeconds, updatedAt } = order;
    return {
      kind: 'fetch',
      fetchId,
      studyInstanceUID,
      to,
      state,
      instances,
      bytes,
      etaSeconds,
      updatedAt,
    };
  }

  #send(text: string, isFor: (sees: Sees) => boolean = () => true): void {
    for (const [response, sees] of this.#listeners) {
      if (!isFor(sees)) continue;
      if (response.writableLength > MAX_UNREAD_BYTES) response.destroy();
      else response.write(text);
    }
  }
}
