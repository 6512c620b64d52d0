/**
 * What the first page shows: one figure of each measure for the network, asked after every build and laid into
 * the store, so that nobody waits for it, neither after a build nor after a restart.
 */
import type { Figures, Question } from './answer.ts';
import { quoted, type Store } from './store.ts';

/** The same for everybody: it is the network's. */
export const OVERVIEW: Question = { by: [], from: null, to: null, where: {}, own: null };

export interface OverviewFigures extends Figures {
  readonly id: string;
  /** RFC 3339: what was told until then is counted. */
  readonly asOf: string;
}

export async function keepOverview(
  store: Store,
  figures: readonly OverviewFigures[],
): Promise<void> {
  const kept = figures.map(({ id, asOf, rows, from, to, isSampled }) => ({
    ...{ id, asOf, rows, from, to, isSampled },
  }));
  await store.transaction(() =>
    store.run(
      `DELETE FROM overview; INSERT INTO overview SELECT number, ${quoted(JSON.stringify(kept))} FROM built`,
    ),
  );
}

/** Of the last build; null: it was not asked before the program ended. */
export async function keptOverview(store: Store): Promise<readonly OverviewFigures[] | null> {
  const [row] = await store.ask('SELECT figures FROM overview JOIN built USING (number)');
  return row === undefined ? null : (JSON.parse(String(row['figures'])) as OverviewFigures[]);
}
