/** What became of a telling of an order or a booking, and how the newer of two goes onto the older one. */

/** `overtaken`: a newer one came first, as of queues that are sent again. How it stands now is as it was. */
export type Told = 'changed' | 'same' | 'overtaken';

/** What the newer one does not say stays as the older one says. */
export function onto<Row extends object>(older: Row | undefined, newer: Row): Row {
  const kept = Object.entries(newer).map(([name, value]) => [
    name,
    value ?? older?.[name as keyof Row] ?? null,
  ]);
  return Object.fromEntries(kept) as Row;
}
