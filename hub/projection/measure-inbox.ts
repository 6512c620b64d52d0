/**
 * What the measures have still to count: every telling, not only the newest, since a booking that was moved or
 * missed is one of their facts. Written with the cursor, emptied by hub/measures. Never a report's text.
 */
import type { OrderedEvent } from '../../shared/contract/events.ts';
import type { Sqlite } from '../../shared/sqlite/open.ts';

const UNCOUNTED = ['digest', 'receipt', 'booking', 'encounter', 'teaching'] as const;

const isCounted = (event: OrderedEvent): event is CountedEvent =>
  !UNCOUNTED.some((kind) => kind === event.kind);

/** An event as it waits: without what no measure asks for. */
export type CountedEvent = Exclude<OrderedEvent, { kind: (typeof UNCOUNTED)[number] }>;

export function prepareMeasureInbox(db: Sqlite) {
  const insert = db.prepare<[string]>('INSERT INTO measure_inbox (body) VALUES (?)');
  return {
    toBeCounted(event: OrderedEvent): void {
      if (isCounted(event)) insert.run(JSON.stringify(withoutText(event)));
    },
  };
}

function withoutText(event: CountedEvent): object {
  return event.kind === 'report' ? { ...event, text: '', title: null, author: null } : event;
}

export interface WaitingEvent {
  readonly id: number;
  readonly event: CountedEvent;
}

/** The oldest that wait, at most `limit`. */
export function waitingForMeasures(db: Sqlite, limit: number): WaitingEvent[] {
  return db
    .prepare<[number], { id: number; body: string }>(
      'SELECT id, body FROM measure_inbox ORDER BY id LIMIT ?',
    )
    .all(limit)
    .map(({ id, body }) => ({ id, event: JSON.parse(body) as CountedEvent }));
}

/** Those up to `id` are counted. */
export function countedByMeasures(db: Sqlite, id: number): void {
  db.prepare('DELETE FROM measure_inbox WHERE id <= ?').run(id);
}
