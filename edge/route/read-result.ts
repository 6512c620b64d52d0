/** What a result says of itself: whose it is, what it refers to, which codes it carries. PS3.3 C.17.3, C.7.6.16.2.1. */
import { openDataSetReader } from '../../shared/dicom/data-set-reader.ts';
import type { ElementHeader, ElementVisitor } from '../../shared/dicom/element-reader.ts';
import { trimUID } from '../../shared/dicom/part10.ts';
import { Tag } from '../../shared/dicom/tag.ts';
import { type DataSetRange, readDataSet } from '../spool/read-instance.ts';

export interface ResultFacts {
  readonly sopClassUID: string;
  readonly sopInstanceUID: string;
  readonly studyInstanceUID: string;
  readonly patientId: string;
  readonly birthDate: string;
  /** Of images and other objects, at any depth. */
  readonly references: ReadonlySet<string>;
  /** Of studies, inside sequences. */
  readonly studies: ReadonlySet<string>;
  /** `value scheme` of every code, at any depth. */
  readonly codes: ReadonlySet<string>;
}

const ReferencedSOPInstanceUID = 0x0008_1155;
const CodeValue = 0x0008_0100;
const CodingSchemeDesignator = 0x0008_0102;
/** Studies, performed steps, patients and requests are referred to in the same form, and are no objects. */
const NO_OBJECTS = new Set([0x0008_1110, 0x0008_1111, 0x0008_1120, 0x0040_a370]);
const MAX_VALUE_BYTES = 256;
const TOP = new Set<number>([
  ...[Tag.SOPClassUID, Tag.SOPInstanceUID, Tag.StudyInstanceUID],
  ...[Tag.PatientID, Tag.PatientBirthDate],
]);
const INSIDE = new Set<number>([
  ...[ReferencedSOPInstanceUID, Tag.StudyInstanceUID, CodeValue, CodingSchemeDesignator],
]);

/** @throws DicomError for what is no data set, or the error of the disk */
export async function readResult(
  file: string,
  range: DataSetRange & { readonly transferSyntaxUID: string },
): Promise<ResultFacts> {
  const collector = new ResultCollector();
  const reader = openDataSetReader(range.transferSyntaxUID, collector);
  try {
    for await (const chunk of readDataSet(file, range)) await reader.write(chunk as Buffer);
    await reader.end();
  } finally {
    reader.destroy();
  }
  return collector.facts();
}

class ResultCollector implements ElementVisitor {
  readonly #top = new Map<number, string>();
  readonly #references = new Set<string>();
  readonly #studies = new Set<string>();
  readonly #codes = new Set<string>();
  /** The sequences around what is read. */
  readonly #path: number[] = [];
  /** The code value of the item at each depth. */
  readonly #values = new Map<number, string>();

  element({ tag, vr, depth, length }: ElementHeader): boolean {
    this.#path.length = depth;
    if (vr === 'SQ') this.#path[depth] = tag;
    return (depth === 0 ? TOP : INSIDE).has(tag) && length <= MAX_VALUE_BYTES;
  }

  value({ tag, depth }: ElementHeader, bytes: Buffer): void {
    const text = trimUID(bytes.toString('utf8')).trim();
    if (depth === 0) this.#top.set(tag, this.#top.get(tag) ?? text);
    else if (tag === Tag.StudyInstanceUID) this.#studies.add(text);
    else if (tag === CodeValue) this.#values.set(depth, text);
    else if (tag === CodingSchemeDesignator) this.#codes.add(`${this.#values.get(depth)} ${text}`);
    else if (!this.#path.some((sequence) => NO_OBJECTS.has(sequence))) this.#references.add(text);
  }

  facts(): ResultFacts {
    const text = (tag: number): string => this.#top.get(tag) ?? '';
    return {
      sopClassUID: text(Tag.SOPClassUID),
      sopInstanceUID: text(Tag.SOPInstanceUID),
      studyInstanceUID: text(Tag.StudyInstanceUID),
      patientId: text(Tag.PatientID),
      birthDate: text(Tag.PatientBirthDate),
      references: this.#references,
      studies: this.#studies,
      codes: this.#codes,
    };
  }
}
