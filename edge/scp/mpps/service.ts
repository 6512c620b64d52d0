/**
 * Modality Performed Procedure Step, as SCP. PS3.4 Annex F.7.
 *
 *   N-CREATE ─► IN PROGRESS ─► N-SET … ─► COMPLETED │ DISCONTINUED: nothing changes it any more
 *
 * Durable before it is answered. Passed on, as it came, to peers with `receivesMpps`.
 */
import { randomUUID } from 'node:crypto';
import { DicomError } from '../../../shared/dicom/dicom-error.ts';
import { trimUID } from '../../../shared/dicom/part10.ts';
import { readSmallDataSet, type SmallDataSet } from '../../../shared/dicom/small-data-set.ts';
import { Tag } from '../../../shared/dicom/tag.ts';
import type { ZonedClock } from '../../../shared/time-zone.ts';
import type {
  OperationReply,
  OperationRequest,
  ServedClass,
  ServedClassFacts,
} from '../../dimse/service.ts';
import type { PerformedSteps, StepStatus } from './performed-steps.ts';
import { performedTimes } from './performed-times.ts';

export const MPPS = '1.2.840.10008.3.1.2.3.3';

const StepTag = {
  ReferencedImageSequence: 0x0008_1140,
  ReferencedNonImageCompositeSOPInstanceSequence: 0x0040_0220,
  PerformedProcedureStepStatus: 0x0040_0252,
  ScheduledStepAttributesSequence: 0x0040_0270,
  PerformedSeriesSequence: 0x0040_0340,
} as const;

const Status = {
  success: 0x0000,
  invalidAttributeValue: 0x0106,
  processingFailure: 0x0110,
  duplicateInstance: 0x0111,
  noSuchInstance: 0x0112,
  missingAttribute: 0x0120,
  missingAttributeValue: 0x0121,
} as const;

export const MPPS_CLASS: ServedClassFacts = {
  name: 'Modality Performed Procedure Step',
  sopClassUID: MPPS,
  kinds: ['create', 'set'],
  statuses: Status,
};

const STATES: readonly StepStatus[] = ['IN PROGRESS', 'COMPLETED', 'DISCONTINUED'];

export interface MppsParts {
  readonly steps: PerformedSteps;
  /** Names of the peers that it is passed on to. */
  readonly receivers: readonly string[];
  /** Of the clocks on the walls, where a step names no offset. */
  readonly zone: ZonedClock;
  readonly now: () => number;
}

export function performedProcedureStep(parts: MppsParts): ServedClass {
  return {
    ...MPPS_CLASS,
    handle: async (request) =>
      request.kind === 'create' ? create(parts, request) : set(parts, request),
  };
}

function create(parts: MppsParts, request: OperationRequest): OperationReply {
  const { steps } = parts;
  // The SCP names an instance that comes without a name. PS3.7 §10.1.5.1.
  const sopInstanceUID =
    request.sopInstanceUID || `2.25.${BigInt(`0x${randomUUID().replaceAll('-', '')}`)}`;
  if (steps.find(sopInstanceUID) !== undefined)
    return { status: Status.duplicateInstance, errorComment: 'this step was created before' };
  const given = read(request);
  if (given === undefined) return MALFORMED;
  const status = statusOf(given);
  if (status !== 'IN PROGRESS')
    return {
      status: status === undefined ? Status.missingAttribute : Status.invalidAttributeValue,
      errorComment: 'a step is created IN PROGRESS',
    };
  record(parts, request, { sopInstanceUID, status, given });
  return { status: Status.success, sopInstanceUID };
}

function set(parts: MppsParts, request: OperationRequest): OperationReply {
  const { sopInstanceUID } = request;
  const before = parts.steps.find(sopInstanceUID);
  if (before === undefined)
    return { status: Status.noSuchInstance, errorComment: 'no such step was created here' };
  if (before.status !== 'IN PROGRESS')
    return {
      status: Status.processingFailure,
      errorComment: `the step is ${before.status} and may no longer be updated`,
    };
  const given = read(request);
  if (given === undefined) return MALFORMED;
  const named = given.text(StepTag.PerformedProcedureStepStatus);
  const status = named === undefined ? before.status : statusOf(given);
  if (status === undefined)
    return { status: Status.invalidAttributeValue, errorComment: 'no state of a step' };
  record(parts, request, { sopInstanceUID, status, given });
  return { status: Status.success };
}

const MALFORMED: OperationReply = {
  status: Status.processingFailure,
  errorComment: 'the attributes can not be read',
};

function read({ transferSyntaxUID, dataSet }: OperationRequest): SmallDataSet | undefined {
  try {
    return readSmallDataSet(transferSyntaxUID, dataSet);
  } catch (error) {
    if (error instanceof DicomError) return undefined;
    throw error;
  }
}

function statusOf(given: SmallDataSet): StepStatus | undefined {
  const text = given.text(StepTag.PerformedProcedureStepStatus)?.trim();
  return STATES.find((state) => state === text);
}

function record(
  { steps, receivers, zone, now }: MppsParts,
  { kind, peer, transferSyntaxUID, dataSet }: OperationRequest,
  step: { sopInstanceUID: string; status: StepStatus; given: SmallDataSet },
): void {
  const { sopInstanceUID, status, given } = step;
  const studyInstanceUIDs = [
    ...new Set(
      given
        .items(StepTag.ScheduledStepAttributesSequence)
        .map((item) => trimUID(item.text(Tag.StudyInstanceUID) ?? ''))
        .filter((uid) => uid !== ''),
    ),
  ];
  steps.record(
    {
      ...{ sopInstanceUID, status, studyInstanceUIDs, transferSyntaxUID, dataSet },
      kind: kind === 'create' ? 'create' : 'set',
      instances: instancesIn(given),
      ...performedTimes(given, zone),
      callingAETitle: peer.callingAETitle,
    },
    { now: now(), peers: receivers },
  );
}

/** What it lists as performed; null when it has no series. */
function instancesIn(given: SmallDataSet): number | null {
  const series = given.items(StepTag.PerformedSeriesSequence);
  if (series.length === 0) return null;
  const sequences = [
    StepTag.ReferencedImageSequence,
    StepTag.ReferencedNonImageCompositeSOPInstanceSequence,
  ];
  return series.reduce(
    (sum, one) => sum + sequences.reduce((all, tag) => all + one.items(tag).length, 0),
    0,
  );
}
