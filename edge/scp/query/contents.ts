/**
 * Series and objects of studies that are not, or not wholly, in the spool: asked of whoever holds them,
 * the trust's own PACS by C-FIND, other trusts through the hub. Nothing is moved for a list.
 */
import type { ContentsReply, ContentsRequest } from '../../../shared/contract/rpc.ts';
import type { FoundSeries, FoundStudy, Values } from './found-study.ts';
import type { PacsListing } from './local-pacs.ts';
import { valuesOf } from './local-studies.ts';
import { queriedSeries } from './remote-studies.ts';

const PAGE = 1_000;
/** A series of more is not listed further. */
const MAX_INSTANCES = 20_000;

export interface ContentsParts {
  readonly trust: string;
  readonly listing: PacsListing;
  /** Absent: the trust works alone. Rejects when the hub can't be asked. */
  readonly askNetwork: ((request: ContentsRequest) => Promise<ContentsReply>) | undefined;
}

const isHere = ({ availability }: FoundStudy): boolean => availability === 'ONLINE';

/** @returns undefined: not known; what the index has of it counts */
export async function seriesOf(
  { trust, listing, askNetwork }: ContentsParts,
  study: FoundStudy,
): Promise<readonly FoundSeries[] | undefined> {
  if (isHere(study)) return study.series();
  const { studyInstanceUID, home } = study;
  if (home === trust) return listing.series(studyInstanceUID);
  const told = study.series();
  if (told.length > 0 || askNetwork === undefined) return told.length > 0 ? told : undefined;
  const request = { studyInstanceUID, home, limit: PAGE, offset: 0 };
  const reply = await askNetwork(request).catch(() => undefined);
  return reply !== undefined && 'series' in reply ? reply.series.map(queriedSeries) : undefined;
}

/** @returns undefined: not known */
export async function instancesOf(
  { trust, listing, askNetwork }: ContentsParts,
  study: FoundStudy,
  seriesInstanceUID: string,
): Promise<readonly Values[] | undefined> {
  if (isHere(study)) return study.instances(seriesInstanceUID);
  const { studyInstanceUID, home } = study;
  if (home === trust) return listing.instances(studyInstanceUID, seriesInstanceUID);
  if (askNetwork === undefined) return undefined;
  const found: Values[] = [];
  for (let offset = 0; offset < MAX_INSTANCES; offset += PAGE) {
    const request = { studyInstanceUID, home, seriesInstanceUID, limit: PAGE, offset };
    const reply = await askNetwork(request).catch(() => undefined);
    if (reply === undefined || !('instances' in reply)) return undefined;
    for (const { sopInstanceUID, sopClassUID, instanceNumber } of reply.instances)
      found.push(
        valuesOf({
          ...{ SOPInstanceUID: sopInstanceUID, SOPClassUID: sopClassUID },
          InstanceNumber: instanceNumber,
        }),
      );
    if (reply.instances.length < PAGE) return found;
  }
  return undefined;
}
