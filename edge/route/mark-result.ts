/**
 * A result as it is filed: marked as made by an AI and not verified, all else byte for byte. What was
 * changed stands in the Original Attributes. PS3.3 C.17.2 (verification), C.12.1.1.9, C.7.6 (equipment).
 *
 *   Series Description ─► "AI, not verified: …"      a report ─► UNVERIFIED, without verifying observers
 *   Contributing Equipment ─► one more item: node, model, version
 */
import { charsetOf, decodeText } from '../../shared/dicom/character-set.ts';
import { encodeText } from '../../shared/dicom/encode-text.ts';
import { withItem } from '../../shared/dicom/items.ts';
import { type DataSetSource, type Edits, rewriteDataSet } from '../../shared/dicom/rewrite.ts';
import { Tag } from '../../shared/dicom/tag.ts';
import type { TopLevelElement, TopLevelScan } from '../../shared/dicom/top-level-scan.ts';
import { dicomDateTime } from '../coerce/identity.ts';
import {
  itemOf,
  type ObjectWriter,
  rawElement,
  sequenceElement,
  textElement,
} from '../coerce/object-writer.ts';
import { type Former, originalAttributesItem } from '../coerce/original-attributes.ts';
import { CoercionTag } from '../coerce/tags.ts';

const SoftwareVersions = 0x0018_1020;
const ManufacturerModelName = 0x0008_1090;
const ContributionDescription = 0x0018_a003;
const VerificationFlag = 0x0040_a493;
const VerifyingObserverSequence = 0x0040_a073;
const LABEL = 'AI, not verified';
/** LO. PS3.5 §6.2. */
const MAX_DESCRIPTION = 64;

export interface ResultMark {
  readonly model: string;
  readonly version: string;
  /** AE title of the node. */
  readonly node: string;
  /** The edge's ODS code. */
  readonly trust: string;
  /** When it came, milliseconds since the epoch: the same result is marked the same again. */
  readonly receivedAt: number;
}

const WANTED = [
  ...[Tag.SpecificCharacterSet, Tag.SeriesDescription, VerificationFlag, VerifyingObserverSequence],
  ...[CoercionTag.ContributingEquipmentSequence, Tag.OriginalAttributesSequence],
];

/** @returns the bytes of the marked data set @throws DicomError before the first byte */
export function markResult(source: DataSetSource, mark: ResultMark): AsyncGenerator<Buffer> {
  return rewriteDataSet(source, WANTED, (scan) => editsOf(scan, mark));
}

function editsOf(scan: TopLevelScan, mark: ResultMark): Edits {
  const charset = charsetOf(
    first(scan, Tag.SpecificCharacterSet)?.value.toString('latin1') ?? null,
  );
  const writer: ObjectWriter = { encoding: scan.encoding, from: charset, to: charset };
  const edits = new Map<number, readonly Buffer[]>();
  const before = decodeText(
    first(scan, Tag.SeriesDescription)?.value ?? Buffer.alloc(0),
    charset,
  ).trim();
  const description = (before === '' ? LABEL : `${LABEL}: ${before}`).slice(0, MAX_DESCRIPTION);
  const bytes = encodeText(description, charset).bytes;
  edits.set(Tag.SeriesDescription, [rawElement(writer, Tag.SeriesDescription, 'LO', bytes)]);
  if (first(scan, VerificationFlag) !== undefined) {
    edits.set(VerificationFlag, [textElement(writer, VerificationFlag, 'CS', 'UNVERIFIED')]);
    edits.set(VerifyingObserverSequence, []);
  }
  const former = formerOf(scan, edits);
  const equipment = equipmentItem(writer, mark);
  edits.set(CoercionTag.ContributingEquipmentSequence, [
    extended(scan, writer, { tag: CoercionTag.ContributingEquipmentSequence, item: equipment }),
  ]);
  const item = originalAttributesItem(writer, {
    ...{ trust: mark.trust, home: mark.trust, at: new Date(mark.receivedAt).toISOString(), former },
    isFirst: first(scan, Tag.OriginalAttributesSequence) === undefined,
  });
  const tag = Tag.OriginalAttributesSequence;
  edits.set(tag, [extended(scan, writer, { tag, item })]);
  return edits;
}

const first = (scan: TopLevelScan, tag: number): TopLevelElement | undefined =>
  scan.elements.get(tag)?.[0];

/** What stood there, where it was something else. */
function formerOf(scan: TopLevelScan, edits: Edits): Former[] {
  return [...edits].flatMap(([tag, after]) => {
    const elements = scan.elements.get(tag) ?? [];
    const bytes = elements.map((element) => element.bytes);
    const isSame =
      bytes.length === after.length && bytes.every((each, i) => after[i]?.equals(each));
    const vr = elements[0]?.vr ?? (tag === VerifyingObserverSequence ? 'SQ' : 'LO');
    return isSame ? [] : [{ tag, vr, bytes }];
  });
}

function extended(
  scan: TopLevelScan,
  writer: ObjectWriter,
  { tag, item }: { tag: number; item: Buffer },
): Buffer {
  const sequence = first(scan, tag);
  if (sequence?.vr !== 'SQ') return sequenceElement(writer, tag, item);
  return withItem(sequence, item, scan.encoding);
}

function equipmentItem(writer: ObjectWriter, mark: ResultMark): Buffer {
  const { model, version, node, receivedAt } = mark;
  const text = (tag: number, vr: string, value: string): Buffer =>
    textElement(writer, tag, vr, value.slice(0, MAX_DESCRIPTION));
  const purpose = itemOf(writer, [
    text(CoercionTag.CodeValue, 'SH', '109102'),
    text(CoercionTag.CodingSchemeDesignator, 'SH', 'DCM'),
    text(CoercionTag.CodeMeaning, 'LO', 'Processing Equipment'),
  ]);
  const at = new Date(receivedAt).toISOString();
  return itemOf(writer, [
    text(CoercionTag.Manufacturer, 'LO', 'AI node'),
    text(CoercionTag.StationName, 'SH', node.slice(0, 16)),
    text(ManufacturerModelName, 'LO', model),
    text(SoftwareVersions, 'LO', version),
    text(CoercionTag.ContributionDateTime, 'DT', dicomDateTime(at)),
    text(ContributionDescription, 'ST', 'Made by an AI model; not verified by a person'),
    sequenceElement(writer, CoercionTag.PurposeOfReferenceCodeSequence, purpose),
  ]);
}
