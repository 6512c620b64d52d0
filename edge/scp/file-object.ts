/**
 * Where a whole object goes: into spool and index, unless its sender's objects are set aside until they are
 * checked, or it names another patient than its study.
 */
import { type AcceptedObject, acceptObject } from '../index/accept-object.ts';
import type { RecordOutcome } from '../index/types.ts';
import { otherPatient } from './other-patient.ts';
import type { StorageParts } from './storage-parts.ts';

/**
 * @param anyPatient a person has decided that it belongs to its study
 * @returns when it is durable @throws as {@link acceptObject}
 */
export function fileObject(
  parts: StorageParts,
  object: AcceptedObject,
  { now, anyPatient = false }: { now: number; anyPatient?: boolean },
): RecordOutcome {
  if (parts.setAside?.(parts.spool, object, now) === true) return { kind: 'stored' };
  const findFault = anyPatient ? undefined : () => otherPatient(parts, object);
  return acceptObject(parts, object, { now, findFault });
}
