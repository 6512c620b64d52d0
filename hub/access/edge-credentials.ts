/**
 * The keys by which edges are known: enrolled with a one-time token, rotated before they end, taken back.
 *
 *   enrol ─► key ─► rotate: the next one beside it ─► first heard of with the next: the one before ends
 *                └─► end of its time, revoke, another enrolment: it opens nothing any more
 *
 * The command line writes to the same file while the hub runs; edge-admission.ts has it bite.
 */
import type { Clock } from '../../shared/clock.ts';
import type { EnrolRequest } from '../../shared/contract/enrol.ts';
import { commitDurably, type Sqlite } from '../../shared/sqlite/open.ts';
import { AccessError } from './access-error.ts';
import { prepareEdgeKeys } from './edge-key-statements.ts';
import { hashOf } from './secrets.ts';

/** Domain.md, SE-06: no credential of an edge is older. */
export const KEY_MS = 90 * 86_400_000;
/** Tickets that were bound to a key are over by then, also by a clock that is late. */
const TOLD_MS = 3_600_000;

/** Why a key ended. */
export type KeyEnd = 'rotated' | 'enrolled-again' | 'revoked' | 'not-used';

export class EdgeCredentials {
  readonly #db: Sqlite;
  readonly #clock: Clock;
  readonly #statements: ReturnType<typeof prepareEdgeKeys>;

  constructor(db: Sqlite, clock: Clock) {
    this.#db = db;
    this.#clock = clock;
    this.#statements = prepareEdgeKeys(db);
  }

  /**
   * Uses the token up and takes the edge's key in place of those before. The same key may come again with it,
   * for as long as the token is good: the answer may have been lost on its way.
   *
   * @throws AccessError `TOKEN_INVALID`, `EDGE_KEY_KNOWN` (nothing is used up)
   */
  enrol(request: EnrolRequest): void {
    const now = this.#clock.now();
    const { token, trust, natsPublicKey, httpUrl, version } = request;
    commitDurably(this.#db, () => {
      const used = this.#statements.useToken.run(now, hashOf(token), trust, now);
      const isRepeat =
        used.changes === 0 &&
        this.#statements.findRepeat.get(hashOf(token), trust, now, natsPublicKey) !== undefined;
      if (isRepeat) return;
      if (used.changes === 0)
        throw new AccessError(
          'TOKEN_INVALID',
          `the token is unknown, used, too old, or not for ${trust}: ask for a new one`,
        );
      this.#statements.endOthers.run(now, 'enrolled-again', trust, natsPublicKey);
      this.#admit(trust, natsPublicKey, now);
      this.#statements.upsertEdge.run(trust, natsPublicKey, httpUrl, version, now);
    });
  }

  /**
   * What an edge tells of its keys: the one that it uses, and one that it wants beside it. That it uses a newer
   * one ends those before.
   *
   * @returns when the key in use ends, milliseconds since the epoch
   * @throws AccessError `EDGE_KEY_UNKNOWN`, `EDGE_KEY_KNOWN`
   */
  tellKeys(ods: string, { current, next }: { current: string; next: string | undefined }): number {
    const now = this.#clock.now();
    return commitDurably(this.#db, () => {
      const live = this.#statements.live.all(ods, now);
      const used = live.find(({ key }) => key === current);
      if (used === undefined)
        throw new AccessError('EDGE_KEY_UNKNOWN', `this is no key of ${ods} that is in force`);
      for (const { key } of live.slice(live.indexOf(used) + 1))
        this.#statements.end.run(now, 'rotated', key);
      if (next !== undefined && !live.some(({ key }) => key === next)) {
        for (const { key } of live.slice(0, live.indexOf(used)))
          this.#statements.end.run(now, 'not-used', key);
        this.#admit(ods, next, now);
      }
      this.#statements.setKey.run(current, ods);
      return used.expiresAt;
    });
  }

  /**
   * Takes all keys of a trust's edge back, and tokens that were not used: it has to be enrolled again.
   *
   * @throws AccessError `EDGE_NOT_ENROLLED`
   */
  revoke(ods: string): void {
    const now = this.#clock.now();
    commitDurably(this.#db, () => {
      const ended = this.#statements.endOthers.run(now, 'revoked', ods, '');
      const tokens = this.#statements.dropTokens.run(ods, now);
      if (ended.changes + tokens.changes === 0)
        throw new AccessError('EDGE_NOT_ENROLLED', `${ods} has no edge that could be revoked`);
    });
  }

  /** Public nkeys that are in force, by trust; the newest of each first. */
  keys(): Map<string, readonly string[]> {
    const rows = this.#statements.allLive.all(this.#clock.now());
    return new Map(
      [...Map.groupBy(rows, ({ ods }) => ods)].map(([ods, of]) => [ods, of.map(({ key }) => key)]),
    );
  }

  /** The key that a trust's edge uses; null: it has none. */
  keyInUse(ods: string): string | null {
    return this.#statements.inUse.get(ods, this.#clock.now())?.key ?? null;
  }

  /** Keys that ended a moment ago: tickets that are bound to them are not over everywhere. */
  endedLately(): string[] {
    const now = this.#clock.now();
    return this.#statements.ended.all(now - TOLD_MS, now - TOLD_MS, now).map(({ key }) => key);
  }

  /** The address that the edge gave; null: it is not enrolled, or not any more. */
  enrolledUrl(ods: string): string | null {
    return this.keyInUse(ods) === null ? null : (this.#statements.edgeUrl.get(ods)?.url ?? null);
  }

  #admit(ods: string, key: string, now: number): void {
    if (this.#statements.known.get(key) !== undefined)
      throw new AccessError('EDGE_KEY_KNOWN', 'this key was used before: make a new one');
    this.#statements.insert.run(key, ods, now, now + KEY_MS);
  }
}
