/**
 * One object, de-identified while it streams by. PS3.15 §E.1.1.
 *
 *   subject ─► pixel-rules.ts ─► may it be given out?
 *   data set ─► transform.ts ─┬─► Part 10 file of its own
 *              (change-element, marks, mask)  └─► leak-check.ts, over all that came out
 *
 * What was written before the end came is to be thrown away unless `finish` returns.
 */
import { deflate, inflate } from '../../shared/dicom/deflated-bytes.ts';
import {
  type ElementHeader,
  ElementReader,
  UNDEFINED_LENGTH,
} from '../../shared/dicom/element-reader.ts';
import { encodeElement } from '../../shared/dicom/encode-element.ts';
import { withItem } from '../../shared/dicom/items.ts';
import { encodePart10Head } from '../../shared/dicom/part10.ts';
import type { DataSetSource } from '../../shared/dicom/rewrite.ts';
import { formatTag, Tag } from '../../shared/dicom/tag.ts';
import { type Encoding, encodingOf } from '../../shared/dicom/transfer-syntax.ts';
import {
  type Choice,
  DataSetTransformer,
  type HeldElement,
  type Overwrite,
} from '../../shared/dicom/transform.ts';
import type { IdentifierSearch } from '../../shared/identifier-search.ts';
import {
  accessionNumber,
  type ChangeContext,
  ElementChanger,
  type Level,
  type Replaced,
  studyID,
} from './change-element.ts';
import { blankCodestreamText } from './codestream-text.ts';
import { LeakCheck } from './leak-check.ts';
import { equipmentItem, MARK_TAGS, markElements, NEEDED } from './marks.ts';
import { maskOverwrite } from './mask-pixels.ts';
import type { Mask } from './masks.ts';
import type { ProfileOption } from './options.ts';
import { type PixelLayout, pixelLayoutOf } from './pixel-layout.ts';
import { pixelVerdict } from './pixel-rules.ts';
import { PixelText } from './pixel-text.ts';
import { type Action, Profile } from './profile.ts';
import type { Pseudonyms } from './pseudonyms.ts';
import { type Subject, SubjectTag } from './subject.ts';
import { WithheldError } from './withheld.ts';

const CLEAN_PIXEL_DATA = 'clean-pixel-data';
const RETAIN_FULL_DATES = 'retain-full-dates';

/** The same for all objects of a project. */
export interface ProjectRules {
  readonly options: readonly ProfileOption[];
  readonly pseudonyms: Pseudonyms;
  /** Used with the option that cleans pixels only. */
  readonly masks: readonly Mask[];
}

export interface ObjectToClean {
  readonly source: DataSetSource;
  readonly subject: Subject;
  /** By what the patient is known in the whole project, over all of its objects. */
  readonly patientKey: string;
  /** All that is known of the patient, from every object at hand. */
  readonly search: IdentifierSearch;
  /** Told of every value that has a pseudonym, where somebody has to find back. */
  readonly onReplaced?: ((replaced: Replaced) => void) | undefined;
}

/** `tag action`, as in the report, and how often. */
export type Changes = ReadonlyMap<string, number>;

export class ObjectDeidentifier {
  /** Of the new object. */
  readonly sopInstanceUID: string;
  readonly studyInstanceUID: string;
  readonly #rules: ProjectRules;
  readonly #object: ObjectToClean;
  readonly #encoding: Encoding;
  readonly #context: ChangeContext;
  readonly #changer: ElementChanger;
  readonly #level: Level;
  readonly #mask: { readonly layout: PixelLayout; readonly mask: Mask } | undefined;
  readonly #changes = new Map<string, number>();
  readonly #leakCheck: LeakCheck;
  readonly #pixelText: PixelText;

  /** @throws WithheldError before anything is read of it again */
  constructor(rules: ProjectRules, object: ObjectToClean) {
    const { options, pseudonyms } = rules;
    const { source, subject, patientKey, search } = object;
    this.#rules = rules;
    this.#object = object;
    this.#encoding = encodingOf(source.transferSyntaxUID);
    const { sopClassUID, sopInstanceUID, studyInstanceUID } = subject;
    if ([sopClassUID, sopInstanceUID, studyInstanceUID].includes(''))
      throw new WithheldError('UID_EMPTY', 'it has no SOP class, no SOP Instance UID or no study');
    if (![sopInstanceUID, studyInstanceUID].every(isSafeUID))
      throw new WithheldError('UID_UNSAFE', 'its SOP Instance UID or that of its study is no UID');
    const mask = maskOf(rules, object);
    this.#mask = mask && { mask, layout: layoutOf(subject, this.#encoding) };
    const keepsUIDs = options.some(({ name }) => name === 'retain-uids');
    const uid = (original: string): string => (keepsUIDs ? original : pseudonyms.uid(original));
    this.sopInstanceUID = uid(sopInstanceUID);
    this.studyInstanceUID = uid(studyInstanceUID);
    const patientId = pseudonyms.identifier('patient', patientKey);
    this.#context = {
      profile: new Profile(options, sopClassUID),
      pseudonyms,
      patient: { patientId, patientName: patientId, shiftDays: pseudonyms.shiftDays(patientKey) },
      studyInstanceUID,
      charset: subject.charset,
      onChange: (action, tag) => this.#count(action, tag),
      onReplaced: object.onReplaced,
    };
    this.#changer = new ElementChanger(this.#context);
    const { charset, creators } = subject;
    this.#level = { encoding: this.#encoding, charset, depth: 0, creators };
    const datesStay = options.some(({ name }) => name === RETAIN_FULL_DATES);
    this.#leakCheck = new LeakCheck(search, subject, datesStay);
    this.#pixelText = new PixelText(search.unlikely);
  }

  /** What was done to it; complete once `bytes` has ended. */
  get changes(): Changes {
    return this.#changes;
  }

  /** The whole new file. @throws, at its end at the latest, WithheldError or DicomError: then it must not be used */
  async *bytes(): AsyncGenerator<Buffer[]> {
    const { source, subject } = this.#object;
    const { transferSyntaxUID } = source;
    const { sopInstanceUID } = this;
    yield [
      encodePart10Head({ sopClassUID: subject.sopClassUID, sopInstanceUID, transferSyntaxUID }),
    ];
    if (!this.#encoding.deflated) yield* this.#transformed(source.open());
    else
      for await (const bytes of deflate(flat(this.#transformed(inflate(source.open())))))
        yield [bytes];
  }

  async *#transformed(source: AsyncIterable<Buffer>): AsyncGenerator<Buffer[]> {
    const transformer = new DataSetTransformer(this.#encoding, {
      choose: (header) => this.#choose(header),
      overwrite: (header) => this.#overwrite(header),
      change: (element) => this.#change(element),
      insert: this.#marks(),
    });
    const checked = new ElementReader(this.#encoding, this.#leakCheck);
    const check = (parts: Buffer[]): Buffer[] => {
      for (const part of parts) checked.write(part);
      return parts;
    };
    for await (const chunk of source) yield check(transformer.write(chunk));
    yield check(transformer.end());
    checked.end();
    this.#refuseLeaks();
  }

  #refuseLeaks(): void {
    const [leak] = this.#leakCheck.leaks;
    if (leak !== undefined)
      throw new WithheldError(
        'LEAK',
        `a ${leak.what} of the ${leak.what === 'day' ? 'examination' : 'patient'} would still stand in ${formatTag(leak.tag)}, at depth ${leak.depth}`,
      );
    if (this.#pixelText.isFound)
      throw new WithheldError(
        'LEAK',
        'something of the patient would still stand as text between the pixels',
      );
    const { unread } = this.#leakCheck;
    if (unread !== undefined)
      throw new WithheldError(
        'UNREADABLE_VALUE',
        `${formatTag(unread)} is too long to look through`,
      );
  }

  #marks() {
    const { subject } = this.#object;
    const isMasked = this.#mask !== undefined;
    const values: Record<(typeof NEEDED)[number], readonly [vr: string, value: string]> = {
      [Tag.PatientName]: ['PN', this.#context.patient.patientName],
      [Tag.PatientID]: ['LO', this.#context.patient.patientId],
      [Tag.AccessionNumber]: ['SH', accessionNumber(this.#context, '')],
      [Tag.StudyID]: ['SH', studyID(this.#context)],
    };
    for (const tag of [Tag.AccessionNumber, Tag.StudyID] as const)
      if (!subject.has(tag))
        this.#object.onReplaced?.({ kind: 'text', original: '', pseudonym: values[tag][1] });
    return markElements(this.#encoding, {
      options: this.#rules.options.filter(({ name }) => name !== CLEAN_PIXEL_DATA || isMasked),
      missing: NEEDED.filter((tag) => !subject.has(tag)).map((tag) => [tag, ...values[tag]]),
      hasContributingEquipment: subject.has(SubjectTag.ContributingEquipmentSequence),
      isMasked,
    });
  }

  #choose(header: ElementHeader): Choice {
    const { tag, vr, length } = header;
    if (MARK_TAGS.has(tag)) return 'drop';
    if (tag === SubjectTag.BurnedInAnnotation && this.#mask !== undefined) return 'drop';
    const action = this.#changer.actionFor(header, this.#level);
    if (action === 'remove') this.#count(action, tag);
    if (action === 'remove') return 'drop';
    const isNested = vr === 'SQ' || length === UNDEFINED_LENGTH || vr === 'UN';
    return action === 'keep' && (tag === Tag.PixelData || !(isNested || tag === PATIENT_AGE))
      ? 'keep'
      : 'hold';
  }

  #change(element: HeldElement): Buffer {
    const changed = this.#changer.change(element, this.#level);
    if (element.tag !== SubjectTag.ContributingEquipmentSequence) return changed;
    if (changed.length === 0 || element.vr !== 'SQ') return equipmentElement(this.#encoding);
    const headerBytes = element.bytes.length - element.value.length;
    const value = changed.subarray(headerBytes);
    const length = element.length === UNDEFINED_LENGTH ? UNDEFINED_LENGTH : value.length;
    return withItem(
      { bytes: changed, value, length },
      equipmentItem(this.#encoding),
      this.#encoding,
    );
  }

  /** What comes out is what is looked through. */
  #overwrite(header: ElementHeader): Overwrite | undefined {
    if (header.tag !== Tag.PixelData) return undefined;
    const overwrite = this.#blanking(header);
    return (bytes, at) => {
      const written = overwrite?.(bytes, at) ?? bytes;
      this.#pixelText.write(written);
      return written;
    };
  }

  #blanking({ length, bigEndian }: ElementHeader): Overwrite | undefined {
    const isCompressed = length === UNDEFINED_LENGTH;
    if (this.#mask === undefined) return isCompressed ? blankCodestreamText() : undefined;
    const { layout, mask } = this.#mask;
    if (isCompressed)
      throw new WithheldError(
        'MASK_NOT_APPLICABLE',
        'it has a mask, but its pixels are compressed',
      );
    const expected = layout.frameBytes * layout.frames;
    if (length !== expected + (expected % 2))
      throw new WithheldError('MASK_NOT_APPLICABLE', 'its pixels are not what it says they are');
    return maskOverwrite(layout, mask.blank, bigEndian);
  }

  #count(action: Action, tag: number): void {
    const key = `${formatTag(tag)} ${action}`;
    this.#changes.set(key, (this.#changes.get(key) ?? 0) + 1);
  }
}

/** Files are named by it. Letters and dashes are no UID's, but real objects have them. */
const isSafeUID = (uid: string): boolean => /^[A-Za-z0-9_-][A-Za-z0-9._-]{0,79}$/.test(uid);

const PATIENT_AGE = 0x0010_1010;

function equipmentElement(encoding: Encoding): Buffer {
  const tag = SubjectTag.ContributingEquipmentSequence;
  return encodeElement(encoding, { tag, vr: 'SQ', value: equipmentItem(encoding) });
}

/** @returns undefined: its pixels are clean @throws WithheldError: it is not given out */
export function maskOf(
  { options, masks }: ProjectRules,
  { source, subject }: Pick<ObjectToClean, 'source' | 'subject'>,
): Mask | undefined {
  const mayMask = options.some(({ name }) => name === CLEAN_PIXEL_DATA);
  const verdict = pixelVerdict(subject, source.transferSyntaxUID, mayMask ? masks : []);
  return verdict.kind === 'clean' ? undefined : verdict.mask;
}

/** @throws WithheldError */
function layoutOf(subject: Subject, { bigEndian }: Encoding): PixelLayout {
  const layout = pixelLayoutOf(subject);
  if (bigEndian && layout.bytesPerSample === 1)
    throw new WithheldError('MASK_NOT_APPLICABLE', 'pixels of 8 bits in big-endian words');
  return layout;
}

async function* flat(source: AsyncIterable<Buffer[]>): AsyncGenerator<Buffer> {
  for await (const parts of source) yield* parts;
}
