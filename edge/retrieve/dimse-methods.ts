/**
 * C-GET and C-MOVE of a study, or of some of its objects, from a PACS. PS3.4 C.4.2, C.4.3.
 *
 *   identifier ─► C-GET ─► C-STORE-RQ over the same association ─► the edge's own storage
 *              └► C-MOVE to our own AE title ─► C-STORE-RQ at our own port ─► the same
 */
import { Tag } from '../../shared/dicom/tag.ts';
import {
  EXPLICIT_VR_LITTLE_ENDIAN,
  IMPLICIT_VR_LITTLE_ENDIAN,
} from '../../shared/dicom/transfer-syntax.ts';
import { CommandField } from '../dimse/command-set.ts';
import { encodeIdentifier } from '../dimse/identifier.ts';
import { openAssociation, scuPeer, type WantedContext } from '../dimse/scu.ts';
import type { ScuAssociation } from '../dimse/scu-association.ts';
import type { Response } from '../dimse/scu-session.ts';
import type { DimseServices } from '../dimse/service.ts';
import { getContexts } from './get-contexts.ts';
import type { MethodName, MethodReport, MethodRequest, RetrieveMethod, Wanted } from './method.ts';
import { RetrieveError } from './retrieve-error.ts';

const REQUEST_SYNTAXES = [EXPLICIT_VR_LITTLE_ENDIAN, IMPLICIT_VR_LITTLE_ENDIAN];
/** Study Root, else Patient Root, which names the patient too. */
const MODELS = {
  'c-get': ['1.2.840.10008.5.1.4.1.2.2.3', '1.2.840.10008.5.1.4.1.2.1.3'],
  'c-move': ['1.2.840.10008.5.1.4.1.2.2.2', '1.2.840.10008.5.1.4.1.2.1.2'],
} as const;
const QueryRetrieveLevel = 0x0008_0052;
/** A PACS that sends no pending responses is silent until the end: how long it may, the caller knows. */
const RESPONSE_MS = 24 * 3_600_000;
const DESTINATION_UNKNOWN = 0xa801;
const MEDIUM_PRIORITY = 0;

export interface DimseMethodOptions {
  readonly ownAETitle: string;
  readonly store: DimseServices['store'];
}

type DimseMethod = Exclude<MethodName, 'wado-rs'>;

export function dimseMethods(options: DimseMethodOptions): Record<DimseMethod, RetrieveMethod> {
  return {
    'c-get': (request) => run('c-get', request, options),
    'c-move': (request) => run('c-move', request, options),
  };
}

async function run(
  kind: DimseMethod,
  request: MethodRequest,
  options: DimseMethodOptions,
): Promise<MethodReport> {
  const { peer, wanted, signal } = request;
  const association = await open(kind, request, options);
  const abort = (): void => association.abort();
  signal.addEventListener('abort', abort, { once: true });
  try {
    const [studyRoot, patientRoot] = MODELS[kind];
    const sopClassUID = [studyRoot, patientRoot].find(
      (uid) => association.contextFor(uid) !== undefined,
    );
    if (sopClassUID === undefined)
      throw new RetrieveError(
        'RETRIEVE_NOT_ACCEPTED',
        `${peer.aeTitle} takes no ${kind.toUpperCase()}`,
      );
    const destination = scuPeer(peer, options.ownAETitle).callingAETitle;
    const isPatientRoot = sopClassUID === patientRoot;
    return await inParts(association, request, {
      ...{ kind, sopClassUID, destination },
      patientId: isPatientRoot ? wanted.patientId : undefined,
    });
  } finally {
    signal.removeEventListener('abort', abort);
    await association.release().catch(() => {});
  }
}

function open(
  kind: DimseMethod,
  { peer, wanted, signal }: MethodRequest,
  { ownAETitle, store }: DimseMethodOptions,
): Promise<ScuAssociation> {
  const requests: WantedContext[] = MODELS[kind].map((abstractSyntaxUID) => ({
    abstractSyntaxUID,
    transferSyntaxUIDs: REQUEST_SYNTAXES,
  }));
  const isGet = kind === 'c-get';
  const services: DimseServices = {
    // Whoever calls an association names himself in it; here the PACS is the one who stores.
    store: (object) => store({ ...object, peer: { ...object.peer, callingAETitle: peer.aeTitle } }),
  };
  return openAssociation({
    ...{ peer: scuPeer(peer, ownAETitle), signal, responseMs: RESPONSE_MS },
    contexts: isGet ? [...requests, ...getContexts(wanted.objects)] : requests,
    ...(isGet ? { services } : {}),
  });
}

interface Asking {
  readonly kind: DimseMethod;
  readonly sopClassUID: string;
  readonly destination: string;
  readonly patientId: string | undefined;
}

/** The whole study, or, of those that are wanted only, series by series. */
async function inParts(
  association: ScuAssociation,
  request: MethodRequest,
  asking: Asking,
): Promise<MethodReport> {
  const transferSyntaxUID = association.contextFor(asking.sopClassUID)?.transferSyntaxUID ?? '';
  const sum = { status: 0, completed: 0, failed: 0 };
  for (const dataSet of identifiersOf(request.wanted, { transferSyntaxUID, ...asking })) {
    const { command } = await association.request({
      field: asking.kind === 'c-get' ? CommandField.cGetRQ : CommandField.cMoveRQ,
      ...{ sopClassUID: asking.sopClassUID, dataSet },
      fields: {
        ...{ AffectedSOPClassUID: asking.sopClassUID, Priority: MEDIUM_PRIORITY },
        ...(asking.kind === 'c-move' ? { MoveDestination: asking.destination } : {}),
      },
      onPending: () => request.onAlive(),
    });
    const part = reportOf(command, asking);
    sum.status ||= part.status;
    sum.completed += part.completed;
    sum.failed += part.failed;
  }
  return sum;
}

/** @throws RetrieveError for a failure of the whole request */
function reportOf(command: Response['command'], { destination }: Asking): MethodReport {
  const status = command.number('Status') ?? 0;
  const completed = command.number('NumberOfCompletedSuboperations') ?? 0;
  if (status === DESTINATION_UNKNOWN)
    throw new RetrieveError(
      'RETRIEVE_DESTINATION_UNKNOWN',
      `the PACS does not know where ${destination} is: enter our AE title, host and port there`,
    );
  const isWarning = status >> 12 === 0xb;
  if (status !== 0 && !isWarning && completed === 0) {
    const code = status.toString(16).toUpperCase().padStart(4, '0');
    throw new RetrieveError('RETRIEVE_REFUSED', `the PACS answers with ${code}H`);
  }
  const failed = command.number('NumberOfFailedSuboperations') ?? 0;
  return { status, completed, failed };
}

function identifiersOf(
  { studyInstanceUID, only }: Wanted,
  { transferSyntaxUID, patientId }: { transferSyntaxUID: string; patientId: string | undefined },
): Buffer[] {
  const above = [
    { tag: Tag.StudyInstanceUID, vr: 'UI', value: studyInstanceUID },
    ...(patientId === undefined ? [] : [{ tag: Tag.PatientID, vr: 'LO', value: patientId }]),
  ];
  const level = (value: string) => ({ tag: QueryRetrieveLevel, vr: 'CS', value });
  if (only === undefined) return [encodeIdentifier(transferSyntaxUID, [level('STUDY'), ...above])];
  return [...only].map(([series, objects]) =>
    encodeIdentifier(transferSyntaxUID, [
      ...[level('IMAGE'), ...above],
      { tag: Tag.SeriesInstanceUID, vr: 'UI', value: series },
      { tag: Tag.SOPInstanceUID, vr: 'UI', value: objects.join('\\') },
    ]),
  );
}
