import type { Measure } from '../measure.ts';

export const dose: Measure = {
  id: 'BI-25',
  version: 1,
  name: 'Dose',
  question:
    'How much radiation does an examination take, and does that lie within reference levels?',
  formula:
    'Per examination: CT mean CTDIvol (113830) and DLP total (113838); fluoroscopy DAP (113722), reference point ' +
    '(113725), time (113730); mammography mean glandular dose of an exposure (111631); administered activity (113507); ' +
    'each irradiation event once; medians of the month. Compared: adults of an examination ' +
    'with a reference level, the own one of the trust, else the network’s; above = above any of its levels',
  grain: 'examination, protocol, device, age band, month',
  exclusions: ['examinations without a dose report', 'of the mean CTDIvol: localisers'],
  source: 'DICOM PS3.16 TID 10001, 10011, 10021; UKHSA national diagnostic reference levels',
  target: null,
  kind: 'events',
  at: 'dosed_at',
  fact: 'dose',
  relation: `
    SELECT trust, modality, examination, protocol, device, age_band, exam, dosed_at, ctdivol_mgy,
      dlp_mgycm, dap_gycm2, reference_point_mgy, fluoro_seconds, glandular_mgy, activity_mbq, is_compared, is_above
    FROM dose`,
  dimensions: ['modality', 'examination', 'protocol', 'device', 'age_band'],
  counts: [
    { name: 'exams', title: 'Examinations' },
    { name: 'compared', title: 'With a reference level', where: 'is_compared' },
    { name: 'above', title: 'Above it', where: 'is_above' },
  ],
  shares: [{ name: 'shareAbove', title: 'Share above', of: 'above', per: ['compared'] }],
  quantiles: [
    { name: 'medianCtdivol', title: 'Median CTDIvol', of: 'ctdivol_mgy', p: 0.5, unit: 'mGy' },
    { name: 'medianDlp', title: 'Median DLP', of: 'dlp_mgycm', p: 0.5, unit: 'mGy·cm' },
    { name: 'medianDap', title: 'Median DAP', of: 'dap_gycm2', p: 0.5, unit: 'Gy·cm²' },
    {
      name: 'medianReferencePoint',
      title: 'Median at the reference point',
      of: 'reference_point_mgy',
      p: 0.5,
      unit: 'mGy',
    },
    {
      name: 'medianFluoroSeconds',
      title: 'Median fluoroscopy',
      of: 'fluoro_seconds',
      p: 0.5,
      unit: 'seconds',
    },
    {
      ...{ name: 'medianGlandular', title: 'Median glandular dose', of: 'glandular_mgy' },
      ...{ p: 0.5, unit: 'mGy' },
    },
    {
      ...{ name: 'medianActivity', title: 'Median administered activity', of: 'activity_mbq' },
      ...{ p: 0.5, unit: 'MBq' },
    },
  ],
  hasLevels: true,
  row: [
    'exam',
    'examination',
    'protocol',
    'device',
    'ctdivol_mgy',
    'dlp_mgycm',
    'dap_gycm2',
    'glandular_mgy',
    'activity_mbq',
  ],
};
