import type { Measure } from '../measure.ts';

export const doseReports: Measure = {
  id: 'BI-25C',
  version: 1,
  name: 'Dose reports',
  question: 'Of how many examinations with X-rays did a dose report come?',
  formula:
    'Examinations by X-rays (CT, CR, DX, MG, XA, RF, IO, PX) that ended in the month, and of them those of which a ' +
    'dose report came, whenever it came',
  grain: 'site, modality, month',
  exclusions: [
    'images of which the RIS told no order',
    'nuclear medicine: its dose is told otherwise',
  ],
  source: 'domain notes, section 6: completeness of BI-25',
  target: null,
  kind: 'events',
  at: 'ended_at',
  fact: 'exam',
  relation: `
    SELECT trust, site, modality, exam, person, ended_at, has_dose
    FROM exam
    WHERE in_ris AND ended_at IS NOT NULL AND modality IN ('CT', 'CR', 'DX', 'MG', 'XA', 'RF', 'IO', 'PX')`,
  dimensions: ['modality', 'site'],
  counts: [
    { name: 'exams', title: 'Examinations' },
    { name: 'withDose', title: 'With a dose report', where: 'has_dose' },
  ],
  shares: [{ name: 'shareWithDose', title: 'Share', of: 'withDose', per: ['exams'] }],
  row: ['exam', 'modality', 'ended_at', 'has_dose'],
};
