/** Elements of a DICOM audit message as text. PS3.15 A.5.1; XML 1.0. */
import type { Code } from './dicom-codes.ts';

type Attributes = Readonly<Record<string, string>>;

/** @param inner elements, as text */
export function tag(name: string, attributes: Attributes, inner: readonly string[] = []): string {
  const text = Object.entries(attributes)
    .map(([key, value]) => ` ${key}="${escaped(value)}"`)
    .join('');
  return inner.length === 0 ? `<${name}${text}/>` : `<${name}${text}>${inner.join('')}</${name}>`;
}

export function coded(name: string, { code, display }: Code, system = 'DCM'): string {
  return tag(name, { 'csd-code': code, codeSystemName: system, originalText: display });
}

/** XML 1.0 §2.2, §2.4: characters that no document may hold are left out. */
export function escaped(text: string): string {
  return text
    .toWellFormed()
    .replace(/[^\t\n\r\x20-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/gu, '')
    .replace(/[&<>"\t\n\r]/g, (one) => `&#${one.charCodeAt(0)};`);
}

export const base64 = (text: string): string => Buffer.from(text).toString('base64');
