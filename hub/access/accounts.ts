/**
 * People who sign in here: by an admin's link that works once, then by their own password and one-time code.
 * TOTP is RFC 6238.
 *
 *   link ─► session ─► password + code chosen ─► sign-in by both ─► session
 *
 * Wrong tries make the next one wait longer and longer. Nobody is shut out for good: a new link always works.
 */
import { Secret, TOTP } from 'otpauth';
import type { Clock } from '../../shared/clock.ts';
import { commitDurably, type Sqlite } from '../../shared/sqlite/open.ts';
import { AccessError } from './access-error.ts';
import { COST, hashPassword, isPassword, type PasswordCost, passwordFault } from './passwords.ts';
import { hashOf } from './secrets.ts';

const STEP_SECONDS = 30;
const FREE_TRIES = 5;
const FIRST_WAIT_MS = 30_000;
const LONGEST_WAIT_MS = 15 * 60_000;
const FORGOTTEN_MS = 24 * 3_600_000;

export interface Person {
  readonly name: string;
  readonly role: string;
  readonly trust: string | null;
}

export interface ListedPerson extends Person {
  readonly hasPassword: boolean;
}

export type Proved =
  | { readonly kind: 'proved'; readonly person: Person }
  | { readonly kind: 'wrong' }
  /** Too many wrong tries. It may be right; it is not looked at before this time. */
  | { readonly kind: 'wait'; readonly untilMs: number };

interface Kept extends Person {
  readonly scrypt: string;
  readonly totpSecret: string;
  readonly totpStep: number;
}

export class Accounts {
  readonly #db: Sqlite;
  readonly #clock: Clock;
  readonly #cost: PasswordCost;
  readonly #statements: ReturnType<typeof prepareAccounts>;

  constructor(db: Sqlite, clock: Clock, cost = COST) {
    this.#db = db;
    this.#clock = clock;
    this.#cost = cost;
    this.#statements = prepareAccounts(db);
  }

  hasPassword(name: string): boolean {
    return this.#statements.find.get(name) !== undefined;
  }

  find(name: string): Person | undefined {
    return this.#statements.person.get(name);
  }

  list(): ListedPerson[] {
    return this.#statements.list.all().map((row) => ({ ...row, hasPassword: row.kept === 1 }));
  }

  /** Whether it is this person: password and code both. A code counts once. */
  async prove(given: { name: string; password: string; code: string }): Promise<Proved> {
    const account = hashOf(given.name);
    const untilMs = this.#countTry(account);
    if (untilMs !== null) return { kind: 'wait', untilMs };
    const kept = this.#statements.find.get(given.name);
    const isRight = await isPassword(given.password, kept?.scrypt, this.#cost);
    if (!isRight || kept === undefined) return { kind: 'wrong' };
    const step = this.#stepOf(kept.totpSecret, given.code);
    if (step === null) return { kind: 'wrong' };
    const isNew = commitDurably(this.#db, () => {
      // Two at once with the same code: one is let in.
      const used = this.#statements.useStep.run(step, given.name, kept.scrypt, step);
      if (used.changes > 0) this.#statements.forgetTries.run(account);
      return used.changes > 0;
    });
    const { name, role, trust } = kept;
    return isNew ? { kind: 'proved', person: { name, role, trust } } : { kind: 'wrong' };
  }

  /** A new secret for a person's app, in base 32. */
  newSecret(): string {
    return new Secret({ size: 20 }).base32;
  }

  /**
   * Takes a new password, and the app's secret once a code proves that the app has it.
   *
   * @throws AccessError `PASSWORD_WEAK`, `CODE_WRONG`, `NAME_INVALID` for who has no account here
   */
  async choose(
    name: string,
    given: { password: string; secret: string; code: string },
  ): Promise<void> {
    const fault = passwordFault(given.password, name);
    if (fault !== null) throw new AccessError('PASSWORD_WEAK', fault);
    const isSecret = /^[A-Z2-7]{32}$/.test(given.secret);
    const step = isSecret ? this.#stepOf(given.secret, given.code) : null;
    if (step === null)
      throw new AccessError('CODE_WRONG', 'Enter the six digits that your app shows now');
    const scrypt = await hashPassword(given.password, this.#cost);
    commitDurably(this.#db, () => {
      if (this.find(name) === undefined)
        throw new AccessError('NAME_INVALID', 'there is no such account');
      this.#statements.keep.run(name, scrypt, given.secret, step, this.#clock.now());
      this.#statements.forgetTries.run(hashOf(name));
    });
  }

  /** The account, its links, its password. @returns false: there is none */
  drop(name: string): boolean {
    return commitDurably(this.#db, () => {
      this.#statements.dropPassword.run(name);
      this.#statements.dropLinks.run(name);
      this.#statements.dropSessions.run(name);
      return this.#statements.dropPerson.run(name).changes > 0;
    });
  }

  /** Counted before it is looked at: many at once are many. @returns until when to wait; null: not at all */
  #countTry(account: string): number | null {
    const now = this.#clock.now();
    return commitDurably(this.#db, () => {
      this.#statements.dropTries.run(now - FORGOTTEN_MS);
      const { tries = 0, lastAt = 0 } = this.#statements.tries.get(account) ?? {};
      const untilMs = lastAt + waitAfter(tries);
      if (untilMs > now) return untilMs;
      this.#statements.countTry.run(account, now);
      return null;
    });
  }

  /** The time step whose code it is, one before or after the present; null: none. */
  #stepOf(base32: string, code: string): number | null {
    const timestamp = this.#clock.now();
    const token = code.replace(/\s/g, '');
    if (!/^\d{6}$/.test(token)) return null;
    const secret = Secret.fromBase32(base32);
    const totp = { secret, algorithm: 'SHA1', digits: 6, period: STEP_SECONDS } as const;
    const delta = TOTP.validate({ ...totp, token, timestamp, window: 1 });
    return delta === null ? null : Math.floor(timestamp / 1000 / STEP_SECONDS) + delta;
  }
}

/** 30 s after five wrong tries, then double each time, a quarter of an hour at most. */
export function waitAfter(tries: number): number {
  if (tries < FREE_TRIES) return 0;
  return Math.min(FIRST_WAIT_MS * 2 ** (tries - FREE_TRIES), LONGEST_WAIT_MS);
}

function prepareAccounts(db: Sqlite) {
  return {
    person: db.prepare<[string], Person>('SELECT name, role, trust FROM people WHERE name = ?'),
    find: db.prepare<[string], Kept>(
      `SELECT name, role, trust, scrypt, totp_secret AS totpSecret, totp_step AS totpStep
       FROM passwords JOIN people ON name = person WHERE person = ?`,
    ),
    list: db.prepare<[], Person & { kept: number }>(
      `SELECT name, role, trust, person IS NOT NULL AS kept
       FROM people LEFT JOIN passwords ON person = name ORDER BY name`,
    ),
    keep: db.prepare<[string, string, string, number, number]>(
      `INSERT INTO passwords VALUES (?, ?, ?, ?, ?)
       ON CONFLICT DO UPDATE SET scrypt = excluded.scrypt, totp_secret = excluded.totp_secret,
         totp_step = excluded.totp_step, set_at = excluded.set_at`,
    ),
    useStep: db.prepare<[number, string, string, number]>(
      'UPDATE passwords SET totp_step = ? WHERE person = ? AND scrypt = ? AND totp_step < ?',
    ),
    tries: db.prepare<[string], { tries: number; lastAt: number }>(
      'SELECT tries, last_at AS lastAt FROM sign_in_tries WHERE account = ?',
    ),
    countTry: db.prepare<[string, number]>(
      `INSERT INTO sign_in_tries VALUES (?, 1, ?)
       ON CONFLICT DO UPDATE SET tries = tries + 1, last_at = excluded.last_at`,
    ),
    forgetTries: db.prepare<[string]>('DELETE FROM sign_in_tries WHERE account = ?'),
    dropTries: db.prepare<[number]>('DELETE FROM sign_in_tries WHERE last_at < ?'),
    dropPassword: db.prepare<[string]>('DELETE FROM passwords WHERE person = ?'),
    dropLinks: db.prepare<[string]>('DELETE FROM sign_in_links WHERE person = ?'),
    dropSessions: db.prepare<[string]>('DELETE FROM sessions WHERE person = ?'),
    dropPerson: db.prepare<[string]>('DELETE FROM people WHERE name = ?'),
  };
}
