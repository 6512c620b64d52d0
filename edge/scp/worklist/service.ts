/**
 * Modality Worklist, as SCP: scheduled procedure steps that match, with the attributes that were asked for.
 * PS3.4 Annex K.
 *
 *   identifier ─► keys of the step, of request and patient ─► each item ─► pending … ─► 0000
 */
import { DicomError } from '../../../shared/dicom/dicom-error.ts';
import { tagName } from '../../../shared/dicom/dicom-json.ts';
import { vrOfTag } from '../../../shared/dicom/dictionary.ts';
import { keyFault } from '../../../shared/dicom/key-fault.ts';
import { matcherFor } from '../../../shared/dicom/match-value.ts';
import {
  type Entry,
  readSmallDataSet,
  type SmallDataSet,
  writeSmallDataSet,
} from '../../../shared/dicom/small-data-set.ts';
import { Tag } from '../../../shared/dicom/tag.ts';
import type {
  OperationLink,
  OperationReply,
  OperationRequest,
  ServedClass,
  ServedClassFacts,
} from '../../dimse/service.ts';
import type { WorklistItems } from './worklist-items.ts';

const Status = {
  success: 0x0000,
  identifierDoesNotMatch: 0xa900,
  unableToProcess: 0xc000,
  cancelled: 0xfe00,
  pending: 0xff00,
} as const;

export const WORKLIST_CLASS: ServedClassFacts = {
  name: 'Modality Worklist Information Model - FIND',
  sopClassUID: '1.2.840.10008.5.1.4.31',
  kinds: ['find'],
  statuses: Status,
};

export function modalityWorklist(items: WorklistItems): ServedClass {
  return {
    ...WORKLIST_CLASS,
    handle: (request, link) => answer(items, request, link),
  };
}

async function answer(
  worklist: WorklistItems,
  request: OperationRequest,
  link: OperationLink,
): Promise<OperationReply> {
  const { transferSyntaxUID, dataSet, signal } = request;
  let asked: SmallDataSet;
  try {
    asked = readSmallDataSet(transferSyntaxUID, dataSet);
  } catch (error) {
    if (!(error instanceof DicomError)) throw error;
    return { status: Status.unableToProcess, errorComment: 'an identifier that can not be read' };
  }
  const fault = faultOf(asked);
  if (fault !== undefined) return { status: Status.identifierDoesNotMatch, errorComment: fault };
  for (const item of worklist.items()) {
    if (signal.aborted) return { status: Status.cancelled };
    if (!matches(asked, item)) continue;
    const entries = answered(asked, item);
    const bytes = writeSmallDataSet(transferSyntaxUID, entries);
    await link.pending({ status: Status.pending, dataSet: bytes });
  }
  return { status: Status.success };
}

/** Of a key that nothing could match: an empty list would look as if nothing were scheduled. */
function faultOf(asked: SmallDataSet): string | undefined {
  for (const tag of asked.tags) {
    const [keys] = asked.isSequence(tag) ? asked.items(tag) : [];
    const fault = asked.isSequence(tag)
      ? keys && faultOf(keys)
      : keyFault(asked.text(tag) ?? '', vrOfTag(tag));
    if (fault === undefined) continue;
    return asked.isSequence(tag) ? fault : `${tagName(tag)}: ${fault}`;
  }
  return undefined;
}

/** Every key that has a value matches; of a sequence, one of the items. PS3.4 K.2.2.2, C.2.2.2.6. */
function matches(asked: SmallDataSet, item: SmallDataSet): boolean {
  return asked.tags.every((tag) => {
    if (tag === Tag.SpecificCharacterSet) return true;
    if (asked.isSequence(tag)) {
      const [keys] = asked.items(tag);
      return (
        keys === undefined || item.items(tag).some((one) => matches(keys, one)) || isUniversal(keys)
      );
    }
    const matcher = matcherFor(asked.text(tag) ?? '', vrOfTag(tag));
    return matcher === undefined || matcher(item.text(tag) ?? '');
  });
}

function isUniversal(keys: SmallDataSet): boolean {
  return keys.tags.every((tag) =>
    keys.isSequence(tag)
      ? keys.items(tag).every(isUniversal)
      : matcherFor(keys.text(tag) ?? '', vrOfTag(tag)) === undefined,
  );
}

/** What was asked for, with the item's values; a sequence that was asked for empty comes whole. */
function answered(asked: SmallDataSet, item: SmallDataSet): Entry[] {
  return asked.tags
    .filter((tag) => tag !== Tag.SpecificCharacterSet)
    .map((tag): Entry => {
      if (!asked.isSequence(tag)) return [tag, item.text(tag) ?? ''];
      const [keys] = asked.items(tag);
      return [tag, item.items(tag).map((one) => answered(keys ?? one, one))];
    });
}
