/**
 * An HL7 v2 message, read: its segments by name and place, values unescaped. @medplum/core splits it.
 *
 *   text ─► lines that are no segments joined to the one before ─► Hl7Message ─► Message, Segment
 */
import { Hl7Message, type Hl7Segment } from '@medplum/core';
import { type Delimiters, unescapeText } from './escapes.ts';
import { Hl7Error } from './hl7-error.ts';

/** `""` of a field: what is held is to go. HL7 2.5 §2.5.3. */
const NULL = '""';

export class Segment {
  readonly name: string;
  readonly #segment: Hl7Segment;
  readonly #delimiters: Delimiters;

  constructor(segment: Hl7Segment, delimiters: Delimiters) {
    this.name = segment.name;
    this.#segment = segment;
    this.#delimiters = delimiters;
  }

  /**
   * @param field as HL7 counts, from 1; also the component
   * @param at subcomponent from 1, repetition from 0
   * @returns '' when it is empty, absent or `""`
   */
  text(
    field: number,
    component = 1,
    at: { subcomponent?: number; repetition?: number } = {},
  ): string {
    const { subcomponent = 1, repetition = 0 } = at;
    const raw = this.#segment.getComponent(field, component, subcomponent - 1, repetition);
    return raw === NULL ? '' : unescapeText(raw ?? '', this.#delimiters).trim();
  }

  /** Undefined: empty, nothing is said; null: `""`, it is to go. */
  given(field: number, component = 1): string | null | undefined {
    if (this.whole(field) === NULL || this.isNull(field, component)) return null;
    const text = this.text(field, component);
    return text === '' ? undefined : text;
  }

  /** True: the component is `""`. */
  isNull(field: number, component: number, repetition = 0): boolean {
    return this.#segment.getComponent(field, component, 0, repetition) === NULL;
  }

  /** The field as it stands, escapes and all. */
  whole(field: number): string {
    return this.#segment.getField(field)?.toString() ?? '';
  }

  /** Text of a whole field: its delimiters are text too when the value type is TX or FT. */
  free(field: number): string[] {
    const { repetition } = this.#delimiters;
    const whole = this.whole(field);
    return (repetition === '' ? [whole] : whole.split(repetition)).map((text) =>
      text === NULL ? '' : unescapeText(text, this.#delimiters),
    );
  }

  repetitions(field: number): number {
    const whole = this.whole(field);
    return whole === '' ? 0 : (this.#segment.getField(field)?.components.length ?? 0);
  }
}

export interface Message {
  readonly header: Segment;
  readonly segments: readonly Segment[];
  readonly delimiters: Delimiters;
  /** MSH-9: `ORM`, `O01`; the event is '' when it is not told. */
  readonly type: string;
  readonly event: string;
  /** `HL7_VERSION`, `HL7_TYPE_MISSING`: why it is not applied; it is answered under its own number all the same. */
  readonly fault: Hl7Error | undefined;
}

/** @throws Hl7Error `HL7_NOT_A_MESSAGE` */
export function readMessage(text: string): Message {
  const trimmed = text.trimStart();
  if (!/^MSH[^\w\s]/.test(trimmed))
    throw new Hl7Error('HL7_NOT_A_MESSAGE', `it does not begin with MSH${looksLike(trimmed)}`);
  const delimiters = delimitersOf(trimmed);
  const message = Hl7Message.parse(joinLines(withAllDelimiters(trimmed, delimiters), delimiters));
  const segments = message.segments.map((segment) => new Segment(segment, delimiters));
  const [header] = segments;
  if (header === undefined) throw new Hl7Error('HL7_NOT_A_MESSAGE', 'it has no segment');
  const type = header.text(9).toUpperCase();
  const event = header.text(9, 2).toUpperCase() || eventOf(segments);
  const fault = faultOf({ version: header.text(12), type: type || event });
  return { header, segments, delimiters, type: type || (event && 'ADT'), event, fault };
}

export const isVersion2 = (version: string): boolean => /^2(\.|$)/.test(version);

function faultOf({ version, type }: { version: string; type: string }): Hl7Error | undefined {
  if (version !== '' && !isVersion2(version))
    return new Hl7Error('HL7_VERSION', 'only versions 2.x are read');
  if (type === '')
    return new Hl7Error('HL7_TYPE_MISSING', 'MSH-9 names no type and EVN-1 no event');
  return undefined;
}

/** Some senders tell the event in EVN-1 only. */
const eventOf = (segments: readonly Segment[]): string =>
  segments
    .find(({ name }) => name === 'EVN')
    ?.text(1)
    .toUpperCase() ?? '';

const looksLike = (text: string): string => (text.startsWith('<') ? ': XML is not read' : '');

/** Characters of no sender, in the place of those that MSH-2 leaves out. */
const UNUSED = ['\uf8f0', '\uf8f1', '\uf8f2', '\uf8f3'];

/** MSH-1 and MSH-2; one that is left out separates nothing. A fifth one (HL7 2.7, truncation) is passed over. */
function delimitersOf(text: string): Delimiters {
  const field = text[3] ?? '|';
  const [declared = ''] = text.slice(4).split(/[\r\n]/, 1);
  const [component = '', repetition = '', escaping = '', subcomponent = ''] =
    declared.split(field, 1)[0] ?? '';
  return { field, component, repetition, escaping, subcomponent };
}

function withAllDelimiters(text: string, delimiters: Delimiters): string {
  const { field, component, repetition, escaping, subcomponent } = delimiters;
  const declared = [component, repetition, escaping, subcomponent];
  const all = declared.map((one, at) => one || UNUSED[at]).join('');
  return `MSH${field}${all}${text.slice(4 + declared.join('').length)}`;
}

/** A report's own line ends, sent as they are: such a line belongs to the field before. */
function joinLines(text: string, { field, escaping }: Delimiters): string {
  const lineEnd = escaping === '' ? ' ' : `${escaping}.br${escaping}`;
  const lines: string[] = [];
  for (const line of text.split(/\r\n|\r|\n/)) {
    const isSegment = /^[A-Z][A-Z0-9]{2}/.test(line) && (line.length === 3 || line[3] === field);
    if (isSegment || lines.length === 0) lines.push(line);
    else if (line !== '' || lines.at(-1)?.includes(`${field}FT${field}`))
      lines.push(`${lines.pop()}${lineEnd}${line}`);
  }
  let last = lines.pop() ?? '';
  while (last.endsWith(lineEnd)) last = last.slice(0, -lineEnd.length);
  return [...lines, last].join('\r');
}

/**
 * The messages of a frame: one, or those of a batch (HL7 2.5 §2.10.3), each from its MSH on. Bytes stay as
 * they are, since each message may name a character set of its own.
 */
export function splitBatch(bytes: Buffer): Buffer[] {
  const text = bytes.toString('latin1');
  const begins = [...text.matchAll(/(?<=^|^\xEF\xBB\xBF|[\r\n])\s*MSH[^\w\s]/g)].map(
    ({ index }) => index,
  );
  const [first = 0] = begins;
  // In front of a message may stand an envelope, or somebody's remark: never the rest of another message.
  const isPart = /(^|[\r\n])(?!FHS|BHS|BTS|FTS)[A-Z][A-Z0-9]{2}[^\w\s]/.test(text.slice(0, first));
  if (begins.length === 0 || isPart || (begins.length === 1 && first <= 3)) return [bytes];
  return begins.map((begin, at) => {
    const message = text.slice(begin, begins[at + 1] ?? text.length);
    return Buffer.from(message.replace(/(?<=[\r\n])(FHS|BHS|BTS|FTS)[^\r\n]*/g, ''), 'latin1');
  });
}
