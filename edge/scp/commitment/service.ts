/**
 * Storage Commitment Push Model, as SCP: takes the request, durably, before it says so. PS3.4 §J.3.2.
 *
 *   N-ACTION ─► transaction UID, instances ─► Commitments ─► 0000H        result: reporter.ts
 */
import { DicomError } from '../../../shared/dicom/dicom-error.ts';
import { readSmallDataSet } from '../../../shared/dicom/small-data-set.ts';
import type { Peer } from '../../config.ts';
import type {
  OperationLink,
  OperationReply,
  OperationRequest,
  ServedClass,
  ServedClassFacts,
} from '../../dimse/service.ts';
import type { Commitments, CommittedInstance } from './commitments.ts';
import type { OpenAskers } from './open-askers.ts';
import { CommitmentTag, STORAGE_COMMITMENT } from './push-model.ts';

const REQUEST_COMMITMENT = 1;
/** Objects of the same association may still be on their way through the disk. */
const FIRST_REPORT_MS = 1_000;

const Status = {
  success: 0x0000,
  processingFailure: 0x0110,
  invalidArgument: 0x0115,
  noSuchAction: 0x0123,
  duplicateTransaction: 0x0131,
} as const;

export const COMMITMENT_CLASS: ServedClassFacts = {
  name: 'Storage Commitment Push Model',
  sopClassUID: STORAGE_COMMITMENT,
  kinds: ['action'],
  statuses: Status,
};

export interface CommitmentParts {
  readonly commitments: Commitments;
  readonly askers: OpenAskers;
  readonly peers: readonly Peer[];
  readonly now: () => number;
}

export function storageCommitment(parts: CommitmentParts): ServedClass {
  return {
    ...COMMITMENT_CLASS,
    handle: async (request, link) => take(parts, request, link),
  };
}

function take(
  { commitments, askers, peers, now }: CommitmentParts,
  request: OperationRequest,
  { ask }: OperationLink,
): OperationReply {
  const { callingAETitle } = request.peer;
  if (request.typeId !== REQUEST_COMMITMENT) return { status: Status.noSuchAction };
  // The result goes to where the configuration says that this AE title is.
  if (!peers.some(({ aeTitle }) => aeTitle === callingAETitle))
    return {
      status: Status.processingFailure,
      errorComment: `${callingAETitle} is no peer: its result could not be told`,
    };
  const asked = read(request);
  if (asked === undefined)
    return { status: Status.invalidArgument, errorComment: 'no transaction UID, or no instance' };
  const at = now();
  const isTaken = commitments.add(
    { ...asked, callingAETitle },
    { now: at, dueAt: at + FIRST_REPORT_MS },
  );
  if (!isTaken)
    return {
      status: Status.duplicateTransaction,
      errorComment: 'the transaction UID stands for other instances',
    };
  const { transferSyntaxUID } = request;
  askers.add({ ...asked, callingAETitle }, { ask, transferSyntaxUID });
  return { status: Status.success };
}

/** @returns undefined for what is no request */
function read({
  transferSyntaxUID,
  dataSet,
}: OperationRequest): { transactionUID: string; instances: CommittedInstance[] } | undefined {
  try {
    const asked = readSmallDataSet(transferSyntaxUID, dataSet);
    const transactionUID = asked.text(CommitmentTag.TransactionUID) ?? '';
    const instances = asked
      .items(CommitmentTag.ReferencedSOPSequence)
      .map(
        (item): CommittedInstance => [
          item.text(CommitmentTag.ReferencedSOPClassUID) ?? '',
          item.text(CommitmentTag.ReferencedSOPInstanceUID) ?? '',
        ],
      );
    const isWhole = transactionUID !== '' && instances.every(([, uid]) => uid !== '');
    return isWhole && instances.length > 0 ? { transactionUID, instances } : undefined;
  } catch (error) {
    if (error instanceof DicomError) return undefined;
    throw error;
  }
}
