/**
 * Why a key could never match anything: its value is none of its VR. PS3.4 C.2.2.2, PS3.5 §6.2.
 *
 *   key, VR ─► keyFault ─► words for whoever asked        (match-value.ts matches the others)
 *
 * Answered as any other key, it would look as if there were nothing.
 */
import { rangeOf } from './match-value.ts';

/** @returns in words what the value has to be; undefined: it can match, or matches everything */
export function keyFault(key: string, vr: string): string | undefined {
  const text = key.trim();
  if (text === '' || /^\*+$/.test(text)) return undefined;
  if (vr === 'UI' && !text.split('\\').every((uid) => /^[^*?\s]{1,128}$/.test(uid.trim())))
    return 'a UID, or several in a list';
  if (vr === 'DA' && !isRange(text.replaceAll('.', ''), isDay))
    return 'a date is YYYYMMDD, a range FROM-TO, FROM- or -TO';
  if (vr === 'DA' && isBackwards(text)) return 'the range ends before it begins';
  if (vr === 'TM' && !isRange(text.replaceAll(':', ''), isTime))
    return 'a time is HHMMSS, a range FROM-TO, FROM- or -TO';
  if (vr === 'IS' && !/^[+-]?\d{1,12}$/.test(text)) return 'a whole number';
  return undefined;
}

function isRange(text: string, isOne: (text: string) => boolean): boolean {
  const ends = text.split('-').map((end) => end.trim());
  return ends.length <= 2 && ends.some(Boolean) && ends.every((end) => end === '' || isOne(end));
}

function isBackwards(key: string): boolean {
  const { from = '', to = '' } = rangeOf(key, 'DA') ?? {};
  return from !== '' && to !== '' && to < from;
}

function isDay(text: string): boolean {
  if (!/^\d{8}$/.test(text)) return false;
  const iso = `${text.slice(0, 4)}-${text.slice(4, 6)}-${text.slice(6)}`;
  const date = new Date(`${iso}T00:00:00Z`);
  return !Number.isNaN(date.getTime()) && date.toISOString().startsWith(iso);
}

const isTime = (text: string): boolean =>
  /^([01]\d|2[0-3])([0-5]\d(([0-5]\d|60)(\.\d{1,6})?)?)?$/.test(text);
