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
    if (this.whole(field) === NULL) return null;
    const text = this.text(field, component);
    return text === '' ? undefined : text;
  }

  /** The field as it stands, escapes and all. */
  whole(field: number): string {
    return this.#segment.getField(field)?.toString() ?? '';
  }

  /** Text of a whole field: its delimiters are text too when the value type is TX or FT. */
  free(field: number): string[] {
    return this.whole(field)
      .split(this.#delimiters.repetition)
      .map((text) => (text === NULL ? '' : unescapeText(text, this.#delimiters)));
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
}

/** @throws Hl7Error `HL7_NOT_A_MESSAGE`, `HL7_VERSION`, `HL7_TYPE_MISSING` */
export function readMessage(text: string): Message {
  const trimmed = text.trimStart();
  if (!/^MSH[^\w\s]/.test(trimmed))
    throw new Hl7Error('HL7_NOT_A_MESSAGE', `it does not begin with MSH${looksLike(trimmed)}`);
  const message = Hl7Message.parse(joinLines(trimmed));
  const { fieldSeparator: field, componentSeparator: component } = message.context;
  const { repetitionSeparator: repetition, escapeCharacter: escaping } = message.context;
  const { subcomponentSeparator: subcomponent } = message.context;
  const delimiters = { field, component, repetition, escaping, subcomponent };
  const segments = message.segments.map((segment) => new Segment(segment, delimiters));
  const [header] = segments;
  if (header === undefined) throw new Hl7Error('HL7_NOT_A_MESSAGE', 'it has no segment');
  const version = header.text(12);
  if (version !== '' && !/^2(\.|$)/.test(version))
    throw new Hl7Error('HL7_VERSION', 'only versions 2.x are read');
  const type = header.text(9).toUpperCase();
  const event = header.text(9, 2).toUpperCase() || eventOf(segments);
  if (type === '' && event === '')
    throw new Hl7Error('HL7_TYPE_MISSING', 'MSH-9 names no type and EVN-1 no event');
  return { header, segments, delimiters, type: type === '' ? 'ADT' : type, event };
}

/** Some senders tell the event in EVN-1 only. */
const eventOf = (segments: readonly Segment[]): string =>
  segments
    .find(({ name }) => name === 'EVN')
    ?.text(1)
    .toUpperCase() ?? '';

const looksLike = (text: string): string => (text.startsWith('<') ? ': XML is not read' : '');

/** A report's own line ends, sent as they are: such a line belongs to the field before. */
function joinLines(text: string): string {
  const separator = text[3] ?? '|';
  const escaping = text[6] ?? '\\';
  const lines: string[] = [];
  for (const line of text.split(/\r\n|\r|\n/)) {
    const isSegment =
      /^[A-Z][A-Z0-9]{2}/.test(line) && (line.length === 3 || line[3] === separator);
    if (isSegment || lines.length === 0) lines.push(line);
    else if (line !== '' || lines.at(-1)?.includes(`${separator}FT${separator}`))
      lines.push(`${lines.pop()}${escaping}.br${escaping}${line}`);
  }
  const last = lines.pop() ?? '';
  return [...lines, last.replace(new RegExp(`(\\${escaping}\\.br\\${escaping})+$`), '')].join('\r');
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
