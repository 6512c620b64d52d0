/**
 * Who opened which study through the hub, from its audit trail: the trust and the moment, never the person or the
 * patient. What is looked at in a PACS, or at an edge, no hub hears.
 */
import type { AuditEntry } from '../../shared/audit/entry.ts';
import type { ToldRow } from './told.ts';

/** The hub's audit trail, as far as it is read here. */
export interface ViewSource {
  /** Oldest first, behind a row. */
  after(seq: number, limit: number): readonly Seen[];
  head(): { readonly seq: number };
}

type Seen = Pick<AuditEntry, 'event' | 'outcome' | 'what' | 'trust' | 'studies'> & {
  readonly seq: number;
  readonly at: string;
};

/** Images go out by these; the others show the record of a study, and its reports. */
const PARTS: ReadonlyMap<string, 'images' | 'record'> = new Map([
  ['GET /dicom-web/studies/:study', 'images'],
  ['GET /dicom-web/studies/:study/*', 'images'],
  ['GET /api/studies/:uid', 'record'],
  ['GET /studies/:uid', 'record'],
]);

export function viewRows(entries: readonly Seen[]): ToldRow[] {
  return entries.flatMap(({ event, outcome, what, trust, studies, at }) => {
    const part = PARTS.get(what);
    if (event !== 'look' || outcome !== 0 || trust === null || part === undefined) return [];
    return [...new Set(studies)].map((study) => ({
      ...{ trust, study_uid: study, viewed_at: at, part },
    }));
  });
}
