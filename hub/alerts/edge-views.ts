/** What is known of each edge that was ever heard, put together from the rows for one look. */
import { type HealthEvent, HealthEventSchema } from '../../shared/contract/events.ts';
import type { Sqlite } from '../../shared/sqlite/open.ts';
import { VERSION } from '../../shared/version.ts';
import type { FleetStore } from '../fleet/fleet-store.ts';
import type { EdgeView, Reading } from './readings.ts';

const HOUR_MS = 3_600_000;
/** What concerns the network as a whole. */
export const NETWORK = '@network';

interface TransferRow {
  readonly trust: string;
  readonly ended: number;
  readonly failed: number;
}

export class EdgeViews {
  readonly #store: Pick<FleetStore, 'rhythms'>;
  readonly #statements: ReturnType<typeof prepare>;
  /** A heartbeat is parsed once. */
  readonly #parsed = new Map<string, { readonly heardAt: string; readonly health: HealthEvent }>();

  constructor(db: Sqlite, store: Pick<FleetStore, 'rhythms'>) {
    this.#store = store;
    this.#statements = prepare(db);
  }

  /** @param since before it nobody could have been heard: the hub listens since then. Milliseconds since the epoch */
  list(trusts: readonly string[], { now, since }: { now: number; since: number }): EdgeView[] {
    const from = new Date(now - HOUR_MS).toISOString();
    const transfers = new Map(this.#statements.transfers.all(from).map((row) => [row.trust, row]));
    return trusts.flatMap((trust) => {
      const heard = this.#heard(trust);
      if (heard === undefined) return [];
      const { ended = 0, failed = 0 } = transfers.get(trust) ?? {};
      const heardAt = Date.parse(heard.heardAt);
      return [
        {
          ...{ trust, now, health: heard.health, version: VERSION },
          silentSeconds: Math.max(0, now - Math.max(since, heardAt)) / 1000,
          ageSeconds: Math.max(0, now - heardAt) / 1000,
          rhythms: this.#store.rhythms(trust, now),
          differingDays: this.#statements.differing.get(trust) ?? 0,
          transfers: { ended, failed },
        },
      ];
    });
  }

  /** Of no trust in particular. */
  network(): Reading[] {
    const pairs = this.#statements.reviews.get() ?? 0;
    const detail = `${pairs} pairs of patients wait for a decision`;
    const standing = this.#statements.standing.all().join('; ');
    return [
      { signal: 'identityReviews', subject: '', value: pairs, detail },
      {
        ...{ signal: 'upgradeStands', subject: '', value: standing === '' ? 0 : 1 },
        detail: `the rollout waits for a person at /fleet/releases: ${standing}`,
      },
    ];
  }

  #heard(trust: string): { heardAt: string; health: HealthEvent } | undefined {
    const row = this.#statements.health.get(trust);
    if (row === undefined) return undefined;
    const known = this.#parsed.get(trust);
    if (known?.heardAt === row.heardAt) return known;
    const health = HealthEventSchema.safeParse(JSON.parse(row.body)).data;
    if (health === undefined) return undefined;
    const parsed = { heardAt: row.heardAt, health };
    this.#parsed.set(trust, parsed);
    return parsed;
  }
}

function prepare(db: Sqlite) {
  return {
    health: db.prepare<[string], { heardAt: string; body: string }>(
      "SELECT iif(heard_at = '', at, heard_at) AS heardAt, body FROM health WHERE trust = ?",
    ),
    differing: db
      .prepare<[string], number>('SELECT count(*) FROM digests WHERE trust = ? AND equal = 0')
      .pluck(),
    transfers: db.prepare<[string], TransferRow>(
      `SELECT trust, count(*) AS ended, sum(state IN ('failed', 'partial')) AS failed
       FROM fetch_receipts WHERE at > ? AND state IN ('available', 'failed', 'partial') GROUP BY trust`,
    ),
    standing: db
      .prepare<[], string>(
        `SELECT 'rollout ' || number || ' ' || json_extract(body, '$.steps[#-1].what') FROM rollouts
         WHERE state = 'standing'`,
      )
      .pluck(),
    reviews: db
      .prepare<[], number>(
        `SELECT count(*) FROM identity_reviews r WHERE NOT EXISTS (
           SELECT 1 FROM identity_decisions d
           WHERE d.a = r.a AND d.b = r.b AND d.decision <> 'undone')`,
      )
      .pluck(),
  };
}
