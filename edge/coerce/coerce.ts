/**
 * Gives a foreign object the local identity, and takes it back. IHE IRWF.b; PS3.3 C.12.1.1.9.
 *
 *   object + mapping ─► planChanges ─► Original Attributes ─► rewriteDataSet ─► copy
 *   copy ─► its newest item of ours ─► rewriteDataSet ─► object, byte for byte
 *
 * Deterministic: no clock, no randomness. What is not named in the plan is copied as it is.
 */
import { charsetOf } from '../../shared/dicom/character-set.ts';
import { DicomError } from '../../shared/dicom/dicom-error.ts';
import { encodeElement } from '../../shared/dicom/encode-element.ts';
import { encodeText } from '../../shared/dicom/encode-text.ts';
import { isWholeElement, itemsOf, withItem, withoutItem } from '../../shared/dicom/items.ts';
import {
  type DataSetSource,
  type Edits,
  readTopLevel,
  rewriteDataSet,
} from '../../shared/dicom/rewrite.ts';
import { formatTag } from '../../shared/dicom/tag.ts';
import type { TopLevelElement, TopLevelScan } from '../../shared/dicom/top-level-scan.ts';
import { CoercionError } from './coercion-error.ts';
import type { IdentityMapping, Sides } from './identity.ts';
import { type ObjectWriter, rawElement, sequenceElement, UTF_8 } from './object-writer.ts';
import {
  isOwnItem,
  originalAttributesItem,
  readOriginalAttributes,
} from './original-attributes.ts';
import {
  APPENDED_TO,
  type Change,
  type Changes,
  COERCED_TAGS,
  localIdentity,
  type Plan,
  planChanges,
} from './plan-changes.ts';
import { CoercionTag as T } from './tags.ts';

/** The object to change, and the two sides. */
export type CoercionInput = DataSetSource & Sides;

/**
 * @returns the bytes of the copy's data set, in the same transfer syntax
 * @throws CoercionError, or DicomError for a broken source, before the first byte
 */
export function coerceObject(
  input: CoercionInput,
  mapping: IdentityMapping,
): AsyncGenerator<Buffer> {
  return rewriteDataSet(input, COERCED_TAGS, (scan) => editsOf(scan, input, mapping));
}

/**
 * The object as it was before the newest coercion by this trust's edge.
 *
 * @throws CoercionError `NOT_COERCED`, or DicomError, before the first byte
 */
export async function* restoreObject(
  input: DataSetSource & { readonly trust: string },
): AsyncGenerator<Buffer> {
  const first = await readTopLevel(input, [T.OriginalAttributesSequence]);
  const recorded = newestRecord(first, input.trust);
  const tags = [...recorded.former.keys(), ...recorded.absent, T.OriginalAttributesSequence];
  yield* rewriteDataSet(input, tags, (scan) => restoringEdits(scan, input.trust));
}

function editsOf(scan: TopLevelScan, sides: Sides, mapping: IdentityMapping): Edits {
  const { plan, changes } = planInCharset({ scan, sides, mapping });
  const effective = [...changes].filter(([tag, change]) => !isUnchanged(scan, tag, change));
  const sequences = scan.elements.get(T.OriginalAttributesSequence) ?? [];
  const [sequence, ...moreSequences] = sequences;
  const former = effective.map(([tag, { vr }]) => ({ tag, vr, bytes: bytesOf(scan, tag) }));
  // One of unknown VR can't take an item of ours: it is kept, whole, within the new one.
  const isOpaque = sequence !== undefined && sequence.vr !== 'SQ';
  if (isOpaque)
    former.push({
      tag: T.OriginalAttributesSequence,
      vr: sequence.vr,
      bytes: sequences.map(({ bytes }) => bytes),
    });
  for (const { tag, bytes } of former)
    if (!bytes.every((element) => isWholeElement(element, scan.encoding)))
      throw new DicomError('DATASET_MALFORMED', `${formatTag(tag)} ends before its length does`);
  const item = originalAttributesItem(plan.writer, {
    ...{ trust: sides.trust, home: sides.home, at: mapping.at, former },
    isFirst: sequence === undefined,
  });
  const edits = new Map(effective.map(([tag, change]) => [tag, editOf(scan, tag, change)]));
  const isNew = sequence === undefined || isOpaque;
  edits.set(T.OriginalAttributesSequence, [
    isNew
      ? sequenceElement(plan.writer, T.OriginalAttributesSequence, item)
      : withItem(sequence, item, scan.encoding),
    ...(isOpaque ? [] : moreSequences.map(({ bytes }) => bytes)),
  ]);
  return edits;
}

/**
 * In the object's own character set when the local text can be written in it. Else in UTF-8, when nothing
 * else in the object has any but ASCII characters: all of it then means what it meant. Else letters lose
 * their accents, or become `?`: a name that is legible and one that is not are lesser evils than other
 * text that changes its meaning. An identifier is never written so.
 */
function planInCharset(given: Omit<Plan, 'writer' | 'local'>): { plan: Plan; changes: Changes } {
  const { scan, mapping, sides } = given;
  const [specific] = scan.elements.get(T.SpecificCharacterSet) ?? [];
  const named = specific?.value.toString('latin1') ?? null;
  const from = charsetOf(named);
  const local = localIdentity(mapping, sides);
  const planIn = (writer: ObjectWriter, as = local): { plan: Plan; changes: Changes } => {
    const plan = { ...given, local: as, writer };
    return { plan, changes: planChanges(plan) };
  };
  const own = planIn({ encoding: scan.encoding, from, to: from });
  // We read a misspelt term; other readers may not, so nothing but ASCII is written by it.
  const understood = isDefinedTerm(named) ? from : charsetOf(null);
  const isExact = (text: string): boolean => encodeText(text, understood).isExact;
  if ([local.patientId, local.issuer, local.patientName ?? ''].every(isExact)) return own;
  if (!keepsExtendedText(scan, own.changes)) {
    const wide = planIn({ encoding: scan.encoding, from, to: UTF_8 });
    const bytes = rawElement(
      wide.plan.writer,
      T.SpecificCharacterSet,
      'CS',
      Buffer.from('ISO_IR 192'),
    );
    wide.changes.set(T.SpecificCharacterSet, { vr: 'CS', bytes });
    return wide;
  }
  if (!isExact(local.patientId))
    throw new CoercionError(
      'PATIENT_ID_NOT_ENCODABLE',
      "the local Patient ID can not be written in this object's character set",
    );
  if (understood === from || local.patientName === null) return own;
  const patientName = encodeText(local.patientName, understood).bytes.toString('latin1');
  return planIn(own.plan.writer, { ...local, patientName });
}

/** As PS3.3 C.12.1.1.2 writes it: one set without code extensions, or several values. */
const isDefinedTerm = (value: string | null): boolean =>
  /^(ISO_IR \d{1,3}|GB18030|GBK)[\0 ]*$/.test(value ?? '') || (value ?? '').includes('\\');

/** True when text stays in the object that another character set would give another meaning. */
function keepsExtendedText(scan: TopLevelScan, changes: Changes): boolean {
  if (scan.restHasExtendedText) return true;
  return [...scan.elements.values()]
    .flat()
    .some(
      ({ tag, hasExtendedText }) => hasExtendedText && (!changes.has(tag) || APPENDED_TO.has(tag)),
    );
}

const occurrencesOf = (scan: TopLevelScan, tag: number): readonly TopLevelElement[] =>
  scan.elements.get(tag) ?? [];
const bytesOf = (scan: TopLevelScan, tag: number): Buffer[] =>
  occurrencesOf(scan, tag).map(({ bytes }) => bytes);

function isUnchanged(scan: TopLevelScan, tag: number, { bytes }: Change): boolean {
  const occurrences = occurrencesOf(scan, tag);
  if (bytes === null) return occurrences.length === 0;
  return occurrences.length > 0 && occurrences.every((element) => element.bytes.equals(bytes));
}

/** Each occurrence gets the same. */
function editOf(scan: TopLevelScan, tag: number, { bytes, vr }: Change): Buffer[] {
  const occurrences = occurrencesOf(scan, tag);
  if (bytes !== null) return Array.from({ length: Math.max(1, occurrences.length) }, () => bytes);
  const [only, ...more] = occurrences;
  if (only?.isInOrder === true && more.length === 0) return [];
  // Taken out, nothing would tell where it stood: it stays, without a value.
  const empty = encodeElement(scan.encoding, { tag, vr, value: Buffer.alloc(0) });
  return occurrences.map(() => empty);
}

function newestRecord(scan: TopLevelScan, trust: string) {
  const [sequence] = occurrencesOf(scan, T.OriginalAttributesSequence);
  const items = sequence === undefined ? [] : itemsOf(sequence, scan.encoding);
  const item = items.findLast((candidate) => isOwnItem(candidate, trust));
  if (sequence === undefined || item === undefined)
    throw new CoercionError('NOT_COERCED', 'the object records no coercion by this trust');
  const remaining = withoutItem(sequence, item, scan.encoding);
  return {
    ...readOriginalAttributes(item, scan.encoding),
    remaining,
    isOnlyItem: items.length === 1,
  };
}

function restoringEdits(scan: TopLevelScan, trust: string): Edits {
  const { former, absent, remaining, isOnlyItem } = newestRecord(scan, trust);
  const edits = new Map<number, readonly Buffer[]>(former);
  for (const tag of absent) edits.set(tag, []);
  if (former.has(T.OriginalAttributesSequence)) return edits;
  const [, ...moreSequences] = bytesOf(scan, T.OriginalAttributesSequence);
  const isGone = isOnlyItem && absent.has(T.OriginalAttributesSequence);
  edits.set(T.OriginalAttributesSequence, [...(isGone ? [] : [remaining]), ...moreSequences]);
  return edits;
}
