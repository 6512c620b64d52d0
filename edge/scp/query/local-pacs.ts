/** The trust's own PACS, as whoever needs a study of it sees it; put together by the edge's main. */
import type { FoundSeries, Values } from './found-study.ts';

export interface LocalPacs {
  readonly listing: PacsListing;
  /** A study of the trust's own of which the PACS holds what the spool does not. */
  isWanted(studyInstanceUID: string): boolean;
  /** Undefined: it is not being brought. */
  stand(
    studyInstanceUID: string,
  ): { readonly instances: number; readonly expected: number | null } | undefined;
  /** @param signal whoever asked waits no longer */
  bring(studyInstanceUID: string, signal?: AbortSignal): Promise<BroughtFromPacs>;
}

/** What the PACS lists of a study; undefined: it does not say, or does not answer. */
export interface PacsListing {
  series(studyInstanceUID: string): Promise<readonly FoundSeries[] | undefined>;
  instances(
    studyInstanceUID: string,
    seriesInstanceUID: string,
  ): Promise<readonly Values[] | undefined>;
}

export interface BroughtFromPacs {
  readonly state: 'whole' | 'partial' | 'failed';
  /** SOP Instance UIDs that the PACS holds and that did not come. */
  readonly missing: readonly string[];
  /** Null: all of it is here. */
  readonly reason: { readonly code: string; readonly detail: string } | null;
}
