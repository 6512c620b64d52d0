/** SQL of the rejection notes that this edge makes. */
import type { Sqlite } from '../../shared/sqlite/open.ts';
import { EXPLICIT_LITTLE_ENDIAN } from '../documents/document-parts.ts';
import type { DocumentFile } from '../documents/write-document.ts';
import type { StoredInstance } from '../index/types.ts';
import { KEY_OBJECT_SELECTION, type NoteFacts } from './note-document.ts';

/** What a note will say, as it was when the copy went. */
export type NoteBody = Omit<NoteFacts, 'trust' | 'at'>;

export interface NoteRow {
  readonly noteKey: number;
  readonly body: NoteBody;
  readonly madeAt: number;
  readonly path: string | null;
  readonly deliveryId: string | null;
}

export class NoteRows {
  readonly #statements: ReturnType<typeof prepareStatements>;

  constructor(db: Sqlite) {
    this.#statements = prepareStatements(db);
  }

  /** Once for each withdrawal and peer. */
  put(body: NoteBody, now: number): void {
    const { commandId, peer, study } = body;
    const { studyInstanceUID, home } = study;
    const row = { commandId, studyInstanceUID, home, peer, body: JSON.stringify(body), now };
    this.#statements.insert.run(row);
  }

  open(): NoteRow[] {
    return this.#statements.open
      .all()
      .map(({ body, ...row }) => ({ ...row, body: JSON.parse(body) as NoteBody }));
  }

  setDocument(noteKey: number, file: DocumentFile, deliveryId: string): void {
    this.#statements.setDocument.run({ ...file, noteKey, deliveryId });
  }

  /** Its UID is known for good: the PACS may send it back. */
  done(noteKey: number, now: number): void {
    this.#statements.done.run(now, noteKey);
  }

  /** As the index finds an object. */
  findInstance(sopInstanceUID: string): StoredInstance | undefined {
    return this.#statements.find.get(sopInstanceUID);
  }
}

function prepareStatements(db: Sqlite) {
  return {
    insert: db.prepare<[object]>(
      `INSERT INTO withdrawal_notes (command_id, study_uid, home, peer, body, made_at)
       VALUES (@commandId, @studyInstanceUID, @home, @peer, @body, @now) ON CONFLICT DO NOTHING`,
    ),
    open: db.prepare<[], Omit<NoteRow, 'body'> & { body: string }>(
      `SELECT note_key AS noteKey, body, made_at AS madeAt, path, delivery_id AS deliveryId
       FROM withdrawal_notes WHERE done_at IS NULL ORDER BY note_key LIMIT 1000`,
    ),
    setDocument: db.prepare<[object]>(
      `UPDATE withdrawal_notes SET sop_uid = @sopInstanceUID, series_uid = @seriesInstanceUID,
         path = @path, data_set_offset = @dataSetOffset, data_set_bytes = @dataSetBytes,
         content_digest = @contentDigest, delivery_id = @deliveryId WHERE note_key = @noteKey`,
    ),
    done: db.prepare<[number, number]>(
      'UPDATE withdrawal_notes SET done_at = ?, body = NULL WHERE note_key = ?',
    ),
    find: db.prepare<[string], StoredInstance>(
      `SELECT sop_uid AS sopInstanceUID, '${KEY_OBJECT_SELECTION}' AS sopClassUID,
         study_uid AS studyInstanceUID, series_uid AS seriesInstanceUID, home,
         '${EXPLICIT_LITTLE_ENDIAN}' AS transferSyntaxUID, path, data_set_offset AS dataSetOffset,
         data_set_bytes AS dataSetBytes, content_digest AS contentDigest,
         content_digest AS homeDigest, 1 AS instanceNumber
       FROM withdrawal_notes WHERE sop_uid = ?`,
    ),
  };
}
