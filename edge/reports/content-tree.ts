/** The content tree of a structured report, as far as numbers, codes and references go. PS3.3 C.17.3. Pure. */

import { trimUID } from '../../shared/dicom/part10.ts';
import type { SmallDataSet } from '../../shared/dicom/small-data-set.ts';

const T = {
  CodeValue: 0x0008_0100,
  CodingSchemeDesignator: 0x0008_0102,
  MeasurementUnitsCodeSequence: 0x0040_08ea,
  ConceptNameCodeSequence: 0x0040_a043,
  DateTime: 0x0040_a120,
  UID: 0x0040_a124,
  TextValue: 0x0040_a160,
  ConceptCodeSequence: 0x0040_a168,
  MeasuredValueSequence: 0x0040_a300,
  NumericValue: 0x0040_a30a,
  ContentSequence: 0x0040_a730,
} as const;

export interface ContentItem {
  /** Code of its name in DCM; null: it has another, or none. */
  readonly concept: string | null;
  readonly text?: string;
  readonly code?: string;
  readonly uid?: string;
  readonly dateTime?: string;
  readonly number?: number;
  /** UCUM code. */
  readonly unit?: string;
  readonly items: readonly ContentItem[];
}

/** Nested deeper than this nothing is looked at. */
const MAX_DEPTH = 20;

/** Code in DCM that names the item, or the document. */
export function conceptOf(item: SmallDataSet): string | null {
  const [name] = item.items(T.ConceptNameCodeSequence);
  return name?.text(T.CodingSchemeDesignator) === 'DCM' ? (name.text(T.CodeValue) ?? null) : null;
}

export function childrenOf(item: SmallDataSet, depth = 0): ContentItem[] {
  if (depth >= MAX_DEPTH) return [];
  return item.items(T.ContentSequence).map((child) => {
    const [measured] = child.items(T.MeasuredValueSequence);
    const number = Number.parseFloat(measured?.text(T.NumericValue) ?? '');
    return {
      concept: conceptOf(child),
      items: childrenOf(child, depth + 1),
      ...defined('text', child.text(T.TextValue)?.trim()),
      ...defined('code', child.items(T.ConceptCodeSequence)[0]?.text(T.CodeValue)),
      ...defined('uid', trimUID(child.text(T.UID) ?? '') || undefined),
      ...defined('dateTime', child.text(T.DateTime)?.trim()),
      ...defined('number', Number.isFinite(number) ? number : undefined),
      ...defined('unit', measured?.items(T.MeasurementUnitsCodeSequence)[0]?.text(T.CodeValue)),
    };
  });
}

const defined = <K extends string, V>(name: K, value: V | undefined): { [key in K]?: V } =>
  value === undefined ? {} : ({ [name]: value } as { [key in K]?: V });

/** Items of that name, at any depth; what lies within one that was found is not looked at. */
export function findAll(items: readonly ContentItem[], concept: string): ContentItem[] {
  return items.flatMap((item) =>
    item.concept === concept ? [item] : findAll(item.items, concept),
  );
}

export const findFirst = (
  items: readonly ContentItem[],
  concept: string,
): ContentItem | undefined => findAll(items, concept)[0];
