/**
 * What was delivered of a copy, and to whom: asked while the copy is here, and remembered when it goes, since the PACS
 * keeps its own much longer.
 *
 *   remember ─► gone_copies        deliveredOf: deliveries, and what is remembered
 */
import { zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import type { EventBody, StudyEvent } from '../../shared/contract/events.ts';
import type { Sqlite } from '../../shared/sqlite/open.ts';
import type { EdgeIndex, StudyKey } from '../index/edge-index.ts';
import type { NoteCode, Reference } from './note-document.ts';

/** UK practice keeps foreign copies up to a year (IS-25 of the domain notes). */
const REMEMBER_MS = 400 * 86_400_000;

export interface Delivered {
  readonly study: EventBody<StudyEvent>;
  readonly byPeer: ReadonlyMap<string, readonly Reference[]>;
}

interface Kept {
  readonly study: EventBody<StudyEvent>;
  readonly byPeer: readonly (readonly [peer: string, references: readonly Reference[]])[];
}

export class DeliveredCopies {
  readonly #index: Pick<EdgeIndex, 'studyState'>;
  readonly #statements: ReturnType<typeof prepareStatements>;

  constructor(db: Sqlite, index: Pick<EdgeIndex, 'studyState'>) {
    this.#index = index;
    this.#statements = prepareStatements(db);
  }

  /** Before a copy goes that its home holds still. */
  remember(key: StudyKey, now: number): void {
    const delivered = this.deliveredOf(key);
    if (delivered === undefined) return;
    const kept: Kept = { study: delivered.study, byPeer: [...delivered.byPeer] };
    const body = zstdCompressSync(Buffer.from(JSON.stringify(kept)));
    this.#statements.remember.run(key.studyInstanceUID, key.home, body, now);
  }

  /** @returns undefined: nobody was given any of it */
  deliveredOf(key: StudyKey): Delivered | undefined {
    const { studyInstanceUID, home } = key;
    const kept = this.#remembered(key);
    const study = this.#index.studyState(studyInstanceUID, home) ?? kept?.study;
    const rows = this.#statements.delivered.all(studyInstanceUID, home);
    const all = [
      ...(kept?.byPeer ?? []).flatMap(([peer, given]) => given.map((one) => ({ ...one, peer }))),
      ...rows,
    ];
    const byPeer = new Map<string, Reference[]>();
    for (const [peer, given] of Map.groupBy(all, (one) => one.peer)) {
      const each = new Map(given.map(({ peer: _, ...one }) => [one.sopInstanceUID, one]));
      byPeer.set(peer, [...each.values()]);
    }
    return study === undefined || byPeer.size === 0 ? undefined : { study, byPeer };
  }

  forget({ studyInstanceUID, home }: StudyKey): void {
    this.#statements.forget.run(studyInstanceUID, home);
  }

  forgetOld(now: number): void {
    this.#statements.forgetOld.run(now - REMEMBER_MS);
  }

  /**
   * What the home itself said of objects of the study: its word on safety holds for all of it. Else nobody said why,
   * and the one code stands that hides a copy and lets it come again, should the home hold the study again.
   */
  codeOf({ studyInstanceUID, home }: StudyKey): NoteCode {
    const said = new Set(this.#statements.codes.pluck().all(studyInstanceUID, home) as string[]);
    return (['113037', '113038'] as const).find((code) => said.has(code)) ?? '113039';
  }

  #remembered({ studyInstanceUID, home }: StudyKey): Kept | undefined {
    const row = this.#statements.remembered.get(studyInstanceUID, home);
    return row && (JSON.parse(zstdDecompressSync(row.body).toString()) as Kept);
  }
}

function prepareStatements(db: Sqlite) {
  return {
    remember: db.prepare<[string, string, Buffer, number]>(
      'INSERT OR REPLACE INTO gone_copies VALUES (?, ?, ?, ?)',
    ),
    remembered: db.prepare<[string, string], { body: Buffer }>(
      'SELECT body FROM gone_copies WHERE study_uid = ? AND home = ?',
    ),
    forget: db.prepare<[string, string]>(
      'DELETE FROM gone_copies WHERE study_uid = ? AND home = ?',
    ),
    forgetOld: db.prepare<[number]>('DELETE FROM gone_copies WHERE gone_at < ?'),
    // In the order of the study, each object once a peer.
    delivered: db.prepare<[string, string], Reference & { peer: string }>(
      `SELECT DISTINCT d.peer, i.sop_uid AS sopInstanceUID, i.sop_class_uid AS sopClassUID,
         r.series_uid AS seriesInstanceUID
       FROM deliveries d JOIN delivery_instances o USING (delivery_id)
         JOIN instances i ON i.sop_uid = o.sop_uid AND i.home = d.home
         JOIN series r USING (series_key)
       WHERE d.study_uid = ? AND d.home = ? AND o.state = 'sent'
       ORDER BY d.peer, r.series_number, r.series_uid, i.instance_number, i.sop_uid`,
    ),
    codes: db.prepare<[string, string]>(
      'SELECT DISTINCT code FROM rejections WHERE study_uid = ? AND home = ?',
    ),
  };
}
