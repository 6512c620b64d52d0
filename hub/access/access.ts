/**
 * Keys, links, sessions and enrolment tokens. The command line writes to the same file while the hub
 * runs; what it adds counts at once.
 *
 *   secret ─► SHA-256 ─► row ─► Principal
 */
import { createHash, randomBytes } from 'node:crypto';
import { chmodSync, closeSync, mkdirSync, openSync } from 'node:fs';
import { join } from 'node:path';
import type { Clock } from '../../shared/clock.ts';
import type { EnrolRequest } from '../../shared/contract/enrol.ts';
import { commitDurably, openSqlite, type Sqlite } from '../../shared/sqlite/open.ts';
import { AccessError } from './access-error.ts';
import { type Action, type Principal, type Role, refusalOf } from './rules.ts';
import { accessSchema } from './schema.ts';
import { prepareAccess } from './statements.ts';

const LINK_MS = 24 * 3_600_000;
const SESSION_MS = 12 * 3_600_000;
const IDLE_MS = 2 * 3_600_000;
/** A session's last use is written so often at most. */
const TOUCH_MS = 60_000;

/** It holds a private key: nobody but its owner reads the file, nor the WAL that SQLite makes beside it. */
export function openAccessDatabase(dataDirectory: string): Sqlite {
  const file = join(dataDirectory, 'access.sqlite');
  mkdirSync(dataDirectory, { recursive: true, mode: 0o700 });
  closeSync(openSync(file, 'a', 0o600));
  chmodSync(file, 0o600);
  return openSqlite(file, accessSchema);
}

export class Access {
  readonly #db: Sqlite;
  readonly #clock: Clock;
  readonly #statements: ReturnType<typeof prepareAccess>;

  constructor(db: Sqlite, clock: Clock) {
    this.#db = db;
    this.#clock = clock;
    this.#statements = prepareAccess(db);
  }

  // --- who asks

  /** The principal of an API key, or of a session; null when it is none or has ended. */
  authenticate({ bearer, session }: { bearer?: string; session?: string }): Principal | null {
    if (bearer !== undefined) return this.#statements.findKey.get(hashOf(bearer)) ?? null;
    if (session === undefined) return null;
    const now = this.#clock.now();
    const found = this.#statements.findSession.get(hashOf(session));
    if (found === undefined || found.expiresAt <= now || found.lastAt + IDLE_MS <= now) return null;
    if (found.lastAt + TOUCH_MS <= now) this.#statements.touchSession.run(now, hashOf(session));
    const { name, role, trust } = found;
    return { name, role, trust };
  }

  /** Null: allowed. Else why not, in words for the person. */
  refuse(principal: Principal, action: Action): string | null {
    return refusalOf(principal, action);
  }

  // --- signing in

  readSignInLink(token: string): Principal | null {
    return this.#statements.findLink.get(hashOf(token), this.#clock.now()) ?? null;
  }

  useSignInLink(token: string): { session: string; seconds: number; principal: Principal } | null {
    const now = this.#clock.now();
    return commitDurably(this.#db, () => {
      const principal = this.readSignInLink(token);
      if (principal === null) return null;
      this.#statements.useLink.run(now, hashOf(token));
      const session = secret();
      this.#statements.insertSession.run(hashOf(session), principal.name, now, now + SESSION_MS);
      this.#statements.dropEndedSessions.run(now);
      return { session, seconds: SESSION_MS / 1000, principal };
    });
  }

  endSession(session: string): void {
    commitDurably(this.#db, () => this.#statements.dropSession.run(hashOf(session)));
  }

  // --- what the command line gives out

  /** A person's account, made or changed. @returns the token of a sign-in link that works once */
  invite(person: { name: string; role: Role; trust: string | null }): string {
    const token = secret();
    commitDurably(this.#db, () => {
      this.#statements.upsertPerson.run(person.name, person.role, person.trust);
      this.#statements.insertLink.run(hashOf(token), person.name, this.#clock.now() + LINK_MS);
    });
    return token;
  }

  /** @returns the key; it can't be read again */
  addKey(machine: { name: string; role: Role; trust: string | null }): string {
    const key = `cdip_${secret()}`;
    commitDurably(this.#db, () =>
      this.#statements.insertKey.run(
        ...[hashOf(key), machine.name, machine.role, machine.trust, this.#clock.now()],
      ),
    );
    return key;
  }

  /** @returns a one-time token for the trust's edge; never with a hyphen in front, which a shell's command would take for an option */
  addEnrolmentToken(trust: string, ttlMs: number): string {
    const token = `edge_${secret()}`;
    commitDurably(this.#db, () =>
      this.#statements.insertToken.run(hashOf(token), trust, this.#clock.now() + ttlMs),
    );
    return token;
  }

  // --- edges

  /**
   * Uses the token up and takes the edge's key in its place. The same key may come again with it, for
   * as long as the token is good: the answer may have been lost on its way.
   *
   * @throws AccessError `TOKEN_INVALID`
   */
  enrol(request: EnrolRequest): void {
    const now = this.#clock.now();
    const { token, trust, natsPublicKey, httpUrl, version } = request;
    commitDurably(this.#db, () => {
      const used = this.#statements.useToken.run(now, hashOf(token), trust, now);
      const isRepeat =
        used.changes === 0 &&
        this.#statements.findRepeat.get(hashOf(token), trust, now, natsPublicKey) !== undefined;
      if (used.changes === 0 && !isRepeat)
        throw new AccessError(
          'TOKEN_INVALID',
          `the token is unknown, used, too old, or not for ${trust}: ask for a new one`,
        );
      if (!isRepeat) this.#statements.upsertEdge.run(trust, natsPublicKey, httpUrl, version, now);
    });
  }

  /** Public nkeys of the enrolled edges, by trust. */
  edgeKeys(): Map<string, string> {
    return new Map(this.#statements.edges.all().map(({ ods, key }) => [ods, key]));
  }

  /** The address that the edge gave; null: it is not enrolled. */
  enrolledUrl(ods: string): string | null {
    return (this.#statements.edgeUrl.pluck().get(ods) as string | undefined) ?? null;
  }
}

const secret = (): string => randomBytes(32).toString('base64url');
const hashOf = (text: string): string => createHash('sha256').update(text).digest('hex');
