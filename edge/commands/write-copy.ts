/**
 * Writes the objects of a fetch: first as they are at their home, then as they are filed here.
 *
 *   staged, as received ─┬─ from the home ──────────────────────────┐
 *                        └─ another trust's copy ─► restored ─► home digest proven ─► coerced ─► incoming/
 *
 * What is filed is read back as it is written: an object that does not name the patient it was given, or
 * the UIDs it was announced with, is never filed.
 */
import { GatewayError, type Retry } from '../../shared/errors.ts';
import type { InstanceAttributes } from '../index/attributes.ts';
import { readDataSet } from '../spool/read-instance.ts';
import { SpoolError } from '../spool/spool-error.ts';
import type { SealedFile } from '../spool/write-instance.ts';
import type { ManifestInstance } from '../transfer/protocol.ts';
import type { StagingFolder } from '../transfer/staging.ts';
import type { CopyMapping } from './copy-mapping.ts';
import type { FetchParts } from './fetch-parts.ts';
import type { FetchRow } from './fetch-row.ts';

export type CopyErrorCode =
  /** Bytes other than the home's: the source's copy can't be traced back. */
  | 'NOT_AS_AT_HOME'
  /** The data set names another object, series or study than the manifest did. */
  | 'UID_MISMATCH'
  /** The rewritten data set does not name the local patient. */
  | 'IDENTITY_NOT_APPLIED';

export class CopyError extends GatewayError {
  override readonly name = 'CopyError';
  readonly code: CopyErrorCode;
  readonly retry: Retry = 'never';

  constructor(code: CopyErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/**
 * The object as its home has it.
 *
 * @returns a file of the staging folder; undefined when nothing is staged
 * @throws CopyError, CoercionError and DicomError for an object that can't be had; SpoolError
 */
export async function asAtHome(
  { coercing, reading, now }: FetchParts,
  { row, instance, staging }: { row: FetchRow; instance: ManifestInstance; staging: StagingFolder },
): Promise<SealedFile | undefined> {
  const received = await staging.find(instance);
  if (received === undefined || instance.digest === instance.homeDigest) return received;
  const key = { ...instance, digest: instance.homeDigest };
  const before = await staging.find(key);
  if (before !== undefined) return before;
  const { transferSyntaxUID, homeDigest } = instance;
  const input = { transferSyntaxUID, open: opening(received), trust: row.sourceTrust };
  const writer = staging.newWriter(reading.fileHead(instance));
  try {
    const facts = { home: row.home, homeDigest, receivedAt: now(), callingAETitle: '' };
    const expected = { ...facts, expectedDigest: homeDigest };
    for await (const chunk of coercing.restore(input)) await writer.write(chunk);
    const sealed = await writer.seal(expected);
    staging.keep(sealed, key);
    return { ...sealed, temporaryPath: staging.fileOf(key) };
  } catch (error) {
    await writer.discard();
    if (!(error instanceof SpoolError) || error.code !== 'SPOOL_CORRUPT') throw error;
    const detail = "the source's copy does not lead back to what the home has";
    throw new CopyError('NOT_AS_AT_HOME', detail, { cause: error });
  }
}

export interface WrittenCopy {
  readonly sealed: SealedFile;
  readonly attributes: InstanceAttributes;
}

/**
 * The object as it is filed here, durable under its temporary name.
 *
 * @param mapping undefined: the object comes back to its own trust, unchanged
 * @throws as {@link asAtHome}
 */
export async function writeCopy(
  parts: FetchParts,
  {
    row,
    instance,
    source,
    mapping,
  }: {
    row: FetchRow;
    instance: ManifestInstance;
    source: SealedFile;
    mapping: CopyMapping | undefined;
  },
): Promise<WrittenCopy> {
  const { spool, reading, trust, patientIds, coercing, now } = parts;
  const { transferSyntaxUID, homeDigest } = instance;
  const { home } = row;
  const { namespace, oid } = patientIds;
  const open = opening(source);
  const bytes =
    mapping === undefined
      ? open()
      : coercing.coerce({ open, transferSyntaxUID, home, trust, namespace, oid }, mapping);
  const reader = reading.openReader(transferSyntaxUID);
  const writer = spool.newWriter(reading.fileHead(instance));
  try {
    for await (const chunk of bytes) {
      await reader.write(chunk);
      await writer.write(chunk);
    }
    const read = await reader.end();
    const attributes = { ...read, sopClassUID: read.sopClassUID || instance.sopClassUID };
    // Before it is sealed: start-up would file a sealed one by itself.
    requireIdentity(attributes, { row, instance, mapping });
    const facts = { home, homeDigest, receivedAt: now(), callingAETitle: '' };
    return { sealed: await writer.seal(facts), attributes };
  } catch (error) {
    reader.abort();
    await writer.discard();
    throw error;
  }
}

/** What an object says of itself. @throws DicomError for one that can't be read */
export async function readObject(
  { reading }: Pick<FetchParts, 'reading'>,
  { transferSyntaxUID }: ManifestInstance,
  file: SealedFile,
): Promise<InstanceAttributes> {
  const reader = reading.openReader(transferSyntaxUID);
  try {
    for await (const chunk of opening(file)()) await reader.write(chunk);
    return await reader.end();
  } finally {
    reader.abort();
  }
}

const opening = (file: SealedFile) => (): AsyncIterable<Buffer> =>
  readDataSet(file.temporaryPath, file);

function requireIdentity(
  attributes: InstanceAttributes,
  {
    row,
    instance,
    mapping,
  }: { row: FetchRow; instance: ManifestInstance; mapping: CopyMapping | undefined },
): void {
  const isAnnounced =
    attributes.sopInstanceUID === instance.sopInstanceUID &&
    attributes.seriesInstanceUID === instance.seriesInstanceUID &&
    attributes.studyInstanceUID === row.studyInstanceUID;
  if (!isAnnounced)
    throw new CopyError('UID_MISMATCH', 'the object names another study, series or instance');
  // The identifier of a foreign patient is given the form that the object can hold.
  if (mapping === undefined || mapping.patient.by === 'foreign') return;
  if (attributes.patientId !== mapping.patient.patientId.trim())
    throw new CopyError('IDENTITY_NOT_APPLIED', 'the rewritten object names another patient');
}
