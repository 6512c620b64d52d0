import type { Measure } from '../measure.ts';

export const priorFound: Measure = {
  id: 'BI-21',
  version: 2,
  name: 'Priors of other trusts',
  question:
    'How often is there earlier imaging elsewhere, and how often was it at hand, and opened, for the report?',
  formula:
    'Examinations with a study of the same person at another trust in the five years before, of the same modality or ' +
    'region; of these, those where one was fetched to the trust before the report was verified, and those where somebody ' +
    'of the trust opened one through the hub, images or record, from the request until then',
  grain: 'site, modality, month',
  exclusions: [
    'images of which the RIS told no order',
    'of openings: what was looked at in a PACS or at an edge is not told',
  ],
  source: 'domain notes, section 6',
  target: null,
  kind: 'events',
  at: 'started_at',
  fact: 'prior',
  relation: `
    SELECT trust, site, modality, exam, person, started_at, priors, priors_brought, priors_opened
    FROM prior WHERE in_ris AND started_at IS NOT NULL`,
  dimensions: ['modality', 'site'],
  counts: [
    { name: 'exams', title: 'Examinations' },
    { name: 'withPrior', title: 'With a prior elsewhere', where: 'priors > 0' },
    { name: 'brought', title: 'At hand for the report', where: 'priors_brought > 0' },
    { name: 'opened', title: 'Opened before it', where: 'priors_opened > 0', since: 2 },
  ],
  shares: [
    { name: 'shareWithPrior', title: 'Share with a prior', of: 'withPrior', per: ['exams'] },
    { name: 'shareBrought', title: 'Share at hand', of: 'brought', per: ['withPrior'] },
    {
      ...{ name: 'shareOpened', title: 'Share opened', of: 'opened', per: ['withPrior'] },
      since: 2,
    },
  ],
  row: ['exam', 'modality', 'started_at', 'priors', 'priors_brought', 'priors_opened'],
  earlier: [
    {
      version: 1,
      formula:
        'Examinations with a study of the same person at another trust in the five years before, of the same modality or ' +
        'region; of these, those where one was fetched to the trust before the report was verified',
      exclusions: ['images of which the RIS told no order'],
      target: null,
      changed: 'With those that were opened through the hub',
    },
  ],
};
