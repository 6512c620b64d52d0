/** The patient of a message: PID, PD1, MRG. Identifiers with who gave them; the NHS number only where it is called one. */
import { isNhsIssuer, readNhsNumber } from '../../shared/nhs-number.ts';
import type { PatientFacts, PatientKey } from '../index/records/types.ts';
import { Hl7Error } from './hl7-error.ts';
import type { Segment } from './message.ts';
import type { Reading } from './reading.ts';
import { readDate } from './time.ts';

/** Identifier types (HL7 table 0203) that name no patient of a hospital. */
const OTHER_TYPES: ReadonlySet<string> = new Set(['NH', 'SS', 'DL', 'PPN', 'AN', 'VN', 'MA', 'MC']);

interface Identifier {
  readonly value: string;
  /** `""`: the number of this authority is to go. */
  readonly isNull: boolean;
  readonly authority: string;
  readonly type: string;
}

/** @throws Hl7Error `HL7_PATIENT_MISSING` */
export function readPatient(segments: readonly Segment[], reading: Reading): PatientFacts {
  const pid = segments.find(({ name }) => name === 'PID');
  const key = pid && localKey(pidIdentifiers(pid), reading);
  if (pid === undefined || key === undefined)
    throw new Hl7Error('HL7_PATIENT_MISSING', 'PID-3 holds no local patient number');
  const nhsNumber = nhsNumberOf(identifiersOf(pid, 3));
  return {
    ...key,
    nhsNumber,
    nhsStatus: typeof nhsNumber === 'string' ? nhsStatusOf(pid, reading) : nhsNumber,
    name: nameOf(pid),
    birthDate: birthDateOf(pid),
    sex: sexOf(pid),
    postcode: pid.given(11, 5),
    isDeceased: deceasedOf(pid),
    isRestricted: yesNo(segments.find(({ name }) => name === 'PD1')?.text(12)),
  };
}

/** MRG-1, and for older senders MRG-4. @throws Hl7Error `HL7_PRIOR_MISSING` */
export function readPrior(mrg: Segment | undefined, reading: Reading): PatientKey {
  const found = mrg && localKey([...identifiersOf(mrg, 1), ...identifiersOf(mrg, 4)], reading);
  if (found === undefined) throw new Hl7Error('HL7_PRIOR_MISSING', 'MRG-1 names no prior patient');
  return found;
}

/** PID-2 and PID-4 are where older systems write it. */
function pidIdentifiers(pid: Segment): Identifier[] {
  const [list, external, alternate] = [3, 2, 4].map((field) => identifiersOf(pid, field));
  return [...(list ?? []), ...(external ?? []), ...(alternate ?? [])];
}

function identifiersOf(segment: Segment, field: number): Identifier[] {
  return Array.from({ length: segment.repetitions(field) }, (_, repetition) => ({
    value: segment.text(field, 1, { repetition }),
    isNull: segment.isNull(field, 1, repetition),
    authority:
      segment.text(field, 4, { repetition }) ||
      segment.text(field, 4, { repetition, subcomponent: 2 }),
    type: segment.text(field, 5, { repetition }).toUpperCase(),
  })).filter(({ value, isNull }) => value !== '' || isNull);
}

/** The trust's own number; else, of a sender that names other authorities, the first that is a hospital's. */
function localKey(identifiers: readonly Identifier[], reading: Reading): PatientKey | undefined {
  const { namespace, isLocal } = reading;
  const usable = identifiers.filter(
    ({ authority, type, isNull }) => !isNull && !isNhsIssuer(authority) && !OTHER_TYPES.has(type),
  );
  const [own] = usable.filter(({ authority }) => isLocal(authority));
  if (own !== undefined) return { patientId: own.value.slice(0, 64), issuer: namespace };
  const other = usable.find(({ type }) => type === 'MR' || type === 'PI') ?? usable[0];
  return other && { patientId: other.value.slice(0, 64), issuer: other.authority.slice(0, 64) };
}

function nhsNumberOf(identifiers: readonly Identifier[]): string | null | undefined {
  const told = identifiers.filter(({ authority, type }) => isNhsIssuer(authority) || type === 'NH');
  const numbers = new Set(
    told.map(({ value }) => readNhsNumber(value)).filter((number) => number !== null),
  );
  const [number] = numbers;
  if (number === undefined && told.some(({ isNull }) => isNull)) return null;
  return numbers.size === 1 ? number : undefined;
}

function nhsStatusOf(pid: Segment, { source }: Reading): string | undefined {
  const told = pid.text(32);
  return /^0[1-8]$/.test(told) ? told : source.nhsNumberStatus;
}

/** XPN to PN: prefix and suffix change places. PS3.5 §6.2.1.2. */
function nameOf(pid: Segment): string | null | undefined {
  if (pid.whole(5) === '""') return null;
  const legal = Array.from({ length: pid.repetitions(5) }, (_, at) => at);
  const repetition = legal.find((at) => pid.text(5, 7, { repetition: at }) === 'L') ?? 0;
  const name = personName(pid, 5, repetition);
  return name === undefined && pid.isNull(5, 1, repetition) ? null : name;
}

export function personName(
  segment: Segment,
  field: number,
  repetition = 0,
  first = 1,
): string | undefined {
  const part = (at: number): string =>
    segment.text(field, first + at, { repetition }).replace(/[\\^=\n]/g, ' ');
  const [family, given, middle, suffix, prefix] = [0, 1, 2, 3, 4].map(part);
  const name = [family, given, middle, prefix, suffix].join('^').replace(/\^+$/, '');
  return name === '' ? undefined : name.slice(0, 324);
}

function birthDateOf(pid: Segment): string | null | undefined {
  const given = pid.given(7);
  return typeof given === 'string' ? (readDate(given) ?? undefined) : given;
}

/** HL7 table 0001 to PatientSex; unknown says nothing. */
function sexOf(pid: Segment): string | null | undefined {
  const given = pid.given(8);
  if (typeof given !== 'string') return given;
  const letter = given.toUpperCase();
  return ['M', 'F', 'O'].includes(letter) ? letter : undefined;
}

function deceasedOf(pid: Segment): boolean | undefined {
  if (pid.text(29) !== '') return true;
  // A death that was told by mistake.
  return yesNo(pid.text(30)) ?? (pid.given(29) === null ? false : undefined);
}

function yesNo(text: string | undefined): boolean | undefined {
  if (text === undefined || text === '') return undefined;
  return text.toUpperCase() === 'Y' ? true : text.toUpperCase() === 'N' ? false : undefined;
}
