/**
 * What leads from the pseudonyms of some objects back to what they stand for. Whoever has it knows the
 * patient: it is kept sealed, and is never in an object.
 *
 *   ObjectDeidentifier ─ onReplaced ─► PseudonymRecorder ─► PseudonymMap ─► restore-object.ts
 */
import type { DataSetSource } from '../../shared/dicom/rewrite.ts';
import { readTopLevel } from '../../shared/dicom/rewrite.ts';
import { Tag } from '../../shared/dicom/tag.ts';
import { type CarriedElement, carriedElement } from './carried-elements.ts';
import type { Replaced } from './change-element.ts';

/** The original of each pseudonym. */
export type Originals = ReadonlyMap<string, string>;

export interface PseudonymMap {
  /** Patient ID and Patient's Name of what was given out. */
  readonly patient: string;
  readonly uids: Originals;
  /** As they were moved. */
  readonly dates: Originals;
  /** Accession numbers, Study IDs. */
  readonly texts: Originals;
  /** Who and which study it is, as the original has it. */
  readonly identity: readonly CarriedElement[];
  /** Specific Character Set of the original. */
  readonly charset: string;
}

/** Of the patient and of the study: what a result gets back. PS3.3 C.7.1.1, C.7.2.1. */
export const IDENTITY_TAGS: ReadonlySet<number> = new Set<number>([
  ...[Tag.PatientName, Tag.PatientID, Tag.IssuerOfPatientID, Tag.TypeOfPatientID],
  ...[Tag.IssuerOfPatientIDQualifiersSequence, Tag.PatientBirthDate, Tag.PatientSex],
  ...[Tag.StudyDate, Tag.StudyTime, Tag.AccessionNumber, Tag.IssuerOfAccessionNumberSequence],
  ...[Tag.StudyID, Tag.StudyDescription, Tag.ReferringPhysicianName],
]);

export class PseudonymRecorder {
  readonly #uids: Map<string, string>;
  readonly #dates: Map<string, string>;
  readonly #texts: Map<string, string>;

  /** @param known what an interrupted run had found */
  constructor(known?: Pick<PseudonymMap, 'uids' | 'dates' | 'texts'>) {
    this.#uids = new Map(known?.uids);
    this.#dates = new Map(known?.dates);
    this.#texts = new Map(known?.texts);
  }

  add({ kind, original, pseudonym }: Replaced): void {
    const originals = { uid: this.#uids, date: this.#dates, text: this.#texts }[kind];
    originals.set(pseudonym, original);
  }

  /** @param identity of the original */
  map(patient: string, identity: Pick<PseudonymMap, 'identity' | 'charset'>): PseudonymMap {
    const { identity: elements, charset } = identity;
    return {
      ...{ patient, uids: this.#uids, dates: this.#dates, texts: this.#texts },
      ...{ identity: elements, charset },
    };
  }
}

/** @throws DicomError */
export async function readIdentity(
  source: DataSetSource,
): Promise<Pick<PseudonymMap, 'identity' | 'charset'>> {
  const scan = await readTopLevel(source, [...IDENTITY_TAGS, Tag.SpecificCharacterSet]);
  const identity = [...scan.elements].flatMap(([tag, [element]]) =>
    element === undefined || !IDENTITY_TAGS.has(tag)
      ? []
      : [carriedElement({ ...element, tag }, scan.encoding)],
  );
  const [charset] = scan.elements.get(Tag.SpecificCharacterSet) ?? [];
  return { identity, charset: charset?.value.toString('latin1').trim() ?? '' };
}

/** What several sendings of a study say; their patient is one. */
export function joinedMap(maps: readonly PseudonymMap[]): PseudonymMap | undefined {
  const [first] = maps;
  if (first === undefined) return undefined;
  const joined = (of: 'uids' | 'dates' | 'texts'): Originals =>
    new Map(maps.flatMap((map) => [...map[of]]));
  return { ...first, uids: joined('uids'), dates: joined('dates'), texts: joined('texts') };
}
