/** The strict order in which a trust's events are applied. Rule 3 of the architecture. */

export interface Position {
  readonly epoch: number;
  readonly seq: number;
}

/**
 * - `apply`  — the next one: of this epoch, or the first of a higher one; anything when nothing is held
 * - `repeat` — applied before, or of an epoch that is over
 * - `gap`    — something before it is missing: it waits until the edge tells all again from there
 */
export function decideOrder(cursor: Position | null, event: Position): 'apply' | 'repeat' | 'gap' {
  if (cursor === null) return 'apply';
  if (event.epoch > cursor.epoch) return event.seq === 1 ? 'apply' : 'gap';
  if (event.epoch < cursor.epoch || event.seq <= cursor.seq) return 'repeat';
  return event.seq === cursor.seq + 1 ? 'apply' : 'gap';
}
