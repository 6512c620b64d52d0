/**
 * Machines: long-lived API keys, and OAuth 2.0 clients that take a short-lived token for each hour's work.
 * RFC 6749 §4.4, RFC 6750.
 *
 *   key ──────────────────────────────► find ─► Principal
 *   client id + secret ─► issue ─► token ─► find
 *
 * Both may be given fewer rights than their role has, by scopes; never more.
 */
import { randomBytes } from 'node:crypto';
import type { Clock } from '../../shared/clock.ts';
import { commitDurably, type Sqlite } from '../../shared/sqlite/open.ts';
import { AccessError } from './access-error.ts';
import { ClientAssertions } from './client-assertions.ts';
import { ACTIONS, type Action, type Principal, type Role, refusalOf } from './rules.ts';
import { hashOf, secret } from './secrets.ts';

const TOKEN_MS = 15 * 60_000;

export interface Machine {
  readonly name: string;
  readonly role: Role;
  readonly trust: string | null;
  /** Absent: all that the role may do. */
  readonly scopes?: readonly Action[];
  /** When it ends; absent: when it is dropped. */
  readonly expiresAt?: number;
}

export interface IssuedToken {
  readonly token: string;
  readonly seconds: number;
  readonly scopes: readonly Action[];
  readonly principal: Principal;
}

export interface ListedMachine extends Omit<Row, 'scopes'> {
  readonly kind: 'key' | 'client';
  readonly scopes: readonly Action[] | null;
  readonly createdAt: number;
  readonly expiresAt: number | null;
}

interface Row {
  readonly name: string;
  readonly role: string;
  readonly trust: string | null;
  /** Separated by spaces; null: all of the role. */
  readonly scopes: string | null;
}

export class Machines {
  readonly #db: Sqlite;
  readonly #clock: Clock;
  readonly #assertions: ClientAssertions;
  readonly #statements: ReturnType<typeof prepareMachines>;

  constructor(db: Sqlite, clock: Clock) {
    this.#db = db;
    this.#clock = clock;
    this.#assertions = new ClientAssertions(db, clock);
    this.#statements = prepareMachines(db);
  }

  /** The principal of an API key, or of a token that counts still. */
  find(bearer: string): Principal | null {
    const [hash, now] = [hashOf(bearer), this.#clock.now()];
    const row =
      this.#statements.findKey.get(hash, now) ?? this.#statements.findToken.get(hash, now);
    return row === undefined ? null : principalOf(row);
  }

  /** @returns the key; it can't be read again @throws AccessError `SCOPE_UNKNOWN` */
  addKey(machine: Machine): string {
    requireScopes(machine);
    const key = `cdip_${secret()}`;
    commitDurably(this.#db, () =>
      this.#statements.insertKey.run(hashOf(key), ...this.#columns(machine)),
    );
    return key;
  }

  /**
   * @param keys a JWK Set by which it proves itself; absent: by the secret
   * @returns what the client shows to {@link issue}; the secret can't be read again
   * @throws AccessError `SCOPE_UNKNOWN`
   */
  addClient(machine: Machine, keys: string | null = null): { id: string; secret: string } {
    requireScopes(machine);
    const made = { id: `client_${randomBytes(9).toString('hex')}`, secret: secret() };
    const hash = keys === null ? hashOf(made.secret) : '';
    commitDurably(this.#db, () =>
      this.#statements.insertClient.run(made.id, hash, ...this.#columns(machine), keys),
    );
    return made;
  }

  /**
   * @param given.scope what the token is wanted for, separated by spaces; absent: all that the client may
   * @throws AccessError `CLIENT_INVALID`, `SCOPE_UNKNOWN`
   */
  issue(given: { id: string; secret: string; scope?: string | undefined }): IssuedToken {
    const now = this.#clock.now();
    return this.#issue(this.#statements.findClient.get(given.id, hashOf(given.secret), now), given);
  }

  /**
   * As {@link issue}, for a client that proves itself by a key.
   *
   * @param given.id as it was told beside the assertion; empty: not
   * @param given.audiences what names this hub
   */
  async issueByKey(given: {
    id: string;
    assertion: string;
    audiences: readonly string[];
    scope?: string | undefined;
  }): Promise<IssuedToken> {
    const id = await this.#assertions.prove(given.assertion, given.audiences);
    const isOther = given.id !== '' && given.id !== id;
    const client = isOther ? undefined : this.#statements.findClient.get(id, '', this.#clock.now());
    return this.#issue(client, { id, scope: given.scope });
  }

  #issue(client: Row | undefined, given: { id: string; scope?: string | undefined }): IssuedToken {
    const now = this.#clock.now();
    if (client === undefined)
      throw new AccessError('CLIENT_INVALID', 'the client id or its secret is not right');
    const may = principalOf(client);
    const wanted = given.scope?.split(' ').filter(Boolean) ?? [];
    const all = ACTIONS.filter((action) => refusalOf(may, action) === null);
    const refused = wanted.find((scope) => !all.some((action) => action === scope));
    if (refused !== undefined)
      throw new AccessError('SCOPE_UNKNOWN', `this client may have: ${all.join(', ')}`);
    const scopes = wanted.length === 0 ? all : all.filter((action) => wanted.includes(action));
    const token = `cdipt_${secret()}`;
    commitDurably(this.#db, () => {
      this.#statements.dropEndedTokens.run(now);
      this.#statements.insertToken.run(
        ...[hashOf(token), given.id, scopes.join(' '), now + TOKEN_MS],
      );
    });
    return { token, scopes, seconds: TOKEN_MS / 1000, principal: { ...may, scopes } };
  }

  list(): ListedMachine[] {
    return this.#statements.list
      .all()
      .map(({ scopes, ...row }) => ({ ...row, scopes: readScopes(scopes) ?? null }));
  }

  /** Its keys, its secret and its tokens count no more, from now on. @returns how many keys and clients there were */
  drop(name: string): number {
    return commitDurably(this.#db, () => {
      this.#statements.dropTokens.run(name);
      return (
        this.#statements.dropKeys.run(name).changes + this.#statements.dropClients.run(name).changes
      );
    });
  }

  #columns({ name, role, trust, scopes, expiresAt }: Machine): Columns {
    return [name, role, trust, this.#clock.now(), scopes?.join(' ') ?? null, expiresAt ?? null];
  }
}

type Columns = [string, string, string | null, number, string | null, number | null];

const readScopes = (scopes: string | null): Action[] | undefined =>
  scopes === null ? undefined : ACTIONS.filter((action) => scopes.split(' ').includes(action));

function principalOf({ name, role, trust, scopes }: Row): Principal {
  const given = readScopes(scopes);
  return given === undefined ? { name, role, trust } : { name, role, trust, scopes: given };
}

/** A scope that the role does not have would promise what is refused later. */
function requireScopes({ name, role, trust, scopes = [] }: Machine): void {
  const refused = scopes.find((scope) => refusalOf({ name, role, trust }, scope) !== null);
  if (refused === undefined) return;
  throw new AccessError('SCOPE_UNKNOWN', `the role ${role} has no scope ${refused}`);
}

function prepareMachines(db: Sqlite) {
  const row = 'name, role, trust, scopes';
  return {
    findKey: db.prepare<[string, number], Row>(
      `SELECT ${row} FROM api_keys WHERE hash = ? AND (expires_at IS NULL OR expires_at > ?)`,
    ),
    // The client's role as it is now; a client that was dropped or has ended takes its tokens along.
    findToken: db.prepare<[string, number], Row>(
      `SELECT name, role, trust, t.scopes FROM client_tokens t JOIN clients c ON c.id = t.client
       WHERE t.hash = ? AND t.expires_at > ?`,
    ),
    findClient: db.prepare<[string, string, number], Row>(
      `SELECT ${row} FROM clients
       WHERE id = ? AND hash = ? AND (expires_at IS NULL OR expires_at > ?)`,
    ),
    insertKey: db.prepare<[string, ...Columns]>(
      'INSERT INTO api_keys VALUES (?, ?, ?, ?, ?, ?, ?)',
    ),
    insertClient: db.prepare<[string, string, ...Columns, string | null]>(
      'INSERT INTO clients VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)',
    ),
    insertToken: db.prepare('INSERT INTO client_tokens VALUES (?, ?, ?, ?)'),
    list: db.prepare<[], Omit<ListedMachine, 'scopes'> & { scopes: string | null }>(
      `SELECT 'key' AS kind, ${row}, created_at AS createdAt, expires_at AS expiresAt FROM api_keys
       UNION ALL SELECT 'client', ${row}, created_at, expires_at FROM clients ORDER BY 2, 1`,
    ),
    dropKeys: db.prepare<[string]>('DELETE FROM api_keys WHERE name = ?'),
    dropTokens: db.prepare<[string]>(
      'DELETE FROM client_tokens WHERE client IN (SELECT id FROM clients WHERE name = ?)',
    ),
    dropClients: db.prepare<[string]>('DELETE FROM clients WHERE name = ?'),
    dropEndedTokens: db.prepare<[number]>('DELETE FROM client_tokens WHERE expires_at <= ?'),
  };
}
