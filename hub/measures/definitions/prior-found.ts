import type { Measure } from '../measure.ts';

export const priorFound: Measure = {
  id: 'BI-21',
  version: 1,
  name: 'Priors of other trusts',
  question:
    'How often is there earlier imaging elsewhere, and how often was it at hand for the report?',
  formula:
    'Examinations with a study of the same person at another trust in the five years before, of the same modality or ' +
    'region; of these, those where one was fetched to the trust before the report was verified',
  grain: 'site, modality, month',
  exclusions: ['images of which the RIS told no order'],
  source: 'domain notes, section 6',
  target: null,
  kind: 'events',
  at: 'started_at',
  fact: 'prior',
  relation: `
    SELECT trust, site, modality, exam, person, started_at, priors, priors_brought
    FROM prior WHERE in_ris AND started_at IS NOT NULL`,
  dimensions: ['modality', 'site'],
  counts: [
    { name: 'exams', title: 'Examinations' },
    { name: 'withPrior', title: 'With a prior elsewhere', where: 'priors > 0' },
    { name: 'brought', title: 'At hand for the report', where: 'priors_brought > 0' },
  ],
  shares: [
    { name: 'shareWithPrior', title: 'Share with a prior', of: 'withPrior', per: ['exams'] },
    { name: 'shareBrought', title: 'Share at hand', of: 'brought', per: ['withPrior'] },
  ],
  row: ['exam', 'modality', 'started_at', 'priors', 'priors_brought'],
};
