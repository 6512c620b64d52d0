/**
 * What a PACS says it holds of a study, object by object: to ask for what is missing, and to know when all is
 * there. PS3.4 C.6.2.1, SERIES and IMAGE level.
 */
import { Tag } from '../../shared/dicom/tag.ts';
import type { Ask } from '../crawl/count-study.ts';
import { decodeIdentifier, encodeIdentifier, type IdentifierElement } from '../dimse/identifier.ts';

const QueryRetrieveLevel = 0x0008_0052;

export interface PacsObject {
  readonly seriesInstanceUID: string;
  /** '' when the PACS does not say. */
  readonly sopClassUID: string;
}

/** By SOP Instance UID. */
export type PacsObjects = ReadonlyMap<string, PacsObject>;

/** @returns undefined when the PACS does not tell its objects one by one */
export async function objectsOf(
  ask: Ask,
  studyInstanceUID: string,
): Promise<PacsObjects | undefined> {
  const study = { tag: Tag.StudyInstanceUID, vr: 'UI', value: studyInstanceUID };
  const series = await asked(ask, 'SERIES', [study, key(Tag.SeriesInstanceUID)]);
  if (series === undefined || series.length === 0) return undefined;
  const objects = new Map<string, PacsObject>();
  for (const values of series) {
    const seriesInstanceUID = values.get(Tag.SeriesInstanceUID) ?? '';
    const named = await asked(ask, 'IMAGE', [
      study,
      { tag: Tag.SeriesInstanceUID, vr: 'UI', value: seriesInstanceUID },
      ...[key(Tag.SOPInstanceUID), key(Tag.SOPClassUID)],
    ]);
    if (named === undefined || named.length === 0) return undefined;
    for (const one of named) {
      const sopClassUID = one.get(Tag.SOPClassUID) ?? '';
      objects.set(one.get(Tag.SOPInstanceUID) ?? '', { seriesInstanceUID, sopClassUID });
    }
  }
  objects.delete('');
  return objects;
}

const key = (tag: number): IdentifierElement => ({ tag, vr: 'UI', value: '' });

async function asked(
  ask: Ask,
  level: string,
  keys: readonly IdentifierElement[],
): Promise<Map<number, string>[] | undefined> {
  const { end, identifiers, transferSyntaxUID } = await ask((transferSyntax) =>
    encodeIdentifier(transferSyntax, [
      { tag: QueryRetrieveLevel, vr: 'CS', value: level },
      ...keys,
    ]),
  );
  if (end !== 'whole') return undefined;
  return identifiers.map((answer) => decodeIdentifier(transferSyntaxUID, answer));
}
