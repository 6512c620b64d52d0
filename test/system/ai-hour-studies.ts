/** Studies of which each says, by a number that de-identification keeps, which one it is. */
import { ImageTag } from '../../edge/transcode/survey.ts';
import { encodeElement } from '../../shared/dicom/encode-element.ts';
import { writeSmallDataSet } from '../../shared/dicom/small-data-set.ts';
import { encodingOf } from '../../shared/dicom/transfer-syntax.ts';
import type { Part10 } from '../support/part10.ts';
import { contextsOf, openSender } from '../support/sender.ts';
import { CT_IMAGE_STORAGE, EXPLICIT_LITTLE_ENDIAN } from '../support/storage-fixture.ts';

export type Urgency = 'immediate' | 'urgent' | 'scheduled';
export type Phase = 'before' | 'away' | 'after';

export interface SentStudy {
  readonly number: number;
  readonly phase: Phase;
  readonly urgency: Urgency;
  readonly objects: number;
  /** When the last C-STORE was answered, in milliseconds. */
  readonly answeredAt: number;
}

/** Who sends what is as urgent; the rules know them by it. */
const CALLERS = { immediate: 'RESUS', urgent: 'EDCT', scheduled: 'CT1' } as const;

export const PRIORITISING: readonly object[] = (['immediate', 'urgent'] as const).map(
  (priority) => ({
    ...{ name: `by-${CALLERS[priority].toLowerCase()}`, action: 'prioritise', priority },
    when: { callers: [CALLERS[priority]] },
  }),
);

const SMALL = { slices: 4, side: 256 };
const LARGE = { slices: 40, side: 512 };
/** One in thirty: every five minutes. */
const isLarge = (number: number): boolean => number % 30 === 3;

export function urgencyOf(number: number): Urgency {
  if (number % 12 === 7) return 'immediate';
  return number % 4 === 1 ? 'urgent' : 'scheduled';
}

export const studyUID = (number: number): string => `2.999.8.${number}`;
export const patientOf = (number: number): string => `MRN${10_000 + number}`;

/** @returns the study with the time of its last answer @throws when one is refused */
export async function sendStudy(number: number, port: number, phase: Phase): Promise<SentStudy> {
  const { slices, side } = isLarge(number) ? LARGE : SMALL;
  const objects = Array.from({ length: slices }, (_, at) => slice(number, at, side));
  const urgency = urgencyOf(number);
  const contexts = contextsOf(objects);
  const sender = await openSender({ port, callingAETitle: CALLERS[urgency], contexts });
  for (const object of objects) {
    const status = await sender.store(object);
    if (status !== 0) throw new Error(`study ${number} was answered ${status.toString(16)}`);
  }
  const answeredAt = performance.now();
  await sender.release();
  return { number, phase, urgency, objects: slices, answeredAt };
}

function slice(number: number, at: number, side: number): Part10 {
  const sopInstanceUID = `${studyUID(number)}.1.${at + 1}`;
  const head = writeSmallDataSet(EXPLICIT_LITTLE_ENDIAN, [
    [0x0008_0016, CT_IMAGE_STORAGE],
    [0x0008_0018, sopInstanceUID],
    [0x0008_0020, '20260301'],
    [0x0008_0060, 'CT'],
    [0x0010_0010, `Phantom^Number${number}`],
    [0x0010_0020, patientOf(number)],
    [0x0010_0030, '19500102'],
    [0x0018_0060, `${number}`],
    [0x0020_000d, studyUID(number)],
    [0x0020_000e, `${studyUID(number)}.1`],
    [0x0020_0013, `${at + 1}`],
    [ImageTag.SamplesPerPixel, 1],
    [ImageTag.PhotometricInterpretation, 'MONOCHROME2'],
    [ImageTag.Rows, side],
    [ImageTag.Columns, side],
    [ImageTag.BitsAllocated, 16],
    [ImageTag.BitsStored, 16],
    [0x0028_0102, 15],
    [ImageTag.PixelRepresentation, 0],
  ]);
  const value = Buffer.alloc(side * side * 2, at + 1);
  const pixels = encodeElement(encodingOf(EXPLICIT_LITTLE_ENDIAN), {
    ...{ tag: 0x7fe0_0010, vr: 'OW', value },
  });
  return {
    ...{ sopClassUID: CT_IMAGE_STORAGE, sopInstanceUID },
    ...{ transferSyntaxUID: EXPLICIT_LITTLE_ENDIAN, dataSet: Buffer.concat([head, pixels]) },
  };
}
