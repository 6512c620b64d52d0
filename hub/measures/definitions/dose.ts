import type { Measure } from '../measure.ts';

export const dose: Measure = {
  id: 'BI-25',
  version: 1,
  name: 'Dose',
  question:
    'How much radiation does an examination take, and does that lie within reference levels?',
  formula:
    'Per examination: CT mean CTDIvol (113830) and DLP total (113838); fluoroscopy DAP (113722), reference point ' +
    '(113725), time (113730); each irradiation event once; medians of the month',
  grain: 'protocol, device, age band, month',
  exclusions: ['examinations without a dose report'],
  source: 'DICOM PS3.16 TID 10001, 10011; reference levels of the site',
  target: null,
  kind: 'events',
  at: 'dosed_at',
  fact: 'dose',
  relation: `
    SELECT trust, modality, protocol, device, age_band, exam, dosed_at, ctdivol_mgy,
      dlp_mgycm, dap_gycm2, reference_point_mgy, fluoro_seconds
    FROM dose`,
  dimensions: ['modality', 'protocol', 'device', 'age_band'],
  counts: [{ name: 'exams', title: 'Examinations' }],
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
  ],
  row: ['exam', 'protocol', 'device', 'ctdivol_mgy', 'dlp_mgycm', 'dap_gycm2'],
};
