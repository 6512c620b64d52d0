/** What was sent to an edge and what must have come of it, by pydicom's reading of the files. */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { readPart10 } from './part10.ts';
import { askPydicom } from './pydicom.ts';

export interface SentObject {
  readonly path: string;
  readonly study: string;
  readonly series: string;
  readonly instance: string;
  /** SHA-256 of the data set. */
  readonly digest: string;
}

/** What an edge files: UIDs that it takes, and the command's UID that of the data set. */
const UID = /^[0-9A-Za-z][0-9A-Za-z._-]{0,79}$/;

/** The objects among these files that an edge must store. */
export async function storable(paths: readonly string[]): Promise<SentObject[]> {
  const words = ['StudyInstanceUID', 'SeriesInstanceUID', 'SOPInstanceUID'];
  const views = await askPydicom(paths, words);
  return views.flatMap(({ path, text }) => {
    const [study = '', series = '', instance = ''] = words.map((word) => text[word]);
    const { sopInstanceUID, dataSet } = readPart10(readFileSync(path));
    if (![study, series, instance].every((uid) => UID.test(uid))) return [];
    if (sopInstanceUID !== instance && sopInstanceUID !== instance.slice(0, 64)) return [];
    const digest = createHash('sha256').update(dataSet).digest('hex');
    return [{ path, study, series, instance, digest }];
  });
}

/** Series and instances of each study; the same SOP Instance UID counts once. */
export function studiesOf(
  objects: readonly SentObject[],
): Map<string, { series: number; instances: number }> {
  const studies = new Map<string, { series: Set<string>; instances: Set<string> }>();
  const placed = new Set<string>();
  for (const { study, series, instance } of objects) {
    const entry = studies.get(study) ?? { series: new Set(), instances: new Set() };
    studies.set(study, entry);
    if (placed.has(instance)) continue;
    placed.add(instance);
    entry.series.add(series);
    entry.instances.add(instance);
  }
  return new Map(
    [...studies]
      .filter(([, { instances }]) => instances.size > 0)
      .map(([uid, { series, instances }]) => [
        uid,
        { series: series.size, instances: instances.size },
      ]),
  );
}
