/**
 * How many series and objects a study has, of a PACS that does not say so at STUDY level: by its series, and by
 * the objects of those of which that is not said either. PS3.4 C.6.2.1.3, C.6.2.1.4.
 */
import { Tag } from '../../shared/dicom/tag.ts';
import { codeOf } from '../../shared/errors.ts';
import { decodeIdentifier, encodeIdentifier } from '../dimse/identifier.ts';
import { countOf, modalitiesOf } from './answers.ts';
import type { Answers } from './pacs-finder.ts';

const QueryRetrieveLevel = 0x0008_0052;
const NumberOfSeriesRelatedInstances = 0x0020_1209;
/** More are not asked for one by one. */
const MAX_SERIES = 50;

/** Null: the PACS does not say. */
export interface CountedStudy {
  readonly series: number | null;
  readonly instances: number | null;
  readonly modalities: readonly string[];
}

export type Ask = (identifierFor: (transferSyntaxUID: string) => Buffer) => Promise<Answers>;

export async function countStudy(ask: Ask, studyInstanceUID: string): Promise<CountedStudy> {
  const answers = await ask((transferSyntaxUID) =>
    encodeIdentifier(transferSyntaxUID, [
      { tag: QueryRetrieveLevel, vr: 'CS', value: 'SERIES' },
      { tag: Tag.StudyInstanceUID, vr: 'UI', value: studyInstanceUID },
      { tag: Tag.SeriesInstanceUID, vr: 'UI', value: '' },
      { tag: Tag.Modality, vr: 'CS', value: '' },
      { tag: NumberOfSeriesRelatedInstances, vr: 'IS', value: '' },
    ]),
  );
  const series = answersByUid(answers, {
    uid: Tag.SeriesInstanceUID,
    of: [[Tag.StudyInstanceUID, studyInstanceUID]],
  });
  if (series === undefined || series.size === 0)
    return { series: null, instances: null, modalities: [] };
  const counts: (number | null)[] = [];
  for (const [seriesInstanceUID, values] of series) {
    const said = countOf(values.get(NumberOfSeriesRelatedInstances));
    const isAsked = said === null && series.size <= MAX_SERIES && !counts.includes(null);
    counts.push(isAsked ? await countSeries(ask, { studyInstanceUID, seriesInstanceUID }) : said);
  }
  const known = counts.filter((count) => count !== null);
  return {
    series: series.size,
    instances: known.length < counts.length ? null : known.reduce((sum, count) => sum + count, 0),
    modalities: [...series.values()].flatMap((values) => modalitiesOf(values.get(Tag.Modality))),
  };
}

async function countSeries(
  ask: Ask,
  { studyInstanceUID, seriesInstanceUID }: { studyInstanceUID: string; seriesInstanceUID: string },
): Promise<number | null> {
  const answers = await ask((transferSyntaxUID) =>
    encodeIdentifier(transferSyntaxUID, [
      { tag: QueryRetrieveLevel, vr: 'CS', value: 'IMAGE' },
      { tag: Tag.StudyInstanceUID, vr: 'UI', value: studyInstanceUID },
      { tag: Tag.SeriesInstanceUID, vr: 'UI', value: seriesInstanceUID },
      { tag: Tag.SOPInstanceUID, vr: 'UI', value: '' },
    ]),
  );
  const objects = answersByUid(answers, {
    uid: Tag.SOPInstanceUID,
    of: [
      [Tag.StudyInstanceUID, studyInstanceUID],
      [Tag.SeriesInstanceUID, seriesInstanceUID],
    ],
  });
  return objects === undefined || objects.size === 0 ? null : objects.size;
}

/**
 * @param by the key of an answer, and what it was asked for: a PACS that does not match on that answers others, too
 * @returns undefined when it did not answer all
 */
function answersByUid(
  { end, identifiers, transferSyntaxUID }: Answers,
  { uid, of }: { uid: number; of: readonly (readonly [tag: number, uid: string])[] },
): Map<string, Map<number, string>> | undefined {
  if (end !== 'whole') return undefined;
  const all = identifiers
    .map((answer) => readableOf(transferSyntaxUID, answer))
    .filter((values) => of.every(([tag, asked]) => (values?.get(tag) || asked) === asked));
  if (all.includes(undefined)) return undefined;
  const byUid = new Map(all.map((values = new Map()) => [values.get(uid) ?? '', values]));
  byUid.delete('');
  return byUid;
}

/** @returns undefined for what can't be read: the study stays uncounted, and the crawl goes on */
function readableOf(transferSyntaxUID: string, answer: Buffer): Map<number, string> | undefined {
  try {
    return decodeIdentifier(transferSyntaxUID, answer);
  } catch (error) {
    if (codeOf(error) !== 'IDENTIFIER_MALFORMED') throw error;
    return undefined;
  }
}
