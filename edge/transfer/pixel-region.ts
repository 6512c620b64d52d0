/**
 * Where the native pixel data of an object lie, and how their samples do. PS3.3 C.7.6.3, PS3.5 §8.
 *
 *   data set's bytes, as they stream by ─► PixelRegion, known before its first sample
 *
 * For the predictor only: a broken data set, or samples of another kind, have no region, and are
 * transported all the same.
 */
import { DicomError } from '../../shared/dicom/dicom-error.ts';
import {
  type ElementHeader,
  ElementReader,
  type ElementVisitor,
  UNDEFINED_LENGTH,
} from '../../shared/dicom/element-reader.ts';
import { Tag } from '../../shared/dicom/tag.ts';
import {
  EXPLICIT_VR_LITTLE_ENDIAN,
  encodingOf,
  IMPLICIT_VR_LITTLE_ENDIAN,
} from '../../shared/dicom/transfer-syntax.ts';
import type { SampleShape } from './predict.ts';

/** Of the data set: from the first sample's offset to behind the last one. */
export interface PixelRegion {
  readonly start: number;
  readonly end: number;
  readonly shape: SampleShape;
}

const SamplesPerPixel = 0x0028_0002;
const PlanarConfiguration = 0x0028_0006;
const Columns = 0x0028_0011;
const BitsAllocated = 0x0028_0100;
const PixelRepresentation = 0x0028_0103;
/** Colours, and one more. */
const MAX_SAMPLES = 4;
const WANTED: ReadonlySet<number> = new Set([
  ...[SamplesPerPixel, PlanarConfiguration, Columns, BitsAllocated, PixelRepresentation],
]);

/** Samples lie there one after the other, the low byte first. */
export const isNativeLittleEndian = (transferSyntaxUID: string): boolean =>
  transferSyntaxUID === EXPLICIT_VR_LITTLE_ENDIAN ||
  transferSyntaxUID === IMPLICIT_VR_LITTLE_ENDIAN;

export class PixelRegionFinder implements ElementVisitor {
  readonly #reader: ElementReader;
  readonly #values = new Map<number, number>();
  #region: PixelRegion | undefined;
  #isDone = false;

  constructor(transferSyntaxUID: string) {
    this.#reader = new ElementReader(encodingOf(transferSyntaxUID), this);
    this.#isDone = !isNativeLittleEndian(transferSyntaxUID);
  }

  get region(): PixelRegion | undefined {
    return this.#region;
  }

  write(chunk: Buffer): void {
    if (this.#isDone) return;
    try {
      this.#reader.write(chunk);
    } catch (error) {
      if (!(error instanceof DicomError)) throw error;
      this.#isDone = true;
    }
  }

  element(header: ElementHeader): boolean {
    if (header.depth > 0) return false;
    if (header.tag === Tag.PixelData) {
      this.#region = this.#regionOf(header);
      this.#isDone = true;
    }
    return WANTED.has(header.tag) && header.length === 2;
  }

  value({ tag }: ElementHeader, bytes: Buffer): void {
    this.#values.set(tag, bytes.readUInt16LE(0));
  }

  #regionOf({ valueStart, length }: ElementHeader): PixelRegion | undefined {
    const given = (tag: number): number => this.#values.get(tag) ?? 0;
    const sampleBytes = given(BitsAllocated) / 8;
    const columns = given(Columns);
    if (length === UNDEFINED_LENGTH || columns === 0) return undefined;
    if (sampleBytes !== 1 && sampleBytes !== 2) return undefined;
    const samples = Math.min(MAX_SAMPLES, Math.max(1, given(SamplesPerPixel)));
    const distance = given(PlanarConfiguration) === 1 ? 1 : samples;
    const isSigned = given(PixelRepresentation) === 1;
    const shape = { sampleBytes, distance, rowSamples: columns * distance, isSigned } as const;
    return { start: valueStart, end: valueStart + length - (length % sampleBytes), shape };
  }
}
