/** What was learnt of a PACS itself, and of each of its days; why it stands still. Survives restarts. */
import type { Sqlite } from '../../shared/sqlite/open.ts';
import type { CapKnowledge } from './ask-slice.ts';

export interface StandstillReason {
  readonly code: string;
  readonly detail: string;
}

interface PeerRow extends CapKnowledge {
  readonly hasFewKeys: number;
  readonly answeredAt: number | null;
  readonly reasonCode: string | null;
  readonly reasonDetail: string | null;
}

export class PacsKnowledge {
  readonly #statements: ReturnType<typeof prepareStatements>;
  readonly #peer: string;

  constructor(db: Sqlite, peer: string) {
    this.#statements = prepareStatements(db);
    this.#peer = peer;
  }

  /** Before anything is learnt. Who only looks does not write. */
  create(): void {
    this.#statements.create.run(this.#peer);
  }

  cap(): CapKnowledge {
    const { uncapped = 0, cap = null } = this.#statements.find.get(this.#peer) ?? {};
    return { uncapped, cap };
  }

  learn({ uncapped, cap }: CapKnowledge): void {
    this.#statements.learn.run(uncapped, cap, this.#peer);
  }

  /** It refuses keys that it does not have to know. */
  get hasFewKeys(): boolean {
    return this.#statements.find.get(this.#peer)?.hasFewKeys === 1;
  }

  learnFewKeys(): void {
    this.#statements.fewKeys.run(this.#peer);
  }

  get reason(): StandstillReason | null {
    const { reasonCode = null, reasonDetail } = this.#statements.find.get(this.#peer) ?? {};
    return reasonCode === null ? null : { code: reasonCode, detail: reasonDetail ?? '' };
  }

  /** It answered. */
  answered(now: number): void {
    this.#statements.answered.run(now, this.#peer);
  }

  standsStill({ code, detail }: StandstillReason, now: number): void {
    this.#statements.reason.run(code, detail, now, this.#peer);
  }

  /** Whether the PACS told all of the studies of a day. */
  setDay(day: string, { pacs, isCut, now }: { pacs: number; isCut: boolean; now: number }): void {
    this.#statements.setDay.run(this.#peer, day, pacs, Number(isCut), now);
  }

  /** Days without studies are not kept. */
  forgetDays(from: string, to: string, before: number): void {
    this.#statements.forgetDays.run(this.#peer, from, to === '' ? '99999999' : to, before);
  }

  cutDays(): number {
    return Number(this.#statements.cutDays.pluck().get(this.#peer));
  }
}

function prepareStatements(db: Sqlite) {
  return {
    create: db.prepare<[string]>('INSERT OR IGNORE INTO crawl_peers (peer) VALUES (?)'),
    find: db.prepare<[string], PeerRow>(
      `SELECT uncapped, cap, has_few_keys AS hasFewKeys, answered_at AS answeredAt,
         reason_code AS reasonCode, reason_detail AS reasonDetail
       FROM crawl_peers WHERE peer = ?`,
    ),
    learn: db.prepare<[number, number | null, string]>(
      'UPDATE crawl_peers SET uncapped = ?, cap = ? WHERE peer = ?',
    ),
    fewKeys: db.prepare<[string]>('UPDATE crawl_peers SET has_few_keys = 1 WHERE peer = ?'),
    answered: db.prepare<[number, string]>(
      `UPDATE crawl_peers SET answered_at = ?, reason_code = NULL, reason_detail = NULL,
         reason_at = NULL WHERE peer = ?`,
    ),
    reason: db.prepare<[string, string, number, string]>(
      'UPDATE crawl_peers SET reason_code = ?, reason_detail = ?, reason_at = ? WHERE peer = ?',
    ),
    setDay: db.prepare<[string, string, number, number, number]>(
      `INSERT INTO crawl_days (peer, day, pacs, is_cut, asked_at) VALUES (?, ?, ?, ?, ?)
       ON CONFLICT DO UPDATE SET pacs = excluded.pacs, is_cut = excluded.is_cut,
         asked_at = excluded.asked_at`,
    ),
    forgetDays: db.prepare<[string, string, string, number]>(
      'DELETE FROM crawl_days WHERE peer = ? AND day >= ? AND day <= ? AND asked_at < ?',
    ),
    cutDays: db.prepare<[string]>('SELECT count(*) FROM crawl_days WHERE peer = ? AND is_cut = 1'),
  };
}
