/**
 * Whether an object that came in whole can be filed, and what the sender is told if not. PS3.4 B.2.3.
 *
 * The rule is safety, not conformance: what can be kept apart from everything else is kept. So a UID
 * may have leading zeros, letters, `-` and `_`, and up to 80 characters (64 and a suffix that some
 * toolkits add; both occur in real objects). Not filed: a data set that can't be read (C000H); an
 * absent, empty or longer UID of study, series or instance, one with other characters, or another
 * SOP Instance UID than the command's (A900H). Dates, names and everything else may be malformed.
 */
import type { Fault } from '../spool/quarantine.ts';
import type { ReadAttributes } from './object-reading.ts';

/** What a C-STORE is answered. PS3.4 table B.2-1. */
export const StoreStatus = {
  success: 0x0000,
  outOfResources: 0xa700,
  dataSetDoesNotMatchSOPClass: 0xa900,
  cannotUnderstand: 0xc000,
} as const;

/** 64 of PS3.5 §9.1, and a suffix. */
const MAX_UID_LENGTH = 80;
const STANDARD_UID_LENGTH = 64;
const SAFE_UID = /^[0-9A-Za-z][0-9A-Za-z._-]*$/;

/** @returns why the object can't be filed; undefined when it can */
export function findFault(
  command: { readonly sopInstanceUID: string; readonly studyInstanceUID?: string },
  attributes: ReadAttributes,
): Fault | undefined {
  return (
    faultOfUID('SOP Instance UID', attributes.sopInstanceUID) ??
    faultOfUID('Study Instance UID', attributes.studyInstanceUID) ??
    faultOfUID('Series Instance UID', attributes.seriesInstanceUID) ??
    faultOfCommand(command.sopInstanceUID, attributes.sopInstanceUID) ??
    faultOfStudy(command.studyInstanceUID, attributes.studyInstanceUID)
  );
}

function faultOfStudy(named: string | undefined, found: string): Fault | undefined {
  if (named === undefined || named === found) return undefined;
  return { code: 'UID_MISMATCH', detail: 'Study Instance UID is not the one that it was sent to' };
}

function faultOfUID(name: string, uid: string): Fault | undefined {
  if (uid === '') return { code: 'UID_EMPTY', detail: `${name} absent or empty` };
  if (uid.length > MAX_UID_LENGTH)
    return { code: 'UID_TOO_LONG', detail: `${name} has ${uid.length} characters` };
  if (!SAFE_UID.test(uid))
    return { code: 'UID_UNSAFE', detail: `${name} holds characters that no UID has` };
  return undefined;
}

/** A sender whose field for a UID holds the standard's 64 characters cuts a longer one short: the same object. */
function faultOfCommand(announced: string, found: string): Fault | undefined {
  if (announced === found || announced === found.slice(0, STANDARD_UID_LENGTH)) return undefined;
  return { code: 'UID_MISMATCH', detail: 'SOP Instance UID is not the one in the command' };
}
