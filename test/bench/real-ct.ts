/**
 * CT slices of 512 × 512 with pixels of a scanner: those of the corpus where it is there, else of the demo's
 * phantom, whose noise is that of a scanner. Each object has UIDs of its own.
 */
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { head } from '../../demo/phantom/anatomy.ts';
import { ctSlices } from '../../demo/phantom/cross-section.ts';
import { corpusDirectory } from '../support/corpus.ts';
import { type Part10, readPart10 } from '../support/part10.ts';
import {
  CT_IMAGE_STORAGE,
  dataSetOf,
  EXPLICIT_LITTLE_ENDIAN,
  smallObject,
} from '../support/storage-fixture.ts';

const SLICES_OF_CORPUS = 28;
const SIZE = 512;
const PIXEL_BYTES = SIZE * SIZE * 2;

export interface RealSeries {
  readonly studyInstanceUID: string;
  readonly objects: readonly Part10[];
  /** Where the pixels are from. */
  readonly pixels: 'corpus' | 'phantom';
}

export function realCt(slices: number): RealSeries {
  const images = imagesOf();
  const studyInstanceUID = uid();
  const objects = Array.from({ length: slices }, (_, at) => {
    const SOPInstanceUID = uid();
    const head = dataSetOf(
      smallObject(at, {
        ...{ SOPInstanceUID, StudyInstanceUID: studyInstanceUID },
        ...{ SeriesInstanceUID: `${studyInstanceUID}.1`, pixels: Buffer.alloc(0) },
      }),
    );
    const pixelHead = Buffer.from('e07f10004f57000000000000', 'hex');
    pixelHead.writeUInt32LE(PIXEL_BYTES, 8);
    const pixels = images[at % images.length] as Buffer;
    const dataSet = Buffer.concat([head.subarray(0, -12), PIXEL_MODULE, pixelHead, pixels]);
    return {
      ...{ sopClassUID: CT_IMAGE_STORAGE, sopInstanceUID: SOPInstanceUID, dataSet },
      transferSyntaxUID: EXPLICIT_LITTLE_ENDIAN,
    };
  });
  return {
    studyInstanceUID,
    objects,
    pixels: corpusDirectory === undefined ? 'phantom' : 'corpus',
  };
}

function imagesOf(): Buffer[] {
  const files =
    corpusDirectory === undefined
      ? phantomFiles()
      : Array.from({ length: SLICES_OF_CORPUS }, (_, at) =>
          readFileSync(
            join(
              corpusDirectory as string,
              `dicom/dcm_qa_ct/Philips/S21570/S2010/I${(at + 1) * 10}`,
            ),
          ),
        );
  return files.map((file) => readPart10(file).dataSet.subarray(-PIXEL_BYTES));
}

function phantomFiles(): Buffer[] {
  const patient = {
    ...{ patientId: 'P1', issuer: 'RRK', nhsNumber: '9990000018', name: 'Phantom^One' },
    ...{ birthDate: '19500102', sex: 'F' as const },
  };
  const study = {
    ...{ studyInstanceUID: '2.25.1', date: '20260101', time: '101500', accessionNumber: 'A1' },
    ...{ description: 'CT head', institution: 'Phantom', patient },
  };
  const series = {
    ...{ seriesInstanceUID: '2.25.1.1', number: 1, modality: 'CT' },
    ...{ description: 'Axial', bodyPart: 'HEAD' },
  };
  return [
    ...ctSlices({
      ...{ study, series, anatomy: head(1), slices: SLICES_OF_CORPUS, spacingMm: 5 },
      ...{ size: SIZE, pixelMm: 0.46, windowCentre: 40, windowWidth: 80 },
    }),
  ];
}

/** Samples per Pixel, Photometric Interpretation, Rows, Columns, Bits Allocated, Stored, High Bit, unsigned. */
const PIXEL_MODULE = Buffer.concat([
  us(0x0002, 1),
  Buffer.from('2800040043530c00', 'hex'),
  Buffer.from('MONOCHROME2 ', 'latin1'),
  ...[
    us(0x0010, SIZE),
    us(0x0011, SIZE),
    us(0x0100, 16),
    us(0x0101, 12),
    us(0x0102, 11),
    us(0x0103, 0),
  ],
]);

function us(element: number, value: number): Buffer {
  const bytes = Buffer.from('28000000555302000000', 'hex');
  bytes.writeUInt16LE(element, 2);
  bytes.writeUInt16LE(value, 8);
  return bytes;
}

const uid = (): string => `2.25.${BigInt(`0x${randomUUID().replaceAll('-', '')}`)}`;
