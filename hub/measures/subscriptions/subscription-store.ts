/** SQL of subscriptions. */
import { commitDurably, type Sqlite } from '../../../shared/sqlite/open.ts';
import type { Asked } from '../question-link.ts';
import type { Every } from './periods.ts';

/** Whose it is: an account of this hub, or a person whom an identity provider lets in under that name. */
export interface Owner {
  readonly person: string;
  readonly isProvided: boolean;
}

export interface Subscription extends Owner {
  readonly id: string;
  readonly secret: string;
  readonly role: string;
  readonly trust: string | null;
  readonly seenAt: number;
  readonly measure: string;
  readonly asked: Asked;
  readonly every: Every;
  readonly email: string;
  readonly createdAt: number;
  readonly donePeriod: string;
  readonly sentAt: number | null;
  readonly fault: string | null;
  readonly failures: number;
  readonly notBefore: number;
}

interface Row {
  readonly [column: string]: string | number | null;
}

export class SubscriptionStore {
  readonly #db: Sqlite;
  readonly #statements: ReturnType<typeof prepare>;

  constructor(db: Sqlite) {
    this.#db = db;
    this.#statements = prepare(db);
  }

  /** Durable when it returns. */
  add(one: Subscription): void {
    const { asked, isProvided, ...rest } = one;
    const row = { ...rest, isProvided: Number(isProvided), question: JSON.stringify(asked) };
    commitDurably(this.#db, () => this.#statements.insert.run(row));
  }

  all(): Subscription[] {
    return this.#statements.all.all().map(subscriptionOf);
  }

  of({ person, isProvided }: Owner): Subscription[] {
    return this.#statements.of.all(person, Number(isProvided)).map(subscriptionOf);
  }

  bySecret(secret: string): Subscription | undefined {
    const row = this.#statements.bySecret.get(secret);
    return row === undefined ? undefined : subscriptionOf(row);
  }

  /** Durable when it returns. @returns false: it was stopped already */
  drop(id: string): boolean {
    return commitDurably(this.#db, () => this.#statements.drop.run(id).changes > 0);
  }

  /** What an identity provider told of a person who is here now. */
  see({ person, role, trust }: { person: string; role: string; trust: string | null }, at: number) {
    this.#statements.see.run(role, trust, at, person);
  }

  done(id: string, { period, at }: { period: string; at: number }): void {
    commitDurably(this.#db, () => this.#statements.done.run(period, at, id));
  }

  failed(id: string, { fault, notBefore }: { fault: string; notBefore: number }): void {
    this.#statements.failed.run(fault, notBefore, id);
  }
}

const subscriptionOf = (row: Row): Subscription => ({
  ...{ id: String(row['id']), secret: String(row['secret']), person: String(row['person']) },
  ...{
    isProvided: row['is_provided'] === 1,
    role: String(row['role']),
    email: String(row['email']),
  },
  trust: row['trust'] === null ? null : String(row['trust']),
  ...{ seenAt: Number(row['seen_at']), createdAt: Number(row['created_at']) },
  ...{ measure: String(row['measure']), every: row['every'] as Every },
  asked: JSON.parse(String(row['question'])) as Asked,
  donePeriod: String(row['done_period']),
  sentAt: row['sent_at'] === null ? null : Number(row['sent_at']),
  fault: row['fault'] === null ? null : String(row['fault']),
  ...{ failures: Number(row['failures']), notBefore: Number(row['not_before']) },
});

function prepare(db: Sqlite) {
  return {
    insert: db.prepare<[object]>(
      `INSERT INTO subscriptions VALUES (@id, @secret, @person, @isProvided, @role, @trust, @seenAt, @measure,
         @question, @every, @email, @createdAt, @donePeriod, @sentAt, @fault, @failures, @notBefore)`,
    ),
    all: db.prepare<[], Row>('SELECT * FROM subscriptions ORDER BY created_at, id'),
    of: db.prepare<[string, number], Row>(
      'SELECT * FROM subscriptions WHERE person = ? AND is_provided = ? ORDER BY created_at, id',
    ),
    bySecret: db.prepare<[string], Row>('SELECT * FROM subscriptions WHERE secret = ?'),
    drop: db.prepare<[string]>('DELETE FROM subscriptions WHERE id = ?'),
    see: db.prepare<[string, string | null, number, string]>(
      'UPDATE subscriptions SET role = ?, trust = ?, seen_at = ? WHERE person = ? AND is_provided = 1',
    ),
    done: db.prepare<[string, number, string]>(
      `UPDATE subscriptions SET done_period = ?, sent_at = ?, fault = NULL, failures = 0, not_before = 0
       WHERE id = ?`,
    ),
    failed: db.prepare<[string, number, string]>(
      'UPDATE subscriptions SET fault = ?, failures = failures + 1, not_before = ? WHERE id = ?',
    ),
  };
}
