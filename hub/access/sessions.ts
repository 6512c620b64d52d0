/**
 * Sessions of people: what a browser's cookie stands for.
 *
 *   sign-in ─► begin ─► cookie ─► find, at each request ─► Principal
 *
 * A session ends when nobody uses it, when its day is over, or at once when its owner or an admin says so.
 */
import { randomUUID } from 'node:crypto';
import { CLOCKS_DIFFER_MS, type Clock } from '../../shared/clock.ts';
import { commitDurably, type Sqlite } from '../../shared/sqlite/open.ts';
import type { Logout, ProviderSession } from './logout-token.ts';
import type { Assurance, Principal, SignInMethod } from './rules.ts';
import { hashOf, secret } from './secrets.ts';

/** A session's last use is written so often at most. */
const TOUCH_MS = 60_000;

export interface SessionLimits {
  readonly idleMinutes: number;
  readonly hours: number;
}

/** Who signed in, and how. */
export interface SignedIn {
  readonly person: string;
  readonly method: SignInMethod;
  readonly assurance: Assurance;
  readonly authenticatedAt: number;
  /** What an identity provider told; absent: role and trust are those of the account, as it is at each moment. */
  readonly told?: { readonly role: string; readonly trust: string | null };
  /** Whom the identity provider knows; it may end the session from there. */
  readonly provider?: ProviderSession;
}

/** Where a session is used, for its owner to know it again. */
export interface Device {
  readonly address: string | null;
  readonly browser: string | null;
}

export interface Begun {
  readonly session: string;
  readonly seconds: number;
}

export interface ListedSession {
  readonly id: string;
  readonly method: SignInMethod;
  readonly beganAt: number;
  readonly lastAt: number;
  readonly address: string | null;
  readonly browser: string | null;
  readonly isThis: boolean;
}

export interface SignedInPerson {
  readonly name: string;
  readonly role: string;
  readonly trust: string | null;
  readonly sessions: number;
  readonly lastAt: number;
}

interface Row extends ListedSession {
  readonly hash: string;
  readonly name: string;
  readonly role: string;
  readonly trust: string | null;
  readonly assurance: Assurance;
  readonly authenticatedAt: number;
  readonly expiresAt: number;
}

export class Sessions {
  readonly #db: Sqlite;
  readonly #clock: Clock;
  readonly #idleMs: number;
  readonly #lengthMs: number;
  readonly #statements: ReturnType<typeof prepareSessions>;

  constructor(db: Sqlite, clock: Clock, limits: SessionLimits) {
    this.#db = db;
    this.#clock = clock;
    this.#idleMs = limits.idleMinutes * 60_000;
    this.#lengthMs = limits.hours * 3_600_000;
    this.#statements = prepareSessions(db);
  }

  begin(who: SignedIn, { address, browser }: Device): Begun {
    const now = this.#clock.now();
    const session = secret();
    const { person, method, assurance, authenticatedAt, told, provider } = who;
    commitDurably(this.#db, () => {
      this.#statements.dropEnded.run(now, now - this.#idleMs);
      this.#statements.insert.run({
        ...{ hash: hashOf(session), id: randomUUID(), person, method, assurance, authenticatedAt },
        ...{ role: told?.role ?? null, trust: told?.trust ?? null, now, address, browser },
        expiresAt: now + this.#lengthMs,
        ...{ subjectHash: provider?.subjectHash ?? null, sidHash: provider?.sidHash ?? null },
      });
    });
    return { session, seconds: this.#lengthMs / 1000 };
  }

  /** @param isUse false: a page asks by itself, which keeps nobody signed in */
  find(session: string, { isUse }: { isUse: boolean }): Principal | null {
    const found = this.#live(session);
    if (found === null) return null;
    const now = this.#clock.now();
    if (isUse && found.lastAt + TOUCH_MS <= now) this.#statements.touch.run(now, found.hash);
    const { name, role, trust, method, assurance, authenticatedAt } = found;
    return { name, role, trust, method, assurance, authenticatedAt };
  }

  /**
   * The same person proved again who they are: under a new secret, which whoever knew the old one does not know.
   * Its day is not made longer.
   *
   * @returns null when the session has ended meanwhile
   */
  confirm(
    session: string,
    proof: Pick<SignedIn, 'method' | 'assurance' | 'authenticatedAt' | 'provider'>,
  ): Begun | null {
    const now = this.#clock.now();
    const fresh = secret();
    return commitDurably(this.#db, () => {
      const found = this.#live(session);
      if (found === null) return null;
      const { method, assurance, authenticatedAt } = proof;
      this.#statements.confirm.run(
        ...[hashOf(fresh), method, assurance, authenticatedAt, now, found.hash],
      );
      // Who proves it there again may do so in another session of theirs.
      if (proof.provider !== undefined)
        this.#statements.name.run({ ...proof.provider, hash: hashOf(fresh) });
      return { session: fresh, seconds: Math.ceil((found.expiresAt - now) / 1000) };
    });
  }

  /** Of one person, the newest first. @param session the one that asks */
  list(person: string, session: string): ListedSession[] {
    const now = this.#clock.now();
    const rows = this.#statements.list.all(person, now, now - this.#idleMs);
    return rows.map(({ hash, ...row }) => ({ ...row, isThis: hash === hashOf(session) }));
  }

  /** Whoever is signed in now, by name. */
  people(): SignedInPerson[] {
    const now = this.#clock.now();
    return this.#statements.people.all(now, now - this.#idleMs);
  }

  end(session: string): void {
    commitDurably(this.#db, () => this.#statements.drop.run(hashOf(session)));
  }

  /** @returns false: that person has no such session */
  endOne(person: string, id: string): boolean {
    return commitDurably(this.#db, () => this.#statements.dropOne.run(person, id).changes > 0);
  }

  /** @returns how many there were */
  endAll(person: string): number {
    return commitDurably(this.#db, () => this.#statements.dropAll.run(person).changes);
  }

  /**
   * Ends what the identity provider says has ended: a session, or all of a person.
   *
   * @returns whose sessions they were; null: the token was used
   */
  endToldBy({ subjectHash, sidHash, token }: Logout): Principal[] | null {
    const now = this.#clock.now();
    return commitDurably(this.#db, () => {
      this.#statements.forgetTokens.run(now);
      if (this.#statements.useToken.run(token.hash, token.untilMs).changes === 0) return null;
      const ended = this.#statements.told.all({ subjectHash, sidHash });
      for (const { hash } of ended) this.#statements.drop.run(hash);
      return ended.map(({ name, role, trust, method, assurance, authenticatedAt }) => ({
        ...{ name, role, trust, method, assurance, authenticatedAt },
      }));
    });
  }

  #live(session: string): Row | null {
    const now = this.#clock.now();
    const found = this.#statements.find.get(hashOf(session));
    if (found === undefined || found.expiresAt <= now || found.lastAt + this.#idleMs <= now)
      return null;
    // Used in the future: the clock was set back since, and it would neither rest nor end in its time.
    return found.lastAt > now + CLOCKS_DIFFER_MS ? null : found;
  }
}

function prepareSessions(db: Sqlite) {
  return {
    insert: db.prepare(
      `INSERT INTO sessions VALUES (:hash, :id, :person, :method, :assurance, :authenticatedAt,
         :role, :trust, :now, :now, :expiresAt, :address, :browser, :subjectHash, :sidHash)`,
    ),
    name: db.prepare<[ProviderSession & { hash: string }]>(
      'UPDATE sessions SET subject_hash = :subjectHash, sid_hash = :sidHash WHERE hash = :hash',
    ),
    // Each is looked up by its index; both, where both are told.
    told: db.prepare<[Pick<Logout, 'subjectHash' | 'sidHash'>], Row>(
      `SELECT hash, person AS name, role, trust, method, assurance, authenticated_at AS authenticatedAt
       FROM sessions WHERE (:subjectHash IS NULL OR subject_hash = :subjectHash)
         AND (:sidHash IS NULL OR sid_hash = :sidHash)
         AND (subject_hash = :subjectHash OR sid_hash = :sidHash)`,
    ),
    useToken: db.prepare<[string, number]>(
      'INSERT OR IGNORE INTO used_logout_tokens VALUES (?, ?)',
    ),
    forgetTokens: db.prepare<[number]>('DELETE FROM used_logout_tokens WHERE until <= ?'),
    // Who was told by an identity provider has no account here, or one that does not count.
    find: db.prepare<[string], Row>(
      `SELECT hash, person AS name, coalesce(s.role, p.role) AS role,
         CASE WHEN s.role IS NULL THEN p.trust ELSE s.trust END AS trust, method, assurance,
         authenticated_at AS authenticatedAt, last_at AS lastAt, expires_at AS expiresAt
       FROM sessions s LEFT JOIN people p ON p.name = person AND s.role IS NULL
       WHERE hash = ? AND (s.role IS NOT NULL OR p.name IS NOT NULL)`,
    ),
    touch: db.prepare<[number, string]>('UPDATE sessions SET last_at = ? WHERE hash = ?'),
    confirm: db.prepare(
      `UPDATE sessions SET hash = ?, method = ?, assurance = ?, authenticated_at = ?, last_at = ?
       WHERE hash = ?`,
    ),
    list: db.prepare<[string, number, number], Omit<ListedSession, 'isThis'> & { hash: string }>(
      `SELECT hash, id, method, began_at AS beganAt, last_at AS lastAt, address, browser
       FROM sessions WHERE person = ? AND expires_at > ? AND last_at > ?
       ORDER BY began_at DESC, id`,
    ),
    // With several roles at once: that of the session used last.
    people: db.prepare<[number, number], SignedInPerson>(
      `SELECT person AS name, coalesce(s.role, p.role) AS role,
         CASE WHEN s.role IS NULL THEN p.trust ELSE s.trust END AS trust,
         count(*) AS sessions, max(last_at) AS lastAt
       FROM sessions s LEFT JOIN people p ON p.name = person AND s.role IS NULL
       WHERE expires_at > ? AND last_at > ? AND (s.role IS NOT NULL OR p.name IS NOT NULL)
       GROUP BY person ORDER BY person`,
    ),
    drop: db.prepare<[string]>('DELETE FROM sessions WHERE hash = ?'),
    dropOne: db.prepare<[string, string]>('DELETE FROM sessions WHERE person = ? AND id = ?'),
    dropAll: db.prepare<[string]>('DELETE FROM sessions WHERE person = ?'),
    dropEnded: db.prepare<[number, number]>(
      'DELETE FROM sessions WHERE expires_at <= ? OR last_at <= ?',
    ),
  };
}
