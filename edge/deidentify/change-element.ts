/**
 * One element, changed as the profile says; items of sequences to any depth that real objects have.
 *
 *   element ─► action ─┬─ keep ─► the same bytes; of a sequence, each item's elements
 *                      ├─ remove, empty, dummy, new-uid, shift-date, clean ─► its new bytes
 *                      └─ keep-if-safe ─► keep or remove
 *
 * What nothing is changed in keeps its bytes; what changes keeps its form: lengths that were defined stay so.
 */
import { type Charset, charsetOf, decodeText } from '../../shared/dicom/character-set.ts';
import { DicomError } from '../../shared/dicom/dicom-error.ts';
import { vrOfTag } from '../../shared/dicom/dictionary.ts';
import { UNDEFINED_LENGTH } from '../../shared/dicom/element-reader.ts';
import {
  type ElementEncoding,
  encodeElement,
  encodeElementHeader,
  encodeItem,
  padded,
} from '../../shared/dicom/encode-element.ts';
import { itemsOf, type SequenceItem } from '../../shared/dicom/items.ts';
import { trimUID } from '../../shared/dicom/part10.ts';
import { formatTag, Tag } from '../../shared/dicom/tag.ts';
import type { HeldElement } from '../../shared/dicom/transform.ts';
import { hasLongForm } from '../../shared/dicom/vr.ts';
import { cleanText } from './clean-text.ts';
import { dummyItem } from './dummy-items.ts';
import { dummyValue } from './dummy-values.ts';
import type { Action, Profile } from './profile.ts';
import type { Pseudonyms } from './pseudonyms.ts';
import { isPrivate, isPrivateCreator, isSafePrivate, safeCreators } from './safe-private.ts';
import { shiftDate, shiftDateTime } from './shift-date.ts';

/** Real objects nest about ten deep. */
const MAX_DEPTH = 64;
const NOTHING = Buffer.alloc(0);
/** Of a value whose length has 16 bits. */
const MAX_SHORT_BYTES = 0xfffe;
const PATIENT_AGE = 0x0010_1010;

/** The values that a project gives a patient's identifiers. */
export interface PatientPseudonym {
  readonly patientId: string;
  readonly patientName: string;
  /** All dates lie so many days earlier. */
  readonly shiftDays: number;
}

export interface ChangeContext {
  readonly profile: Profile;
  readonly pseudonyms: Pseudonyms;
  readonly patient: PatientPseudonym;
  /** Stands in for an absent accession number or Study ID. */
  readonly studyInstanceUID: string;
  /** Of the data set; an item may have its own. */
  readonly charset: Charset;
  /** What was done, for the report. */
  readonly onChange: (action: Action, tag: number) => void;
  /** For whoever has to undo it. */
  readonly onReplaced?: ((replaced: Replaced) => void) | undefined;
}

/** A value and what stands in its place. */
export interface Replaced {
  readonly kind: 'uid' | 'date' | 'text';
  readonly original: string;
  readonly pseudonym: string;
}

/** Where an element stands. */
export interface Level {
  readonly encoding: ElementEncoding;
  readonly charset: Charset;
  readonly depth: number;
  /** Creators of private blocks in which something may stay, by the tags that name them. */
  readonly creators: ReadonlyMap<number, string>;
  /** What a sequence around it asks for: that no text stays, or none that is not cleaned. */
  readonly within?: 'dummy' | 'clean';
}

export class ElementChanger {
  readonly #context: ChangeContext;

  constructor(context: ChangeContext) {
    this.#context = context;
  }

  /** What is to become of an element. */
  actionFor(element: Pick<HeldElement, 'tag' | 'vr' | 'length'>, level: Level): Action {
    const { tag, vr } = element;
    const action = this.#context.profile.actionFor({ tag, vr, depth: level.depth });
    if (action === 'keep-if-safe') return isSafe(element, level) ? 'keep' : 'remove';
    if (level.within === undefined || (action !== 'keep' && action !== 'clean')) return action;
    const known = vr === 'UN' ? vrOfTag(tag) : vr;
    return TEXT_WITHIN[level.within].has(known) ? level.within : action;
  }

  /** @returns the element's new bytes; none when it goes @throws DicomError */
  change(element: HeldElement, level: Level): Buffer {
    const action = this.actionFor(element, level);
    const changed = this.#changed(element, level, action);
    if (changed !== element.bytes) this.#context.onChange(action, element.tag);
    return changed;
  }

  #changed(element: HeldElement, level: Level, action: Action): Buffer {
    const vr = element.vr === 'UN' ? vrOfTag(element.tag) : element.vr;
    const isSequence = vr === 'SQ' || element.length === UNDEFINED_LENGTH;
    switch (action) {
      case 'keep':
        if (element.tag === PATIENT_AGE) return cappedAge(element, level);
        return isSequence ? this.#changeItems(element, level) : element.bytes;
      case 'remove':
        return NOTHING;
      case 'empty':
        return isSequence ? encoded(element, level, NOTHING) : this.#emptied(element, level);
      default:
        return isSequence
          ? this.#changedSequence(element, level, action)
          : encoded(element, level, this.#newValue(element, level, action));
    }
  }

  /** Where a sequence has to have an item, those that it has are changed; some have to be made anew. */
  #changedSequence(element: HeldElement, level: Level, action: Action): Buffer {
    if (action === 'dummy') {
      const made = dummyItem(element.tag, level.encoding);
      if (made !== undefined) return encoded(element, level, made);
    }
    if (action !== 'dummy' && action !== 'clean') return this.#changeItems(element, level);
    const isDrawing = element.tag === GRAPHIC_ANNOTATION_SEQUENCE;
    // What somebody wrote beside a drawing is no text that words can be chosen from.
    return this.#changeItems(element, { ...level, within: isDrawing ? 'dummy' : action });
  }

  #changeItems(element: HeldElement, level: Level): Buffer {
    if (level.depth >= MAX_DEPTH)
      throw new DicomError('DATASET_TOO_DEEP', `${formatTag(element.tag)} is nested too deep`);
    // A sequence of unknown VR is in implicit VR little endian, whatever holds it. PS3.5 §6.2.2 note 2.
    const encoding = element.vr === 'UN' ? { explicit: false, bigEndian: false } : level.encoding;
    const items = itemsOf(element, encoding);
    const changed = items.map((item) => this.#changeItem(item, { ...level, encoding }));
    if (changed.every((bytes, at) => bytes === items[at]?.bytes)) return element.bytes;
    return encodedItems(element, level.encoding, changed);
  }

  #changeItem(item: SequenceItem, outer: Level): Buffer {
    const { encoding } = outer;
    const own = item.elements.find(({ tag }) => tag === Tag.SpecificCharacterSet);
    const level: Level = {
      encoding,
      charset: own === undefined ? outer.charset : charsetOf(own.value.toString('latin1').trim()),
      depth: outer.depth + 1,
      creators: safeCreators(creatorsOf(item.elements), item.elements),
      ...(outer.within === undefined ? {} : { within: outer.within }),
    };
    const changed = item.elements.map((element) => this.change(element, level));
    if (changed.every((bytes, at) => bytes === item.elements[at]?.bytes)) return item.bytes;
    return encodeItem(encoding, changed);
  }

  /** Identifiers that archives sort by are never left empty. */
  #emptied(element: HeldElement, level: Level): Buffer {
    const { patient } = this.#context;
    const original = textOf(element, level);
    switch (element.tag) {
      case Tag.PatientName:
        return encoded(element, level, text(patient.patientName));
      case Tag.PatientID:
        return encoded(element, level, text(patient.patientId));
      case Tag.AccessionNumber: {
        const pseudonym = accessionNumber(this.#context, original);
        this.#context.onReplaced?.({ kind: 'text', original, pseudonym });
        return encoded(element, level, text(pseudonym));
      }
      case Tag.StudyID: {
        const pseudonym = studyID(this.#context);
        this.#context.onReplaced?.({ kind: 'text', original, pseudonym });
        return encoded(element, level, text(pseudonym));
      }
      default:
        return encoded(element, level, NOTHING);
    }
  }

  #newValue(element: HeldElement, level: Level, action: Action): Buffer {
    const { tag, value } = element;
    const vr = element.vr === 'UN' ? vrOfTag(tag) : element.vr;
    if (action === 'new-uid' || vr === 'UI') return this.#newUIDs(element, level);
    if (action === 'shift-date') return this.#shifted(element, level, vr);
    if (action === 'clean') return this.#cleaned(element, level, vr);
    if (tag === Tag.PatientID) return text(this.#context.patient.patientId);
    return dummyValue(tag, vr, value.length);
  }

  #newUIDs(element: HeldElement, level: Level): Buffer {
    const uids = textOf(element, level).split('\\').map(trimUID);
    const { pseudonyms, onReplaced } = this.#context;
    const replaced = uids.map((original) => {
      const pseudonym = pseudonyms.uid(original);
      if (pseudonym !== original) onReplaced?.({ kind: 'uid', original, pseudonym });
      return pseudonym;
    });
    return padded(Buffer.from(replaced.join('\\')), '\0');
  }

  /** What is no date becomes a dummy: it may be anything. */
  #shifted(element: HeldElement, level: Level, vr: string): Buffer {
    if (vr === 'TM') return element.value;
    const { shiftDays } = this.#context.patient;
    const shift = vr === 'DT' ? shiftDateTime : shiftDate;
    if (vr !== 'DT' && vr !== 'DA') return dummyValue(element.tag, vr, element.value.length);
    const original = textOf(element, level);
    if (original === '') return NOTHING;
    const dates = original.split('\\').map((date) => {
      const pseudonym = shift(date, shiftDays);
      if (pseudonym !== null)
        this.#context.onReplaced?.({ kind: 'date', original: date, pseudonym });
      return pseudonym;
    });
    return dates.includes(null) ? dummyValue(element.tag, vr, 0) : text(dates.join('\\'));
  }

  #cleaned(element: HeldElement, level: Level, vr: string): Buffer {
    const original = textOf(element, level);
    if (vr === 'AE') return text(this.#context.pseudonyms.identifier('device', original));
    if (!CLEANABLE.has(vr)) return dummyValue(element.tag, vr, element.value.length);
    return text(cleanText(original) || 'ANONYMIZED');
  }
}

/** Unlisted attributes that hold what somebody wrote, by what the sequence around them asks for. */
const TEXT_WITHIN = {
  dummy: new Set(['LO', 'LT', 'SH', 'ST', 'UC', 'UR', 'UT', 'OB']),
  // Codes and their meanings, LO and SH, are of a list.
  clean: new Set(['LT', 'ST', 'UC', 'UT']),
} as const;
const GRAPHIC_ANNOTATION_SEQUENCE = 0x0070_0001;
const CLEANABLE = new Set(['LO', 'LT', 'SH', 'ST', 'UC', 'UT']);

const text = (value: string): Buffer => padded(Buffer.from(value, 'latin1'));

function textOf({ value }: HeldElement, { charset }: Level): string {
  return decodeText(value, charset)
    .replace(/[\0 ]+$/g, '')
    .trimStart();
}

/** Of the same accession number of a patient the same; of none, one for the study. */
export function accessionNumber(
  { pseudonyms, patient, studyInstanceUID }: ChangeContext,
  original: string,
): string {
  return pseudonyms.identifier('accession', `${patient.patientId} ${original || studyInstanceUID}`);
}

export function studyID({ pseudonyms, studyInstanceUID }: ChangeContext): string {
  return pseudonyms.identifier('study-id', studyInstanceUID);
}

function isSafe(element: Pick<HeldElement, 'tag' | 'vr' | 'length'>, { creators }: Level): boolean {
  return isPrivateCreator(element.tag)
    ? creators.has(element.tag)
    : isPrivate(element.tag) && isSafePrivate(element, creators);
}

/** The oldest are so few that their age tells who they are. */
function cappedAge(element: HeldElement, level: Level): Buffer {
  const years = /^(\d{3})Y$/.exec(textOf(element, level))?.[1];
  return Number(years) > 89 ? encoded(element, level, text('090Y')) : element.bytes;
}

/** With its own tag and VR, in its own form. */
function encoded(element: HeldElement, { encoding }: Level, value: Buffer): Buffer {
  const { tag } = element;
  // Not UN: the value is of the VR that the standard gives the tag.
  const vr = element.vr === 'UN' ? vrOfTag(tag) : element.vr;
  if (value.length > MAX_SHORT_BYTES && !hasLongForm(vr))
    throw new DicomError('ELEMENT_TOO_LARGE', `${formatTag(tag)} is too large to be changed`);
  return encodeElement(encoding, { tag, vr, value });
}

/** A sequence with other items, in its own form. */
export function encodedItems(
  element: HeldElement,
  encoding: ElementEncoding,
  items: readonly Buffer[],
): Buffer {
  const { tag, vr, length } = element;
  const value = Buffer.concat(items);
  if (length !== UNDEFINED_LENGTH) return encodeElement(encoding, { tag, vr, value });
  const inner = vr === 'UN' ? { explicit: false, bigEndian: false } : encoding;
  const delimiter = encodeElementHeader(
    { explicit: false, bigEndian: inner.bigEndian },
    { tag: Tag.SequenceDelimitationItem, vr: '', length: 0 },
  );
  return Buffer.concat([encodeElementHeader(encoding, { tag, vr, length }), value, delimiter]);
}

/** The names of private blocks, by the tags that name them. */
function creatorsOf(elements: Iterable<Pick<HeldElement, 'tag' | 'value'>>): Map<number, string> {
  const creators = new Map<number, string>();
  for (const { tag, value } of elements)
    if (isPrivateCreator(tag)) creators.set(tag, value.toString('latin1').replace(/[\0 ]+$/, ''));
  return creators;
}
