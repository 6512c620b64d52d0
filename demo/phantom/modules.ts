/** Attributes that every phantom object carries: SOP common, patient, study, series, equipment. PS3.3 Annex C. */
import type { Element, Encapsulated } from './data-set.ts';

export interface PhantomPatient {
  readonly patientId: string;
  readonly issuer: string;
  /** Ten digits of the test range 999. */
  readonly nhsNumber: string;
  readonly name: string;
  /** YYYYMMDD. */
  readonly birthDate: string;
  readonly sex: 'F' | 'M' | 'O';
}

export interface PhantomStudy {
  readonly studyInstanceUID: string;
  /** YYYYMMDD. */
  readonly date: string;
  /** HHMMSS. */
  readonly time: string;
  readonly accessionNumber: string;
  readonly description: string;
  readonly institution: string;
  readonly patient: PhantomPatient;
}

export interface PhantomSeries {
  readonly seriesInstanceUID: string;
  readonly number: number;
  readonly modality: string;
  readonly description: string;
  readonly bodyPart: string;
}

export interface PhantomObject {
  readonly study: PhantomStudy;
  readonly series: PhantomSeries;
  readonly sopClassUID: string;
  readonly sopInstanceUID: string;
  readonly instanceNumber: number;
}

/** The elements common to all objects; image and document modules come on top. */
export function commonElements({
  study,
  series,
  sopClassUID,
  sopInstanceUID,
  instanceNumber,
}: PhantomObject): Element[] {
  const { patient } = study;
  return [
    [0x00080005, 'CS', 'ISO_IR 192'],
    [0x00080016, 'UI', sopClassUID],
    [0x00080018, 'UI', sopInstanceUID],
    [0x00080020, 'DA', study.date],
    [0x00080023, 'DA', study.date],
    [0x00080030, 'TM', study.time],
    [0x00080033, 'TM', study.time],
    [0x00080050, 'SH', study.accessionNumber],
    [0x00080060, 'CS', series.modality],
    [0x00080070, 'LO', 'CDIP'],
    [0x00080080, 'LO', study.institution],
    [0x00080090, 'PN', 'Okafor^Ngozi^^Dr'],
    [0x00081030, 'LO', study.description],
    [0x0008103e, 'LO', series.description],
    [0x00081090, 'LO', 'Phantom generator'],
    [0x00100010, 'PN', patient.name],
    [0x00100020, 'LO', patient.patientId],
    [0x00100021, 'LO', patient.issuer],
    [0x00100030, 'DA', patient.birthDate],
    [0x00100040, 'CS', patient.sex],
    [0x00101002, 'SQ', [nhsNumberItem(patient.nhsNumber)]],
    [0x0020000d, 'UI', study.studyInstanceUID],
    [0x0020000e, 'UI', series.seriesInstanceUID],
    [0x00200010, 'SH', study.accessionNumber],
    [0x00200011, 'IS', String(series.number)],
    [0x00200013, 'IS', String(instanceNumber)],
  ];
}

/** The NHS number as another patient id with its issuer. PS3.3 §10.14. */
function nhsNumberItem(nhsNumber: string): Element[] {
  return [
    [0x00100020, 'LO', nhsNumber],
    [0x00100021, 'LO', 'NHS'],
    [0x00100022, 'CS', 'TEXT'],
  ];
}

export interface Pixels {
  readonly rows: number;
  readonly columns: number;
  readonly bitsAllocated: 8 | 16;
  readonly bitsStored: number;
  readonly signed: boolean;
  readonly samples: 1 | 3;
  readonly photometric: 'MONOCHROME2' | 'RGB';
  readonly data: Buffer | Encapsulated;
}

/** Image Pixel module. PS3.3 C.7.6.3. */
export function pixelElements(pixels: Pixels): Element[] {
  const planar: Element[] = pixels.samples === 3 ? [[0x00280006, 'US', 0]] : [];
  return [
    [0x00280002, 'US', pixels.samples],
    [0x00280004, 'CS', pixels.photometric],
    ...planar,
    [0x00280010, 'US', pixels.rows],
    [0x00280011, 'US', pixels.columns],
    [0x00280100, 'US', pixels.bitsAllocated],
    [0x00280101, 'US', pixels.bitsStored],
    [0x00280102, 'US', pixels.bitsStored - 1],
    [0x00280103, 'US', pixels.signed ? 1 : 0],
    [0x7fe00010, pixels.bitsAllocated === 8 || 'frames' in pixels.data ? 'OB' : 'OW', pixels.data],
  ];
}
