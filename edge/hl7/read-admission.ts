/**
 * ADT: what a PAS tells of a patient. HL7 2.5 chapter 3.
 *
 *   A01 … A31 ─► patient, and with PV1 the admission      A40 and its older forms ─► merge      A37 ─► unmerge      A29 ─► deleted
 */
import type { RecordChange } from '../index/records/types.ts';
import { Hl7Error } from './hl7-error.ts';
import type { Message, Segment } from './message.ts';
import { readPatient, readPrior } from './patient.ts';
import { readEncounter } from './read-encounter.ts';
import type { Reading } from './reading.ts';

/** Merges of persons or their identifiers, and changes of an identifier. */
const MERGES: ReadonlySet<string> = new Set([
  ...['A18', 'A30', 'A34', 'A35', 'A36', 'A39', 'A40', 'A43', 'A46', 'A47'],
]);
/** Accounts and visits change hands: no number of the patient changes. */
const OF_VISITS: ReadonlySet<string> = new Set(['A41', 'A42', 'A48', 'A49', 'A50', 'A51', 'A23']);
const UNLINKS: ReadonlySet<string> = new Set(['A37']);
/** Part of a patient's record goes to another one: which of it, the message does not say by study. */
const MOVES: ReadonlySet<string> = new Set(['A44', 'A45']);

/** @returns what it changes; undefined when it concerns nothing that is kept @throws Hl7Error */
export function readAdmission(message: Message, reading: Reading): RecordChange[] | undefined {
  const { event, segments } = message;
  if (OF_VISITS.has(event)) return undefined;
  if (MERGES.has(event)) return mergesOf(segments, reading);
  if (UNLINKS.has(event)) return [unlinkOf(segments, reading)];
  if (MOVES.has(event))
    throw new Hl7Error(
      'HL7_NEEDS_PERSON',
      `${event} moves a visit between patients: correct its orders by hand`,
    );
  // A17 and A24 name two patients of whom nothing else is said.
  if (event === 'A17' || event === 'A24') return undefined;
  const patient = readPatient(segments, reading);
  const encounter = readEncounter(message, reading);
  if (encounter !== undefined) return [{ kind: 'encounter', patient, encounter }];
  return [
    { kind: 'patient', patient: event === 'A29' ? { ...patient, isDeleted: true } : patient },
  ];
}

/** A repeated group of PID and MRG is a merge each. */
function mergesOf(segments: readonly Segment[], reading: Reading): RecordChange[] {
  const merges: RecordChange[] = [];
  for (const group of patientGroups(segments)) {
    const survivor = readPatient(group, reading);
    const prior = readPrior(
      group.find(({ name }) => name === 'MRG'),
      reading,
    );
    merges.push({ kind: 'merge', survivor, prior });
  }
  if (merges.length === 0)
    throw new Hl7Error('HL7_PATIENT_MISSING', 'a merge names its survivor in PID');
  return merges;
}

function unlinkOf(segments: readonly Segment[], reading: Reading): RecordChange {
  const [first, second] = patientGroups(segments);
  if (first === undefined || second === undefined)
    throw new Hl7Error('HL7_PRIOR_MISSING', 'A37 names two patients');
  return {
    kind: 'unmerge',
    first: readPatient(first, reading),
    second: readPatient(second, reading),
  };
}

/** Each PID with what stands behind it. */
function patientGroups(segments: readonly Segment[]): Segment[][] {
  const groups: Segment[][] = [];
  for (const segment of segments) {
    if (segment.name === 'PID') groups.push([]);
    groups.at(-1)?.push(segment);
  }
  return groups;
}
