/** The home's Patient ID, kept among the Other Patient IDs of the copy. PS3.3 C.7.1.1. */
import { type Charset, decodeText } from '../../shared/dicom/character-set.ts';
import { type ItemElement, itemsOf } from '../../shared/dicom/items.ts';
import type { TopLevelElement, TopLevelScan } from '../../shared/dicom/top-level-scan.ts';
import {
  carriedOver,
  itemOf,
  type ObjectWriter,
  rawElement,
  textElement,
} from './object-writer.ts';
import { CoercionTag as T } from './tags.ts';

interface Question {
  readonly scan: TopLevelScan;
  readonly charset: Charset;
  readonly home: string;
  /** As the copy is filed. */
  readonly local: { readonly patientId: string; readonly issuer: string };
}

/** True when the object has no Patient ID, or tells it elsewhere already. */
export function isKnownIdentifier({ scan, charset, home, local }: Question): boolean {
  const text = (element: { readonly value: Buffer } | undefined): string =>
    decodeText(element?.value ?? Buffer.alloc(0), charset).replace(/^[\0 ]+|[\0 ]+$/g, '');
  const first = (tag: number): TopLevelElement | undefined => scan.elements.get(tag)?.[0];
  const id = text(first(T.PatientID));
  const issuer = text(first(T.IssuerOfPatientID)) || home;
  if (id === '' || (id === local.patientId && issuer === local.issuer)) return true;
  const others = first(T.OtherPatientIDsSequence);
  if (others?.vr !== 'SQ') return false;
  const of = (elements: readonly ItemElement[], tag: number): string =>
    text(elements.find((element) => element.tag === tag));
  return itemsOf(others, scan.encoding).some(
    ({ elements }) =>
      of(elements, T.PatientID) === id && of(elements, T.IssuerOfPatientID) === issuer,
  );
}

/** As the home has it; the home's code is the issuer where none is said. */
export function otherIdentifierItem(
  { elements }: TopLevelScan,
  writer: ObjectWriter,
  home: string,
): Buffer {
  const value = (tag: number): Buffer =>
    carriedOver(writer, elements.get(tag)?.[0]?.value ?? Buffer.alloc(0));
  const orElse = (tag: number, vr: string, otherwise: string): Buffer =>
    /[^\0 ]/.test(value(tag).toString('latin1'))
      ? rawElement(writer, tag, vr, value(tag))
      : textElement(writer, tag, vr, otherwise);
  const [qualifiers] = elements.get(T.IssuerOfPatientIDQualifiersSequence) ?? [];
  return itemOf(writer, [
    rawElement(writer, T.PatientID, 'LO', value(T.PatientID)),
    orElse(T.IssuerOfPatientID, 'LO', home),
    orElse(T.TypeOfPatientID, 'CS', 'TEXT'),
    qualifiers?.bytes ?? Buffer.alloc(0),
  ]);
}
