/**
 * Three trusts with their PACS, RIS and PAS, and three people: trusts A and B both have a patient 12345 and an
 * accession number 1001, who are not one person.
 *
 *   A (RRK): 12345 is Peter, A-17 is Anna        B (RJE): 12345 is Anna        C (RXK): C-9 is Anna
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Element, encodeDataSet, encodePart10 } from '../../demo/phantom/data-set.ts';
import { commonElements, pixelElements } from '../../demo/phantom/modules.ts';
import { hl7Message } from './hl7.ts';
import type { Orthanc } from './orthanc.ts';

export const ANNA = '9434765919';
export const PETER = '4010232137';
const CT = '1.2.840.10008.5.1.4.1.1.2';
const KEY_OBJECT_SELECTION = '1.2.840.10008.5.1.4.1.1.88.59';

export interface TestPatient {
  readonly trust: string;
  readonly patientId: string;
  readonly nhsNumber: string;
  readonly name: string;
  readonly birthDate: string;
  readonly sex: 'F' | 'M';
}

const anna = { nhsNumber: ANNA, name: 'Smith^Anna', birthDate: '19580131', sex: 'F' } as const;
const peter = { nhsNumber: PETER, name: 'Jones^Peter', birthDate: '19610302', sex: 'M' } as const;
export const PEOPLE = {
  peterAtA: { trust: 'RRK', patientId: '12345', ...peter },
  annaAtA: { trust: 'RRK', patientId: 'A-17', ...anna },
  annaAtB: { trust: 'RJE', patientId: '12345', ...anna },
  annaAtC: { trust: 'RXK', patientId: 'C-9', ...anna },
} as const satisfies Record<string, TestPatient>;

/** HL7, with a verified NHS number (PID-32 is where these senders tell its status). */
export const pid = ({ trust, patientId, nhsNumber, name, birthDate, sex }: TestPatient): string =>
  `PID|1||${patientId}^^^${trust}^MR~${nhsNumber}^^^NHS^NH||${name}||${birthDate}|${sex}${'|'.repeat(24)}01`;

export const stamp = (ms: number): string =>
  `${new Date(ms).toISOString().replace(/[-:T]/g, '').slice(0, 14)}+0000`;

export interface TestStudy {
  readonly studyInstanceUID: string;
  readonly patient: TestPatient;
  readonly accessionNumber: string;
}

function common(
  { studyInstanceUID, patient, accessionNumber }: TestStudy,
  object: { series: number; modality: string; sopClassUID: string; number: number },
): Element[] {
  const { series, modality, sopClassUID, number } = object;
  const seriesInstanceUID = `${studyInstanceUID}.${series}`;
  return commonElements({
    study: {
      ...{ studyInstanceUID, date: '20260314', time: '101500', accessionNumber },
      ...{ institution: `Trust ${patient.trust}`, description: 'CT chest' },
      patient: { ...patient, issuer: patient.trust },
    },
    series: {
      ...{ seriesInstanceUID, number: series, modality, description: 'Axial', bodyPart: 'CHEST' },
    },
    ...{ sopClassUID, sopInstanceUID: `${seriesInstanceUID}.${number}`, instanceNumber: number },
  });
}

/** Writes two CT slices. @returns their files */
export function ctFiles(directory: string, study: TestStudy): string[] {
  return [1, 2].map((number) => {
    const dataSet = encodeDataSet([
      ...common(study, { series: 1, modality: 'CT', sopClassUID: CT, number }),
      ...pixelElements({
        ...{ rows: 16, columns: 16, bitsAllocated: 16, bitsStored: 12, signed: false },
        ...{ samples: 1, photometric: 'MONOCHROME2', data: Buffer.alloc(512, number) },
      }),
    ]);
    const instanceUID = `${study.studyInstanceUID}.1.${number}`;
    const file = join(directory, `${instanceUID}.dcm`);
    writeFileSync(file, encodePart10(dataSet, { classUID: CT, instanceUID }));
    return file;
  });
}

/** Writes a rejection note (IHE IOCM) of some of the study's slices. @param code its title in DCM */
export function rejectionNoteFile(
  directory: string,
  study: TestStudy,
  { code, slices }: { code: string; slices: readonly number[] },
): string {
  const { studyInstanceUID } = study;
  const object = { series: 9, modality: 'KO', sopClassUID: KEY_OBJECT_SELECTION, number: 1 };
  const references = slices.map((number): Element[] => [
    [0x00081150, 'UI', CT],
    [0x00081155, 'UI', `${studyInstanceUID}.1.${number}`],
  ]);
  const series: Element[] = [
    [0x00081199, 'SQ', references],
    [0x0020000e, 'UI', `${studyInstanceUID}.1`],
  ];
  const dataSet = encodeDataSet([
    ...common(study, object),
    [0x00081111, 'SQ', []],
    [0x0040a040, 'CS', 'CONTAINER'],
    [
      0x0040a043,
      'SQ',
      [
        [
          [0x00080100, 'SH', code],
          [0x00080102, 'SH', 'DCM'],
          [0x00080104, 'LO', 'Rejected'],
        ],
      ],
    ],
    [0x0040a050, 'CS', 'SEPARATE'],
    [
      0x0040a375,
      'SQ',
      [
        [
          [0x00081115, 'SQ', [series]],
          [0x0020000d, 'UI', studyInstanceUID],
        ],
      ],
    ],
  ]);
  const instanceUID = `${studyInstanceUID}.9.1`;
  const file = join(directory, `${instanceUID}.dcm`);
  writeFileSync(file, encodePart10(dataSet, { classUID: KEY_OBJECT_SELECTION, instanceUID }));
  return file;
}

/** @param status OBR-25 */
export function reportMessage(
  patient: TestPatient,
  {
    accession,
    status,
    issued,
    text,
  }: {
    accession: string;
    status: string;
    issued: number;
    text: string;
  },
): string {
  return hl7Message({
    ...{ type: 'ORU^R01', at: stamp(issued), facility: patient.trust },
    segments: [
      pid(patient),
      `OBR|1|P1|${accession}|CTCHE^CT chest||||||||||||||||||${stamp(issued)}|||${status}`,
      `OBX|1|TX|X||${text}||||||${status}`,
    ],
  });
}

export interface PacsObject {
  readonly sopInstanceUID: string;
  readonly modality: string;
  readonly patientId: string;
  readonly accessionNumber: string;
  /** The whole file, as text. */
  readonly text: string;
}

/** What a PACS holds of a study. */
export async function objectsIn(pacs: Orthanc, studyInstanceUID: string): Promise<PacsObject[]> {
  const response = await fetch(`${pacs.url}/tools/find`, {
    method: 'POST',
    body: JSON.stringify({ Level: 'Instance', Query: { StudyInstanceUID: studyInstanceUID } }),
  });
  const ids = (await response.json()) as string[];
  return Promise.all(
    ids.map(async (id) => {
      const tags = await pacs.rest<Record<string, string>>(`/instances/${id}/simplified-tags`);
      const file = await fetch(`${pacs.url}/instances/${id}/file`);
      return {
        sopInstanceUID: tags['SOPInstanceUID'] ?? '',
        modality: tags['Modality'] ?? '',
        patientId: tags['PatientID'] ?? '',
        accessionNumber: tags['AccessionNumber'] ?? '',
        text: Buffer.from(await file.arrayBuffer()).toString('utf8'),
      };
    }),
  );
}
