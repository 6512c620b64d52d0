/**
 * Looks through what came out for what was known of the patient, without knowing the rules that made it:
 * a second pair of eyes. PS3.15 leaves this to the implementation; one hit holds the object back.
 *
 *   output ─► every value but pixels ─► as text, in each character set it may be in ─► identifier-search.ts
 */

import { DUMMY_DATE, daysIn } from '../../shared/date-writings.ts';
import { type Charset, charsetOf, decodeText } from '../../shared/dicom/character-set.ts';
import type { ElementHeader, ElementVisitor } from '../../shared/dicom/element-reader.ts';
import { Tag } from '../../shared/dicom/tag.ts';
import type { IdentifierSearch, LeakKind, TextKind } from '../../shared/identifier-search.ts';
import { fold } from '../../shared/name-writings.ts';
import type { Subject } from './subject.ts';

export interface Leak {
  readonly tag: number;
  readonly depth: number;
  readonly what: LeakKind | 'day';
}

/** VRs whose values are no text. */
const BINARY_NUMBERS = new Set([
  ...['AT', 'FD', 'FL', 'OD', 'OF', 'OL', 'OV', 'SL', 'SS', 'SV', 'UL', 'US', 'UV'],
]);
/** Pixels as numbers, and waveforms. */
const SAMPLES = new Set([0x7fe0_0010, 0x7fe0_0008, 0x7fe0_0009, 0x5400_1010]);
/** Text in which somebody may have written a day; those of dates have new ones. */
const WITH_DAYS = new Set(['AE', 'CS', 'IS', 'LO', 'LT', 'PN', 'SH', 'ST', 'UC', 'UR', 'UT']);
const MAX_VALUE_BYTES = 16 * 1024 * 1024;

export class LeakCheck implements ElementVisitor {
  readonly #search: IdentifierSearch;
  readonly #days: ReadonlySet<string>;
  readonly #datesStay: boolean;
  readonly #charsets: Charset[];
  readonly leaks: Leak[] = [];
  /** The first value that was too long to be looked at. */
  unread: number | undefined;

  /**
   * @param subject of the original
   * @param datesStay those of the examination are as they were, and may be that of the birth
   */
  constructor(
    search: IdentifierSearch,
    { charset, days }: Pick<Subject, 'charset' | 'days'>,
    datesStay: boolean,
  ) {
    this.#search = search;
    this.#days = datesStay ? new Set() : days;
    this.#charsets = [charset, { kind: 'encoding', label: 'utf-8' }];
    this.#datesStay = datesStay;
  }

  element({ tag, vr, length }: ElementHeader): boolean {
    if (BINARY_NUMBERS.has(vr) || SAMPLES.has(tag)) return false;
    // Of a sequence, and of fragments, no value comes.
    if (length <= MAX_VALUE_BYTES) return true;
    if (vr !== 'SQ' && length !== 0xffff_ffff) this.unread ??= tag;
    return false;
  }

  value(header: ElementHeader, bytes: Buffer): void {
    const { tag, depth, vr } = header;
    // Items have character sets of their own.
    if (tag === Tag.SpecificCharacterSet)
      this.#charsets.push(charsetOf(bytes.toString('latin1').trim()));
    const kind: TextKind = {
      isNumeric: vr === 'DS' || vr === 'IS' || vr === 'TM',
      isCode: vr === 'CS' || vr === 'AS',
      isUID: vr === 'UI',
      isBinary: vr.startsWith('O') || vr === 'UN',
      isDateThatStays: this.#datesStay && (vr === 'DA' || vr === 'DT') && tag !== BIRTH_DATE,
    };
    const readings = [...this.#readings(bytes, kind)];
    const found = readings.flatMap((text) => this.#search.find(text, kind));
    for (const what of new Set(found)) this.leaks.push({ tag, depth, what });
    if (WITH_DAYS.has(vr) && readings.some((text) => this.#hasDay(text)))
      this.leaks.push({ tag, depth, what: 'day' });
  }

  #hasDay(text: string): boolean {
    return daysIn(fold(text)).some((day) => day !== DUMMY_DATE && this.#days.has(day));
  }

  /** Bytes of unknown VR may be text of any encoding. */
  #readings(bytes: Buffer, { isBinary }: TextKind): Set<string> {
    const readings = new Set(this.#charsets.map((charset) => decodeText(bytes, charset)));
    if (isBinary) {
      readings.add(bytes.toString('latin1'));
      readings.add(wideText(bytes));
      readings.add(wideText(bytes.subarray(1)));
    }
    return readings;
  }
}

/** Of an odd number of bytes Node 24 writes one beyond the end of its memory, where they are not aligned. */
const wideText = (bytes: Buffer): string =>
  bytes.toString('utf16le', 0, bytes.length - (bytes.length % 2));

const BIRTH_DATE: number = Tag.PatientBirthDate;
