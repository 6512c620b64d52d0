/**
 * Whether a result is one of what was sent. Pure; every doubt holds it.
 *
 *   kind ─► study sent ─► same patient ─► refers to what was sent, and to nothing else
 */
import type { Reason } from '../deliver/delivery-queue.ts';
import type { ResultFacts } from './read-result.ts';

/** What was sent, by the names that it was sent under. */
export interface Sent {
  readonly studyInstanceUID: string;
  readonly patientId: string;
  readonly birthDate: string | null;
  /** SOP Instance UIDs that were sent to the node. */
  readonly objects: ReadonlySet<string>;
  /** SOP Instance UIDs of the node's results of the study: a report may refer to a segmentation. */
  readonly results: ReadonlySet<string>;
}

/** Why a result that refers to another result is looked at again when one comes. */
export const REFERENCES_OTHER = 'RESULT_REFERENCES_OTHER';

const STORAGE = '1.2.840.10008.5.1.4.1.1.';
/** Structured reports; presentation states; segmentations; parametric maps. PS3.4 Table B.5-1. */
const REFERRING = [/^88\.\d+$/, /^11\.\d+$/, /^66\.[457]$/, /^30$/];
/** Secondary captures, which need not say what they were made of. */
const CAPTURES = /^7(\.[1-4])?$/;

export const STUDY_NOT_SENT: Reason = {
  code: 'RESULT_STUDY_NOT_SENT',
  detail: 'its study was not sent to this node',
};

/** @returns undefined: it may be filed */
export function whyHeld(result: ResultFacts, sent: Sent | undefined): Reason | undefined {
  const kind = result.sopClassUID.startsWith(STORAGE)
    ? result.sopClassUID.slice(STORAGE.length)
    : '';
  const mustRefer = REFERRING.some((pattern) => pattern.test(kind));
  if (!mustRefer && !CAPTURES.test(kind))
    return { code: 'RESULT_KIND', detail: `${result.sopClassUID} is no kind of result` };
  if (sent === undefined) return STUDY_NOT_SENT;
  if (result.patientId !== sent.patientId || !isSameBirth(result.birthDate, sent.birthDate))
    return { code: 'RESULT_PATIENT_DIFFERS', detail: 'it names another patient than the study' };
  const others = [...result.references].filter(
    (uid) => !sent.objects.has(uid) && !sent.results.has(uid),
  );
  const studies = [...result.studies].filter((uid) => uid !== sent.studyInstanceUID);
  if (others.length + studies.length > 0) {
    const detail = `it refers to ${others.length} objects and ${studies.length} studies that were not sent`;
    return { code: REFERENCES_OTHER, detail };
  }
  if (mustRefer && result.references.size === 0)
    return { code: 'RESULT_REFERENCES_NOTHING', detail: 'it does not say what it was made of' };
  return undefined;
}

const isSameBirth = (result: string, sent: string | null): boolean =>
  result === '' || sent === null || result === sent;
