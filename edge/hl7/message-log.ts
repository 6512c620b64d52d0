/** Every message as it came, and its dead letters; SQL of `hl7_messages`. */
import type { Sqlite } from '../../shared/sqlite/open.ts';

export type MessageState = 'applied' | 'ignored' | 'dead' | 'dropped';

export interface LoggedMessage {
  readonly key: number;
  readonly state: MessageState;
}

export interface NewMessage {
  readonly host: string;
  readonly application: string;
  readonly facility: string;
  readonly controlId: string;
  readonly type: string;
  readonly digest: Buffer;
  readonly raw: Buffer;
  readonly state: MessageState;
  readonly code: string | null;
  readonly detail: string | null;
  readonly now: number;
}

/** What an engineer sees of a message that could not be applied; no patient. */
export interface DeadLetter {
  readonly key: number;
  readonly receivedAt: number;
  readonly host: string;
  readonly application: string;
  readonly facility: string;
  readonly controlId: string;
  readonly type: string;
  readonly code: string;
  readonly detail: string;
  readonly times: number;
  readonly bytes: number;
}

export interface SourceRow {
  readonly application: string;
  readonly facility: string;
  readonly messages: number;
  readonly dead: number;
  readonly lastAt: number;
}

export type FeedRow = Pick<SourceRow, 'application' | 'facility' | 'lastAt'>;

export class MessageLog {
  readonly #statements: ReturnType<typeof prepareStatements>;

  constructor(db: Sqlite) {
    this.#statements = prepareStatements(db);
  }

  findDigest(digest: Buffer): LoggedMessage | undefined {
    return this.#statements.findDigest.get(digest);
  }

  /** A dead letter that came again takes its new outcome; its number stays. */
  put(message: NewMessage): void {
    this.#statements.put.run(message);
  }

  raw(key: number): { raw: Buffer; host: string; state: MessageState } | undefined {
    return this.#statements.raw.get(key);
  }

  /** The newest first. */
  deadLetters(limit: number, offset = 0): DeadLetter[] {
    return this.#statements.dead.all(limit, offset);
  }

  deadCount(): number {
    return this.#statements.deadCount.pluck().get() as number;
  }

  /** Who sent within the time that messages are kept. */
  sources(limit: number): SourceRow[] {
    return this.#statements.sources.all(limit);
  }

  /** When each sender last sent, the newest first. */
  feeds(limit: number): FeedRow[] {
    return this.#statements.feeds.all(limit);
  }

  /** False: there is no such dead letter. */
  drop(key: number): boolean {
    return this.#statements.drop.run(key).changes > 0;
  }

  /** Dead letters stay until somebody has looked. @returns how many went */
  forgetBefore(at: number, limit: number): number {
    return this.#statements.forget.run(at, limit).changes;
  }
}

function prepareStatements(db: Sqlite) {
  return {
    findDigest: db.prepare<[Buffer], LoggedMessage>(
      'SELECT message_key AS key, state FROM hl7_messages WHERE digest = ?',
    ),
    put: db.prepare<[NewMessage]>(
      `INSERT INTO hl7_messages (received_at, host, application, facility, control_id, type, digest,
         raw, state, code, detail)
       VALUES (@now, @host, @application, @facility, @controlId, @type, @digest, @raw, @state, @code,
         @detail)
       ON CONFLICT DO UPDATE SET received_at = excluded.received_at, host = excluded.host,
         state = excluded.state, code = excluded.code, detail = excluded.detail, times = times + 1`,
    ),
    raw: db.prepare<[number], { raw: Buffer; host: string; state: MessageState }>(
      'SELECT raw, host, state FROM hl7_messages WHERE message_key = ?',
    ),
    dead: db.prepare<[number, number], DeadLetter>(
      `SELECT message_key AS key, received_at AS receivedAt, host, application, facility,
         control_id AS controlId, type, code, detail, times, length(raw) AS bytes
       FROM hl7_messages WHERE state = 'dead' ORDER BY message_key DESC LIMIT ? OFFSET ?`,
    ),
    deadCount: db.prepare("SELECT count(*) FROM hl7_messages WHERE state = 'dead'"),
    sources: db.prepare<[number], SourceRow>(
      `SELECT application, facility, count(*) AS messages, sum(state = 'dead') AS dead,
         max(received_at) AS lastAt
       FROM hl7_messages GROUP BY application, facility ORDER BY lastAt DESC LIMIT ?`,
    ),
    feeds: db.prepare<[number], FeedRow>(
      `SELECT application, facility, max(received_at) AS lastAt
       FROM hl7_messages GROUP BY application, facility ORDER BY lastAt DESC LIMIT ?`,
    ),
    drop: db.prepare<[number]>(
      "UPDATE hl7_messages SET state = 'dropped' WHERE message_key = ? AND state = 'dead'",
    ),
    forget: db.prepare<[number, number]>(
      `DELETE FROM hl7_messages WHERE message_key IN (SELECT message_key FROM hl7_messages
         WHERE received_at < ? AND state <> 'dead' ORDER BY received_at LIMIT ?)`,
    ),
  };
}
