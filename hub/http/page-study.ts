/** `/studies/{uid}`: a study, its series, who holds it, and its fetches. */

import { subjectsOfStudies } from '../audit/subjects.ts';
import { findStudy, type StudyDetail } from '../search/study.ts';
import { day, minutes, nhsNumber, personName } from '../web/format.ts';
import { studyAddress } from './page-find.ts';
import type { Page } from './pages.ts';
import type { HttpParts } from './parts.ts';
import { answeredJson, studyUnknown, trustName } from './routes-studies.ts';

export function studyPage(parts: HttpParts): Page {
  return {
    method: 'GET',
    path: '/studies/:uid',
    action: 'search',
    audit: 'look',
    run: ({ request, render, saw }) => {
      const { uid = '' } = request.params as { uid?: string };
      const answered = parts.fleet.answered();
      const found = findStudy(parts.projection.db, uid);
      if (found.length === 0) throw studyUnknown(answeredJson(answered));
      saw(subjectsOfStudies(found));
      const studies = found.map((study) => ({
        ...study,
        trustName: trustName(parts, study.home),
        rows: factsOf(study),
        silent: answered.find((one) => one.trust === study.home && !one.ok),
        fetchHref: `${studyAddress(uid)}/fetch?home=${study.home}`,
        openHref: `/viewer/viewer?StudyInstanceUIDs=${encodeURIComponent(uid)}`,
        address: `/dicom-web/studies/${encodeURIComponent(uid)}`,
        homeQuery: `&home=${study.home}`,
      }));
      const { fetches } = parts.fetches.list({ studyInstanceUID: uid, limit: 20, offset: 0 });
      const title = found[0]?.description ?? 'Study';
      return render('study.njk', { section: 'find', title, studies, fetches, answered });
    },
  };
}

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
    ['Conflicts', study.conflicts === 0 ? null : `${study.conflicts}, kept beside the first`],
  ];
  return rows.filter((row): row is [string, string] => row[1] !== null && row[1] !== '');
}
