/** `/studies/{uid}`: a study, its series, who holds it, and its fetches. */

import type { StudyDetail } from '../search/study.ts';
import { day, minutes, nhsNumber, personName } from '../web/format.ts';
import { studyAddress } from './page-find.ts';
import type { Page } from './pages.ts';
import type { HttpParts } from './parts.ts';
import { requireStudies, shownReports, trustName } from './routes-studies.ts';
import { listFetches } from './shown-fetches.ts';

export function studyPage(parts: HttpParts): Page {
  return {
    method: 'GET',
    path: '/studies/:uid',
    action: 'search',
    audit: 'look',
    run: ({ request, render, principal, discloser, saw }) => {
      const { uid = '' } = request.params as { uid?: string };
      const answered = parts.fleet.answered();
      const found = requireStudies(parts, { discloser, saw }, uid);
      const studies = found.map((study) => ({
        ...study,
        trustName: trustName(parts, study.home),
        rows: factsOf(study),
        rejections: study.rejected.map((one) => ({ ...one, why: REJECTED[one.code] ?? one.code })),
        reports:
          parts.access.refuse(principal, 'view') === null
            ? shownReports(parts, discloser, study)
            : [],
        silent: answered.find((one) => one.trust === study.home && !one.ok),
        fetchHref: `${studyAddress(uid)}/fetch?home=${study.home}`,
        teachHref:
          parts.access.refuse(principal, 'teach') === null
            ? `${studyAddress(uid)}/teaching?home=${study.home}`
            : undefined,
        openHref: `/viewer/viewer?StudyInstanceUIDs=${encodeURIComponent(uid)}`,
        address: `/dicom-web/studies/${encodeURIComponent(uid)}`,
        homeQuery: `&home=${study.home}`,
      }));
      const { fetches } = listFetches(parts, discloser, {
        studyInstanceUID: uid,
        ...{ limit: 20, offset: 0 },
      });
      const title = found[0]?.description ?? 'Study';
      return render('study.njk', { section: 'find', title, studies, fetches, answered });
    },
  };
}

/** Titles of rejection notes, for people. IHE IOCM; PS3.16 CID 7011. */
const REJECTED: Readonly<Record<string, string>> = {
  '113001': 'for reasons of quality',
  '113037': 'for the safety of the patient',
  '113038': 'for a wrong entry in the worklist: they may be of another patient or examination',
  '113039': 'because they are kept no longer',
};

function factsOf(study: StudyDetail): [string, string][] {
  const { patient } = study;
  const rows: [string, string | null][] = [
    ['Date', [day(study.studyDate), minutes(study.studyTime)].filter(Boolean).join(', ')],
    ['Patient', `${personName(patient.name)}, born ${day(patient.birthDate)}`],
    ['NHS number', nhsNumber(patient.nhsNumber)],
    ['Local number', `${patient.patientId} (${patient.issuer})`],
    ['Accession number', study.accessionNumber],
    ['Referrer', study.referringPhysician === null ? null : personName(study.referringPhysician)],
    ['Institution', study.institution],
    ['Study Instance UID', study.studyInstanceUID],
    ['Complete', completeText(study)],
    ['Conflicts', study.conflicts === 0 ? null : `${study.conflicts}, kept beside the first`],
  ];
  return rows.filter((row): row is [string, string] => row[1] !== null && row[1] !== '');
}

const COMPLETE_BY = {
  mpps: 'Yes, by the scanner’s performed steps',
  'pacs-count': 'Yes, as its PACS counts',
  time: 'Nothing more came for long',
} as const;

function completeText({ complete, completeBy }: StudyDetail): string | null {
  if (completeBy !== null) return COMPLETE_BY[completeBy];
  return complete === false ? 'Not yet: more may come' : null;
}
