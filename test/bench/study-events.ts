/** Study events of a network of 15 trusts, as its edges tell them: for benchmarks of what the hub makes of them. */
import type { StudyEvent } from '../../shared/contract/events.ts';

export const TRUSTS = Array.from({ length: 15 }, (_, at) => `R${100 + at}`);
/** Ten years. */
export const DAYS = 3_650;
export const MODALITIES = ['CT', 'MR', 'CR', 'DX', 'US', 'XA', 'MG', 'NM'] as const;
const STUDIES_OF_A_PATIENT = 4;
const FIRST_DAY = Date.parse('2016-01-01T00:00:00Z');
const DAY_MS = 86_400_000;

export const trustOf = (number: number): string => TRUSTS[number % TRUSTS.length] ?? '';
/** A patient has studies at several trusts. */
export const patientOf = (number: number): number => Math.floor(number / STUDIES_OF_A_PATIENT);
export const nhsNumberOf = (patient: number): string => String(4_000_000_000 + patient);
export const nameOf = (patient: number): string =>
  `SURNAME${patient % 20_011}^GIVEN${patient % 307}`;
export const birthDateOf = (patient: number): string =>
  compact(Date.parse('1930-01-01T00:00:00Z') + (patient % 30_000) * DAY_MS);
export const dayOf = (number: number): string =>
  compact(FIRST_DAY + ((number * 7_919) % DAYS) * DAY_MS);
export const accessionOf = (number: number): string => `A${number}`;
export const studyUidOf = (number: number): string => `2.999.7.${number}`;
export const modalityOf = (number: number): string => MODALITIES[number % MODALITIES.length] ?? '';

const compact = (ms: number): string => new Date(ms).toISOString().slice(0, 10).replaceAll('-', '');

/** @param seq its place among the events of its trust, from 1 */
export function studyEvent(number: number, trust: string, seq: number): StudyEvent {
  const patient = patientOf(number);
  const [uid, setHash] = [studyUidOf(number), number.toString(16).padStart(64, '0')];
  const held = { instances: 300, bytes: 157_000_000, setHash };
  const modality = modalityOf(number);
  return {
    ...{ v: 1, at: '2026-03-01T10:00:00.000Z', trust, kind: 'study', rev: 1, epoch: 1, seq },
    ...{ studyInstanceUID: uid, home: trust, deleted: false, quiet: true },
    patient: {
      ...{ patientId: `MRN${patient}`, issuer: trust, nhsNumber: nhsNumberOf(patient) },
      ...{ name: nameOf(patient), birthDate: birthDateOf(patient), sex: null },
    },
    ...{ studyDate: dayOf(number), studyTime: '101500', studyId: null },
    ...{ accessionNumber: accessionOf(number), accessionIssuer: trust },
    ...{ description: `${modality} thorax`, referringPhysician: null, institution: null },
    ...{ ...held, conflicts: 0 },
    series: [
      {
        ...{ seriesInstanceUID: `${uid}.1`, modality, seriesNumber: 1, description: null },
        ...{ bodyPart: null, ...held },
      },
    ],
  };
}
