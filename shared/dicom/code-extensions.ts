/**
 * ISO 2022 as DICOM uses it: escape sequences designate G0 (bytes below 80) and G1 (from 80 on).
 * PS3.3 tables C.12-3 and C.12-4, PS3.5 §6.1.2.5.
 *
 *   bytes ─► runs of one code element ─► TextDecoder of that element ─► string
 */

/** A single-byte set, as the label of a TextDecoder; undefined: ASCII only. */
export interface SingleByte {
  readonly label: string | undefined;
}

/** By the number of its defined term. `6` is ASCII. */
export const SINGLE_BYTE: Readonly<Record<string, SingleByte>> = {
  '6': { label: undefined },
  '100': { label: 'latin1' },
  '101': { label: 'iso-8859-2' },
  '109': { label: 'iso-8859-3' },
  '110': { label: 'iso-8859-4' },
  '144': { label: 'iso-8859-5' },
  '127': { label: 'iso-8859-6' },
  '126': { label: 'iso-8859-7' },
  '138': { label: 'iso-8859-8' },
  '148': { label: 'windows-1254' },
  '203': { label: 'iso-8859-15' },
  '13': { label: 'shift_jis' },
  '166': { label: 'windows-874' },
};

/** What a run of bytes is decoded with. `euc`: bytes of G0 are lifted into G1 first; `jis0212`: with 8F before each pair. */
interface Element {
  readonly label: string;
  readonly form: 'single' | 'euc' | 'jis0212';
}

const ASCII: Element = { label: 'latin1', form: 'single' };
const single = (label: string): Element => ({ label, form: 'single' });

const G0: Readonly<Record<string, Element>> = {
  '(B': ASCII,
  // JIS X 0201 romaji: ASCII but for the yen sign and the overline, which are no letters of a name.
  '(J': ASCII,
  $B: { label: 'euc-jp', form: 'euc' },
  '$@': { label: 'euc-jp', form: 'euc' },
  '$(D': { label: 'euc-jp', form: 'jis0212' },
};
const G1: Readonly<Record<string, Element>> = {
  '-A': single('latin1'),
  '-B': single('iso-8859-2'),
  '-C': single('iso-8859-3'),
  '-D': single('iso-8859-4'),
  '-L': single('iso-8859-5'),
  '-G': single('iso-8859-6'),
  '-F': single('iso-8859-7'),
  '-H': single('iso-8859-8'),
  '-M': single('windows-1254'),
  '-b': single('iso-8859-15'),
  '-T': single('windows-874'),
  ')I': single('shift_jis'),
  '$)C': single('euc-kr'),
  '$)A': single('gbk'),
};

const ESCAPE = 0x1b;
/** Characters at which both elements return to the initial ones: \ ^ = and line ends. PS3.5 §6.1.2.5.3. */
const RESETS = new Set([0x5c, 0x5e, 0x3d, 0x0a, 0x0c, 0x0d, 0x09]);

/** @param initial of G1, and of G0 when it is ASCII based, as every initial set here is */
export function decodeCodeExtensions(bytes: Buffer, initial: SingleByte): string {
  const firstG1 = single(initial.label ?? 'latin1');
  let g0 = ASCII;
  let g1 = firstG1;
  let text = '';
  let at = 0;
  while (at < bytes.length) {
    if (bytes[at] === ESCAPE) {
      const sequence = escapeAt(bytes, at + 1);
      g0 = G0[sequence] ?? g0;
      g1 = G1[sequence] ?? g1;
      at += 1 + sequence.length;
      continue;
    }
    const isUpper = (bytes[at] ?? 0) >= 0x80;
    const element = isUpper ? g1 : g0;
    const end = endOfRun(bytes, at, { isUpper, stopsAtReset: g0.form === 'single' });
    text += decodeRun(bytes.subarray(at, end), element);
    at = end;
    if (g0.form === 'single' && RESETS.has(bytes[at - 1] ?? 0)) {
      g0 = ASCII;
      g1 = firstG1;
    }
  }
  return text;
}

/** A run ends at an escape, at a byte of the other half, and behind a character that resets. */
function endOfRun(
  bytes: Buffer,
  from: number,
  { isUpper, stopsAtReset }: { isUpper: boolean; stopsAtReset: boolean },
): number {
  let at = from;
  while (at < bytes.length) {
    const byte = bytes[at] ?? 0;
    if (byte === ESCAPE || byte >= 0x80 !== isUpper) break;
    at += 1;
    if (stopsAtReset && !isUpper && RESETS.has(byte)) break;
  }
  return at;
}

/** What follows ESC: intermediate characters 20 to 2F, and a final one. ISO 2022. */
function escapeAt(bytes: Buffer, from: number): string {
  let at = from;
  while (at < bytes.length && (bytes[at] ?? 0) >= 0x20 && (bytes[at] ?? 0) <= 0x2f) at += 1;
  return bytes.toString('latin1', from, Math.min(at + 1, bytes.length));
}

function decodeRun(run: Buffer, { label, form }: Element): string {
  if (label === 'latin1') return run.toString('latin1');
  if (form === 'single') return new TextDecoder(label).decode(run);
  const lifted: number[] = [];
  for (let at = 0; at + 1 < run.length; at += 2) {
    if (form === 'jis0212') lifted.push(0x8f);
    lifted.push((run[at] ?? 0) | 0x80, (run[at + 1] ?? 0) | 0x80);
  }
  return new TextDecoder(label).decode(Uint8Array.from(lifted));
}
