/**
 * Values of the local side made fit to stand in an object: one value each, of no more than its VR has.
 * PS3.5 §6.2. A name may lose characters by it; an identifier never does: another patient may have the
 * shorter one.
 */
import { createHash } from 'node:crypto';
import { CoercionError } from './coercion-error.ts';

const MAX_GROUP_LENGTH = 64;
const MAX_LONG_STRING = 64;

/** PN: at most three component groups of five components. Null: nothing is left of it. */
export function personName(text: string): string | null {
  const groups = withoutControls(text)
    .split('=')
    .slice(0, 3)
    .map((group) => {
      const components = group.split('^');
      const joined = [...components.slice(0, 4), components.slice(4).join(' ')].join('^');
      return shortened(joined.replace(/[\^ ]+$/, ''), MAX_GROUP_LENGTH);
    });
  const name = groups.join('=').replace(/[=^ ]+$/, '');
  return name.trim() === '' ? null : name;
}

/** LO, for words that identify nothing by themselves. Null: nothing is left of it. */
export function longString(text: string): string | null {
  const string = shortened(withoutControls(text).trim(), MAX_LONG_STRING);
  return string === '' ? null : string;
}

/**
 * The identifier exactly.
 *
 * @throws CoercionError `PATIENT_ID_UNUSABLE`
 */
export function identifier(text: string): string {
  const id = text.trim();
  if (id === '' || withoutControls(id) !== id)
    throw new CoercionError('PATIENT_ID_UNUSABLE', 'the local Patient ID can not be written');
  return id;
}

/**
 * The identifier of a foreign patient is ours to form: what can't be written makes way for a digest of
 * the whole, so that two that differ stay different.
 */
export function foreignIdentifier(text: string): string {
  const id = text.trim();
  if (id !== '' && /^[\x20-\x5b\x5d-\x7e]*$/.test(id)) return id;
  const digest = createHash('sha256').update(text).digest('hex').slice(0, 16);
  const readable = id.replace(/[^\x20-\x5b\x5d-\x7e]/g, '_');
  return `${readable.slice(0, MAX_LONG_STRING - digest.length - 1)}~${digest}`;
}

/** DA. Null: no date. */
export function date(text: string): string | null {
  return /^\d{8}$/.test(text) ? text : null;
}

/** CS. Null: no code. */
export function codeString(text: string): string | null {
  const code = text.trim().toUpperCase();
  return /^[A-Z0-9 _]{1,16}$/.test(code) ? code : null;
}

/** A backslash would make two values of one. */
function withoutControls(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is removed
  return text.replace(/[\u0000-\u001f\u007f-\u009f\\]/g, ' ');
}

function shortened(text: string, length: number): string {
  return [...text].slice(0, length).join('').trimEnd();
}
