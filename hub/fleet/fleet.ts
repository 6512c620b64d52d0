/**
 * The edges of the network as their heartbeats show them: which trusts an answer speaks for, where
 * their edges are, what waits there.
 */
import { type Clock, rfc3339 } from '../../shared/clock.ts';
import {
  type HealthEvent,
  HealthEventSchema,
  type PushedConfiguration,
} from '../../shared/contract/events.ts';
import type { Sqlite } from '../../shared/sqlite/open.ts';
import type { TrustConfig } from '../config.ts';

/** Three heartbeats. */
const SILENT_MS = 45_000;

/** Which trusts an answer speaks for. */
export interface Answered {
  readonly trust: string;
  readonly name: string;
  /** False: its edge is silent, or was never heard of; what is shown of it is as of `asOf`. */
  readonly ok: boolean;
  readonly asOf: string | null;
  readonly reason?: string;
}

interface Heard {
  readonly health: HealthEvent;
  /** By the broker's clock: an edge's own may be wrong. */
  readonly heardAt: string;
}

export interface FleetEntry {
  readonly trust: string;
  readonly name: string;
  readonly httpUrl: string | null;
  readonly state: 'live' | 'silent' | 'unknown';
  readonly lastHeardAt: string | null;
  readonly version: string | null;
  readonly outboxWaiting: number | null;
  readonly quarantined: number | null;
  readonly freeBytes: number | null;
}

export interface FleetOptions {
  readonly db: Sqlite;
  readonly trusts: readonly TrustConfig[];
  readonly clock: Clock;
  /** The address that an edge gave at its enrolment; null: it is not enrolled. */
  readonly enrolledUrl: (ods: string) => string | null;
}

export class Fleet {
  readonly #options: FleetOptions;
  readonly #heard: (ods: string) => Heard | undefined;

  constructor(options: FleetOptions) {
    this.#options = options;
    const find = options.db.prepare<[string], { heardAt: string; body: string }>(
      "SELECT iif(heard_at = '', at, heard_at) AS heardAt, body FROM health WHERE trust = ?",
    );
    const parsed = new Map<string, Heard>();
    this.#heard = (ods) => {
      const row = find.get(ods);
      if (row === undefined) return undefined;
      const known = parsed.get(ods);
      if (known?.heardAt === row.heardAt) return known;
      const health = HealthEventSchema.safeParse(JSON.parse(row.body)).data;
      if (health === undefined) return undefined;
      const heard = { health, heardAt: row.heardAt };
      parsed.set(ods, heard);
      return heard;
    };
  }

  /** The newest heartbeat; undefined: none came. */
  health(ods: string): HealthEvent | undefined {
    return this.#heard(ods)?.health;
  }

  answered(): readonly Answered[] {
    return this.list().map(({ trust, name, state, lastHeardAt }) => {
      if (state === 'live') return { trust, name, ok: true, asOf: lastHeardAt };
      const reason =
        lastHeardAt === null
          ? `its edge was never heard of`
          : `its edge is silent since ${rfc3339(Date.parse(lastHeardAt))}`;
      return { trust, name, ok: false, asOf: lastHeardAt, reason };
    });
  }

  list(): readonly FleetEntry[] {
    return this.#options.trusts.map(({ ods, name }) => this.#entry(ods, name));
  }

  /** Where a trust's edge is reached; null: it has none, or not any more. */
  urlOf(ods: string): string | null {
    const enrolled = this.#options.enrolledUrl(ods);
    return enrolled === null ? null : (this.health(ods)?.httpUrl ?? enrolled);
  }

  /** True while its heartbeats come. */
  isLive(ods: string): boolean {
    return this.#isLive(this.#heard(ods));
  }

  /** When it was last heard of, RFC 3339; null: never. */
  lastHeardAt(ods: string): string | null {
    return this.#heard(ods)?.heardAt ?? null;
  }

  /** What became of the last configuration that was pushed to it; undefined: none was. */
  configurationOf(ods: string): PushedConfiguration | undefined {
    return this.health(ods)?.pushedConfiguration;
  }

  #isLive(heard: Heard | undefined): boolean {
    return heard !== undefined && this.#options.clock.now() - Date.parse(heard.heardAt) < SILENT_MS;
  }

  #entry(trust: string, name: string): FleetEntry {
    const heard = this.#heard(trust);
    const health = heard?.health;
    const state =
      heard === undefined ? 'unknown' : this.#isLive(heard) ? 'live' : ('silent' as const);
    return {
      trust,
      name,
      httpUrl: this.urlOf(trust),
      state,
      lastHeardAt: heard?.heardAt ?? null,
      version: health?.version ?? null,
      outboxWaiting: health?.outbox.waiting ?? null,
      quarantined: health?.quarantined ?? null,
      freeBytes: health?.disk.freeBytes ?? null,
    };
  }
}
