/**
 * Examinations by NICIP code: group, minutes, needs and preparations, as data. A code that is not
 * listed is read by the way NICIP builds codes: the first letter tells the modality, a last C in CT and
 * MR contrast.
 */
import type { Capability, Examination, Preparation } from './facts.ts';

interface Kind {
  readonly modality: string;
  readonly group: string;
  readonly ionising: boolean;
  readonly minutes: number;
}

const KINDS: Readonly<Record<string, Kind>> = {
  C: { modality: 'CT', group: 'CT', ionising: true, minutes: 15 },
  M: { modality: 'MR', group: 'MRI', ionising: false, minutes: 30 },
  X: { modality: 'DX', group: 'X-ray', ionising: true, minutes: 10 },
  U: { modality: 'US', group: 'Ultrasound', ionising: false, minutes: 20 },
  N: { modality: 'NM', group: 'Nuclear medicine', ionising: true, minutes: 45 },
  P: { modality: 'PT', group: 'PET-CT', ionising: true, minutes: 45 },
  F: { modality: 'RF', group: 'Fluoroscopy', ionising: true, minutes: 30 },
};

interface Listed {
  readonly name: string;
  readonly minutes?: number;
  readonly modality?: string;
  readonly group?: string;
  readonly needs?: readonly Capability[];
  readonly preparations?: readonly Preparation[];
}

const LISTED: Readonly<Record<string, Listed>> = {
  CSKUH: { name: 'CT head', minutes: 10 },
  CSKUHC: { name: 'CT head with contrast', minutes: 20 },
  CCHES: { name: 'CT thorax' },
  CCHESC: { name: 'CT thorax with contrast', minutes: 20 },
  CCHAPC: { name: 'CT thorax, abdomen and pelvis with contrast', minutes: 25 },
  CABPEC: { name: 'CT abdomen and pelvis with contrast', minutes: 20 },
  CCOLOC: { name: 'CT colon with contrast', minutes: 30, preparations: ['bowel'] },
  CCORAC: {
    ...{ name: 'CT coronary angiogram', minutes: 40, group: 'CT cardiac' },
    needs: ['cardiac', 'medic-on-site'],
  },
  MSKUH: { name: 'MRI head' },
  MSKUHC: { name: 'MRI head with contrast', minutes: 40 },
  MSPIN: { name: 'MRI whole spine', minutes: 45 },
  MSPLU: { name: 'MRI lumbar spine', minutes: 25 },
  MKNEL: { name: 'MRI knee left', minutes: 25 },
  MKNER: { name: 'MRI knee right', minutes: 25 },
  MPROS: { name: 'MRI prostate', minutes: 40 },
  MCARDC: { name: 'MRI cardiac', minutes: 60, group: 'MRI cardiac', needs: ['cardiac'] },
  XCHES: { name: 'X-ray chest' },
  XMAMB: { name: 'Mammogram', modality: 'MG', group: 'Mammography', minutes: 15 },
  UABDO: { name: 'Ultrasound abdomen', preparations: ['fasting'] },
  UPELV: { name: 'Ultrasound pelvis' },
  URENT: { name: 'Ultrasound kidneys', minutes: 15 },
  NBOWB: { name: 'Bone scan', minutes: 60, preparations: ['tracer'] },
};

const CONTRAST_MODALITIES: ReadonlySet<string> = new Set(['CT', 'MR']);

/** What a request says itself, where its code does not. */
export interface ToldExamination {
  readonly name?: string;
  readonly modality?: string;
  readonly contrast?: boolean;
  readonly minutes?: number;
}

/** Null: the code tells no modality, and neither does the request. */
export function examinationOf(code: string, told: ToldExamination = {}): Examination | null {
  const wanted = code.toUpperCase();
  const listed = Object.hasOwn(LISTED, wanted) ? LISTED[wanted] : undefined;
  const { modality, ...found } = {
    ...{ name: wanted, needs: [], preparations: [] },
    // What is not known to be without radiation is taken for what has it.
    ...{ modality: undefined, ionising: true, minutes: 30 },
    ...kindOf(wanted, told.modality),
    ...listed,
    ...told,
  };
  if (modality === undefined) return null;
  const contrast = told.contrast ?? hasContrast(wanted, modality);
  const group = found.group ?? modality;
  return {
    ...found,
    ...{ code: wanted, modality, contrast },
    group: contrast && group === 'CT' ? 'CT contrast' : group,
    materials: contrast ? [modality === 'MR' ? 'gadolinium' : 'iodine'] : [],
  };
}

const hasContrast = (code: string, modality: string): boolean =>
  CONTRAST_MODALITIES.has(modality) && code.length > 4 && code.endsWith('C');

function kindOf(code: string, modality: string | undefined): Kind | undefined {
  if (modality === undefined) return KINDS[code.slice(0, 1)];
  return Object.values(KINDS).find((kind) => kind.modality === modality);
}
