/** Which earlier studies are wanted for an examination: rule IS-05 of the domain notes. Pure. */

export interface Prior {
  readonly studyInstanceUID: string;
  readonly home: string;
  readonly modalities: readonly string[];
  /** YYYY-MM-DD. */
  readonly studyDate: string | null;
}

export interface RelevanceRules {
  readonly yearsBack: number;
  readonly newest: number;
}

/** Modalities that are read side by side. */
const RELATED: readonly (readonly string[])[] = [
  ['CT', 'MR', 'PT', 'NM'],
  ['CR', 'DX', 'RG', 'XA', 'RF'],
  ['MG', 'US', 'MR'],
];
/** Objects that come along and say nothing of what was imaged. */
const BESIDE: ReadonlySet<string> = new Set(['SR', 'PR', 'KO', 'DOC', 'SEG', 'REG', 'OT']);

/**
 * The newest of those that are related; of an examination whose modality nobody told, of all.
 *
 * @param on RFC 3339: when it is to be made
 */
export function relevantPriors<P extends Prior>(
  priors: readonly P[],
  { modality, on }: { modality: string | null; on: string },
  { yearsBack, newest }: RelevanceRules,
): P[] {
  const since = `${Number(on.slice(0, 4)) - yearsBack}${on.slice(4, 10)}`;
  return priors
    .filter(
      ({ studyDate }) => studyDate !== null && studyDate >= since && studyDate <= on.slice(0, 10),
    )
    .filter((prior) => isRelated(prior.modalities, modality))
    .toSorted((a, b) => ((a.studyDate ?? '') > (b.studyDate ?? '') ? -1 : 1))
    .slice(0, newest);
}

function isRelated(modalities: readonly string[], wanted: string | null): boolean {
  const imaged = modalities.filter((one) => !BESIDE.has(one));
  // A section of a department is no modality.
  if (wanted === null || !RELATED.flat().includes(wanted)) return imaged.length > 0;
  return imaged.some(
    (one) =>
      one === wanted || RELATED.some((group) => group.includes(one) && group.includes(wanted)),
  );
}
