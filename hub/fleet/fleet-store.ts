/**
 * What the hub learns from heartbeats and keeps: numbers, rhythms, changes.
 *
 *   heartbeat ─► heard before? ─► history + rhythms + changes, one transaction
 */
import { join } from 'node:path';
import type { HealthEvent } from '../../shared/contract/events.ts';
import { openSqlite, type Sqlite } from '../../shared/sqlite/open.ts';
import { type ZonedClock, zoneOf } from '../../shared/time-zone.ts';
import { History } from './history.ts';
import { type Rhythm, Rhythms } from './rhythm.ts';
import { fleetSchema } from './schema.ts';

/** Old rows go once in so many heartbeats. */
const FORGET_EVERY = 1_000;
const KEPT_CHANGES = 500;
/** How a feed is named among the devices. Modalities go by their AE title. */
const FEED = 'hl7:';

export const feedName = (application: string, facility: string): string =>
  `${FEED}${application}|${facility}`;
export const isFeed = (device: string): boolean => device.startsWith(FEED);

export interface FleetChange {
  readonly trust: string;
  readonly at: string;
  readonly what: 'version' | 'configuration' | 'address' | 'restart';
  readonly was: string;
  readonly isNow: string;
}

interface HeardRow {
  readonly heardAt: string;
  readonly version: string;
  readonly configuration: string;
  readonly httpUrl: string;
  readonly startedAt: string;
}

export interface FleetStoreOptions {
  readonly dataDirectory: string;
  readonly bankHolidays: readonly string[];
  readonly zone?: ZonedClock;
}

export class FleetStore {
  readonly history: History;
  readonly #db: Sqlite;
  readonly #rhythms: Rhythms;
  readonly #statements: ReturnType<typeof prepare>;
  readonly #take: (health: HealthEvent, heardAt: string) => void;
  #taken = 0;

  constructor({ dataDirectory, bankHolidays, zone = zoneOf('Europe/London') }: FleetStoreOptions) {
    const file = dataDirectory === ':memory:' ? dataDirectory : join(dataDirectory, 'fleet.sqlite');
    this.#db = openSqlite(file, fleetSchema);
    this.history = new History(this.#db);
    this.#rhythms = new Rhythms({ db: this.#db, zone, bankHolidays: new Set(bankHolidays) });
    this.#statements = prepare(this.#db);
    const take = this.#db.transaction((health: HealthEvent, heardAt: string) =>
      this.#takeInTransaction(health, heardAt),
    );
    this.#take = (health, heardAt) => take.immediate(health, heardAt);
  }

  /** A heartbeat that was taken before is none. @param heardAt RFC 3339 */
  take(health: HealthEvent, heardAt: string): void {
    this.#take(health, heardAt);
  }

  rhythms(trust: string, now: number): Rhythm[] {
    return this.#rhythms.of(trust, now);
  }

  /** The newest first. */
  changes(trust: string, limit: number): FleetChange[] {
    return this.#statements.changes.all(trust, limit);
  }

  close(): void {
    this.#db.close();
  }

  #takeInTransaction(health: HealthEvent, heardAt: string): void {
    const { trust, version, configuration = '', httpUrl, startedAt } = health;
    const before = this.#statements.heard.get(trust);
    if (before !== undefined && before.heardAt >= heardAt) return;
    const now = { heardAt, version, configuration, httpUrl, startedAt };
    this.#statements.setHeard.run({ trust, ...now });
    if (before !== undefined) this.#noteChanges(trust, before, now);
    const at = Date.parse(heardAt);
    this.history.add(health, at);
    for (const { aeTitle, lastObjectAt } of health.modalities ?? [])
      this.#rhythms.learn(trust, aeTitle, Math.min(at, Date.parse(lastObjectAt)));
    for (const { application, facility, lastAt } of health.hl7?.feeds ?? [])
      this.#rhythms.learn(trust, feedName(application, facility), Math.min(at, Date.parse(lastAt)));
    this.#taken += 1;
    if (this.#taken % FORGET_EVERY !== 0) return;
    this.history.forget(at);
    this.#rhythms.forget(at);
  }

  #noteChanges(trust: string, was: HeardRow, now: HeardRow): void {
    const { heardAt: at } = now;
    const differing: [FleetChange['what'], keyof HeardRow][] = [
      ['version', 'version'],
      ['configuration', 'configuration'],
      ['address', 'httpUrl'],
      ['restart', 'startedAt'],
    ];
    for (const [what, key] of differing) {
      if (was[key] === now[key]) continue;
      this.#statements.addChange.run({ trust, at, what, was: was[key], isNow: now[key] });
    }
    this.#statements.forgetChanges.run(trust, trust, KEPT_CHANGES);
  }
}

function prepare(db: Sqlite) {
  return {
    heard: db.prepare<[string], HeardRow>(
      `SELECT heard_at AS heardAt, version, configuration, http_url AS httpUrl,
         started_at AS startedAt FROM heard WHERE trust = ?`,
    ),
    setHeard: db.prepare<[object]>(
      `INSERT INTO heard VALUES (@trust, @heardAt, @version, @configuration, @httpUrl, @startedAt)
       ON CONFLICT DO UPDATE SET heard_at = excluded.heard_at, version = excluded.version,
         configuration = excluded.configuration, http_url = excluded.http_url,
         started_at = excluded.started_at`,
    ),
    addChange: db.prepare<[object]>(
      `INSERT INTO changes (trust, at, what, was, is_now) VALUES (@trust, @at, @what, @was, @isNow)`,
    ),
    changes: db.prepare<[string, number], FleetChange>(
      `SELECT trust, at, what, was, is_now AS isNow FROM changes
       WHERE trust = ? ORDER BY change_key DESC LIMIT ?`,
    ),
    forgetChanges: db.prepare<[string, string, number]>(
      `DELETE FROM changes WHERE trust = ? AND change_key <= (
         SELECT change_key FROM changes WHERE trust = ? ORDER BY change_key DESC LIMIT 1 OFFSET ?)`,
    ),
  };
}
