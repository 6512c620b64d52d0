/**
 * Frame layouts in the index, a row beside each object and gone with it: a first look walks through no file.
 *
 * What can't be walked is kept as well, as what it is: nobody walks through it twice.
 */
import type { Sqlite } from '../../shared/sqlite/open.ts';
import type { StoredInstance } from '../index/types.ts';
import { DicomWebError, type DicomWebErrorCode } from './dicomweb-error.ts';
import { type FrameLayout, LAYOUT_FORM, type PackedLayout, pack, unpack } from './frame-layout.ts';
import type { SeriesScope } from './held-studies.ts';

/** Objects that are looked at together for one without a layout: a few milliseconds. */
const WINDOW = 2_000;

interface Fault {
  readonly fault: DicomWebErrorCode;
  readonly why: string;
}

/** A series with an object of which no layout is kept. */
export interface Lacking {
  readonly scope: SeriesScope;
  /** Where to look on from. */
  readonly below: number;
}

export class KeptLayouts {
  readonly #find;
  readonly #put;
  readonly #newest;
  readonly #lacking;

  constructor(db: Sqlite) {
    // A key is used again once its object is deleted: the path, which names content, is what is meant.
    this.#find = db.prepare<[string, string, string, number], PackedLayout>(
      `SELECT layout, fragments FROM frame_layouts JOIN instances USING (instance_key)
       WHERE sop_uid = ? AND home = ? AND path = ? AND form = ?`,
    );
    this.#put = db.prepare<[number, string, Buffer | null, string, string, string]>(
      `INSERT OR REPLACE INTO frame_layouts
       SELECT instance_key, ?, ?, ? FROM instances WHERE sop_uid = ? AND home = ? AND path = ?`,
    );
    this.#newest = db
      .prepare<[], number>('SELECT coalesce(max(instance_key), 0) FROM instances')
      .pluck();
    this.#lacking = db.prepare<[number, number, number], SeriesScope & { instanceKey: number }>(
      `SELECT i.instance_key AS instanceKey, study_uid AS studyInstanceUID, t.home,
              series_uid AS seriesInstanceUID
       FROM instances i JOIN series USING (series_key) JOIN studies t USING (study_key)
       WHERE i.instance_key < ? AND i.instance_key >= ? AND missing_since IS NULL
         AND NOT EXISTS (SELECT 1 FROM frame_layouts l
                         WHERE l.instance_key = i.instance_key AND l.form = ?)
       ORDER BY i.instance_key DESC LIMIT 1`,
    );
  }

  /** @returns undefined: none is kept @throws DicomWebError for an object that is known to have none */
  of({ sopInstanceUID, home, path }: StoredInstance): FrameLayout | undefined {
    const row = this.#find.get(sopInstanceUID, home, path, LAYOUT_FORM);
    if (row === undefined) return undefined;
    if (!row.layout.startsWith('{')) return unpack(row);
    const { fault, why } = JSON.parse(row.layout) as Fault;
    throw new DicomWebError(fault, why);
  }

  /** Nothing happens when the object was deleted meanwhile. */
  keep({ sopInstanceUID, home, path }: StoredInstance, found: FrameLayout | DicomWebError): void {
    const { layout, fragments } = found instanceof DicomWebError ? packFault(found) : pack(found);
    this.#put.run(LAYOUT_FORM, layout, fragments, sopInstanceUID, home, path);
  }

  /** Beyond the newest object of now. */
  get end(): number {
    return (this.#newest.get() ?? 0) + 1;
  }

  /** Of the next few objects below; newest first. @returns where to look on when they all have theirs; 0: at the end */
  lackingBelow(end: number): Lacking | number {
    const row = this.#lacking.get(end, end - WINDOW, LAYOUT_FORM);
    if (row === undefined) return Math.max(0, end - WINDOW);
    const { instanceKey, ...scope } = row;
    return { scope, below: instanceKey };
  }
}

function packFault({ code, message }: DicomWebError): PackedLayout {
  const fault: Fault = { fault: code, why: message };
  return { layout: JSON.stringify(fault), fragments: null };
}
