/**
 * Where devices write into their pictures: a file of the site's own, by what the objects of a device have
 * in common. Nothing is masked that the file does not name.
 */
import { readFileSync } from 'node:fs';
import { parse } from 'yaml';
import { z } from 'zod';
import { Tag } from '../../shared/dicom/tag.ts';
import { DeidentifyError } from './deidentify-error.ts';
import { type Subject, SubjectTag } from './subject.ts';

const Pixels = z.int().min(0).max(65_535);
const Rectangle = z.strictObject({
  x: Pixels,
  y: Pixels,
  width: Pixels.min(1),
  height: Pixels.min(1),
});
const Mask = z.strictObject({
  modality: z.string().min(1),
  manufacturer: z.string().min(1),
  model: z.string().min(1),
  rows: Pixels.min(1),
  columns: Pixels.min(1),
  /** Columns and rows from the upper left corner; none: such pictures have been seen to be clean. */
  blank: z.array(Rectangle),
});
const Masks = z.strictObject({ masks: z.array(Mask) });

export type Rectangle = z.infer<typeof Rectangle>;
export type Mask = z.infer<typeof Mask>;

/** @throws DeidentifyError `MASKS_INVALID` */
export function readMasks(file: string): readonly Mask[] {
  try {
    return Masks.parse(parse(readFileSync(file, 'utf8'))).masks;
  } catch (cause) {
    const why = cause instanceof z.ZodError ? z.prettifyError(cause) : (cause as Error).message;
    throw new DeidentifyError('MASKS_INVALID', `${file}: ${why}`, { cause });
  }
}

export function maskFor({ text, number }: Subject, masks: readonly Mask[]): Mask | undefined {
  const same = (tag: number, expected: string): boolean =>
    text(tag).trim().toUpperCase() === expected.trim().toUpperCase();
  return masks.find(
    (mask) =>
      same(Tag.Modality, mask.modality) &&
      same(SubjectTag.Manufacturer, mask.manufacturer) &&
      same(SubjectTag.ManufacturerModelName, mask.model) &&
      number(SubjectTag.Rows) === mask.rows &&
      number(SubjectTag.Columns) === mask.columns,
  );
}
