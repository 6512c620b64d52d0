/**
 * Where a whole object goes: into spool and index, unless its sender's objects are set aside until they are
 * checked.
 */
import { type AcceptedObject, acceptObject } from '../index/accept-object.ts';
import type { RecordOutcome } from '../index/types.ts';
import type { StorageParts } from './storage-parts.ts';

/** @returns when it is durable @throws as {@link acceptObject} */
export function fileObject(
  parts: StorageParts,
  object: AcceptedObject,
  now: number,
): RecordOutcome {
  if (parts.setAside?.(parts.spool, object, now) === true) return { kind: 'stored' };
  return acceptObject(parts, object, now);
}
