/** Series and objects of a study that only the trust's PACS holds, as it lists them. Nothing is brought here for a list. */
import type { JsonDataSet } from '../../shared/dicom/dicom-json.ts';
import { jsonOfTexts } from '../../shared/dicomweb/query.ts';
import type { Values } from '../scp/query/found-study.ts';
import type { PacsListing } from '../scp/query/local-pacs.ts';
import type { WebAnswer } from './answer.ts';
import { DicomWebError } from './dicomweb-error.ts';
import type { Scope } from './held-studies.ts';
import { instancePath } from './object-head.ts';
import { located, matches, paged, type Question, readQuestion } from './search.ts';

const SOPInstanceUID = 0x0008_0018;
const StudyInstanceUID = 0x0020_000d;
const SeriesInstanceUID = 0x0020_000e;

/** @throws DicomWebError `RESOURCE_NOT_FOUND` when the PACS does not say what is in it */
export async function listSeries(
  listing: PacsListing,
  { studyInstanceUID }: Scope,
  question: Question,
): Promise<WebAnswer> {
  const listed = await listing.series(studyInstanceUID);
  return answer(question, {
    listed: listed?.map(({ values }) => new Map([...values, [StudyInstanceUID, studyInstanceUID]])),
    pathOf: (values) =>
      `/dicom-web/studies/${studyInstanceUID}/series/${values.get(SeriesInstanceUID)}`,
  });
}

/** @throws as {@link listSeries} */
export async function listInstances(
  listing: PacsListing,
  { studyInstanceUID, seriesInstanceUID = '' }: Scope,
  question: Question,
): Promise<WebAnswer> {
  const listed = await listing.instances(studyInstanceUID, seriesInstanceUID);
  const above = [
    [StudyInstanceUID, studyInstanceUID],
    [SeriesInstanceUID, seriesInstanceUID],
  ] as const;
  return answer(question, {
    listed: listed?.map((values) => new Map([...values, ...above])),
    pathOf: (values) =>
      instancePath({
        ...{ studyInstanceUID, seriesInstanceUID },
        sopInstanceUID: values.get(SOPInstanceUID) ?? '',
      }),
  });
}

function answer(
  question: Question,
  of: { listed: readonly Values[] | undefined; pathOf: (values: Values) => string },
): WebAnswer {
  const { query, contentType } = readQuestion(question);
  if (of.listed === undefined)
    throw new DicomWebError('RESOURCE_NOT_FOUND', 'The PACS does not list what is in it.');
  const all = of.listed
    .filter((values) => matches(values, query.filters))
    .map(
      (values): JsonDataSet => ({
        ...jsonOfTexts(values),
        ...located(of.pathOf(values), 'NEARLINE'),
      }),
    );
  return paged(all, query, contentType);
}
