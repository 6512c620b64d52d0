/**
 * Keys, links, sessions and enrolment tokens. The command line writes to the same file while the hub
 * runs; what it adds counts at once.
 *
 *   secret ─► SHA-256 ─► row ─► Principal
 */
import { chmodSync, closeSync, mkdirSync, openSync } from 'node:fs';
import { join } from 'node:path';
import type { Clock } from '../../shared/clock.ts';
import { commitDurably, openSqlite, type Sqlite } from '../../shared/sqlite/open.ts';
import { Accounts } from './accounts.ts';
import { Machines } from './machines.ts';
import type { PasswordCost } from './passwords.ts';
import { type Action, type Principal, type Role, refusalOf } from './rules.ts';
import { accessSchema } from './schema.ts';
import { hashOf, secret } from './secrets.ts';
import { type Begun, type Device, type SessionLimits, Sessions } from './sessions.ts';
import { prepareAccess } from './statements.ts';

const LINK_MS = 24 * 3_600_000;
export interface SignInLimits extends SessionLimits {
  /** `set-up`: who comes by a link chooses a password and a code, and does nothing before. */
  readonly links: 'sign-in' | 'set-up';
  /** What a password costs to look at; absent: what is due. */
  readonly passwordCost?: PasswordCost;
}

export const LIMITS: SignInLimits = { idleMinutes: 15, hours: 12, links: 'sign-in' };

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
  readonly #links: SignInLimits['links'];
  readonly #statements: ReturnType<typeof prepareAccess>;

  /** What a browser's cookie stands for. */
  readonly sessions: Sessions;
  readonly machines: Machines;
  readonly accounts: Accounts;

  constructor(db: Sqlite, clock: Clock, limits = LIMITS) {
    this.#db = db;
    this.#clock = clock;
    this.#links = limits.links;
    this.sessions = new Sessions(db, clock, limits);
    this.machines = new Machines(db, clock);
    this.accounts = new Accounts(db, clock, limits.passwordCost);
    this.#statements = prepareAccess(db);
  }

  // --- who asks

  /**
   * The principal of an API key, or of a session; null when it is none or has ended.
   *
   * @param given.isUse false: a page asks by itself, which keeps nobody signed in
   */
  authenticate(given: { bearer?: string; session?: string; isUse?: boolean }): Principal | null {
    const { bearer, session, isUse = true } = given;
    if (bearer !== undefined) return this.machines.find(bearer);
    return session === undefined ? null : this.sessions.find(session, { isUse });
  }

  /** Null: allowed. Else why not, in words for the person. */
  refuse(principal: Principal, action: Action): string | null {
    const isNew = this.#links === 'set-up' && principal.method === 'link';
    if (isNew && action !== 'account')
      return 'Choose a password and a code first, at /account/password.';
    return refusalOf(principal, action);
  }

  // --- signing in

  readSignInLink(token: string): Principal | null {
    return this.#statements.findLink.get(hashOf(token), this.#clock.now()) ?? null;
  }

  useSignInLink(token: string, device: Device): (Begun & { principal: Principal }) | null {
    const now = this.#clock.now();
    const principal = commitDurably(this.#db, () => {
      const invited = this.readSignInLink(token);
      if (invited !== null) this.#statements.useLink.run(now, hashOf(token));
      return invited;
    });
    if (principal === null) return null;
    const proof = { method: 'link', assurance: 1, authenticatedAt: now } as const;
    const begun = this.sessions.begin({ person: principal.name, ...proof }, device);
    return { ...begun, principal: { ...principal, ...proof } };
  }

  endSession(session: string): void {
    this.sessions.end(session);
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

  /** @returns a one-time token for the trust's edge; never with a hyphen in front, which a shell's command would take for an option */
  addEnrolmentToken(trust: string, ttlMs: number): string {
    const token = `edge_${secret()}`;
    commitDurably(this.#db, () =>
      this.#statements.insertToken.run(hashOf(token), trust, this.#clock.now() + ttlMs),
    );
    return token;
  }
}
