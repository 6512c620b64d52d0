/** DICOMweb over what this edge holds: its parts, put together. */
import type { Log } from '../../shared/log.ts';
import type { Sqlite } from '../../shared/sqlite/open.ts';
import type { EdgeIndex } from '../index/edge-index.ts';
import { LocalStudies } from '../scp/query/local-studies.ts';
import type { Spool } from '../spool/spool.ts';
import type { CodecThreads } from '../transcode/codec-threads.ts';
import { FrameSources } from './frame-sources.ts';
import { HeldStudies } from './held-studies.ts';
import { KeptLayouts } from './kept-layouts.ts';
import type { RetrieveParts } from './retrieve.ts';
import type { SearchParts } from './search.ts';
import { SeriesMetadata } from './series-metadata.ts';

export type DicomWeb = RetrieveParts & SearchParts & { readonly layouts: KeptLayouts };

export function openDicomWeb(of: {
  readonly db: Sqlite;
  readonly index: EdgeIndex;
  readonly spool: Spool;
  readonly log: Log;
  readonly decoder: Pick<CodecThreads, 'decode'>;
}): DicomWeb {
  const { db, index, spool, decoder } = of;
  const layouts = new KeptLayouts(db);
  return {
    spool,
    held: new HeldStudies(db, index),
    studies: new LocalStudies(db, index.trust),
    metadata: new SeriesMetadata(of),
    layouts,
    frames: new FrameSources({ spool, decoder, kept: layouts }),
  };
}
