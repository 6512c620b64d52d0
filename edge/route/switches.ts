/** The switch of each AI model: off, it gets nothing and its results are held, from the next look on. */
import type { Sqlite } from '../../shared/sqlite/open.ts';

export const MODEL_OFF = 'MODEL_OFF';

export class Switches {
  readonly #statements: ReturnType<typeof prepareStatements>;

  constructor(db: Sqlite) {
    this.#statements = prepareStatements(db);
  }

  /** @returns the reason that a person gave; undefined: it is on */
  whyOff(model: string): string | undefined {
    return this.#statements.find.pluck().get(model) as string | undefined;
  }

  off(model: string, reason: string, now: number): void {
    this.#statements.off.run(model, reason, now);
  }

  on(model: string): void {
    this.#statements.on.run(model);
  }
}

function prepareStatements(db: Sqlite) {
  return {
    find: db.prepare<[string]>('SELECT reason FROM route_models_off WHERE model = ?'),
    off: db.prepare<[string, string, number]>(
      `INSERT INTO route_models_off VALUES (?, ?, ?)
       ON CONFLICT DO UPDATE SET reason = excluded.reason`,
    ),
    on: db.prepare<[string]>('DELETE FROM route_models_off WHERE model = ?'),
  };
}
