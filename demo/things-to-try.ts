/** What the demo prints when it is ready. Every line is to be tried as it stands. */
import type { Site } from './site.ts';
import { PEOPLE } from './trusts.ts';

export interface Ready {
  readonly hubUrl: string;
  readonly hubConfig: string;
  readonly sites: readonly Site[];
  readonly people: readonly { readonly who: string; readonly link: string }[];
  readonly logs: string;
  /** The CT of Amara Bennett at RRK. */
  readonly studyInstanceUID: string;
}

export function thingsToTry({
  hubUrl,
  hubConfig,
  sites,
  people,
  logs,
  studyInstanceUID,
}: Ready): string {
  const places = sites.map(({ trust, aeTitle, dicomPort, url, pacs }) =>
    [
      `  ${trust.ods}  ${trust.name}`,
      `       edge   ${url}  (DICOM ${aeTitle} on port ${dicomPort})`,
      `       PACS   ${pacs.page ?? 'dcmqrscp, no page'}  (DICOM ${pacs.aeTitle} on port ${pacs.port})`,
    ].join('\n'),
  );
  const links = people.map(({ who, link }) => `  ${who}\n       ${link}`);
  const rxk = sites.find(({ trust }) => trust.ods === 'RXK');
  const rje = sites.find(({ trust }) => trust.ods === 'RJE');
  return `
The network runs.

  Hub  ${hubUrl}   (API ${hubUrl}/api/openapi.json)
${places.join('\n')}

Sign in (each link works once; starting the demo again makes new ones)
${links.join('\n')}

Three things to try

1. Find a patient over all trusts, and fetch a study
   Sign in as the radiologist of RJE. Search for the NHS number ${spaced(PEOPLE.amara.nhsNumber)}:
   a CT of the head lies at RRK; it is shown because she is on the list of a meeting of both trusts. Press "Fetch", then "Fetch" again: it is filed under the number
   that RJE knows her by, and stands in the PACS of RJE when the page says "Available":
   ${rje?.pacs.page ?? ''}
   The same by command:
     KEY=$(bin/cdip hub key demo --role admin --config ${hubConfig})
     curl -s -H "Authorization: Bearer $KEY" -H 'content-type: application/json' ${hubUrl}/api/fetches \\
       -d '{"studyInstanceUID":"${studyInstanceUID}","to":{"trust":"RJE"},"priority":"urgent","purpose":"direct care"}'

2. Send a DICOM file of your own to RXK, and see it at the hub within seconds
     storescu -aec ${rxk?.aeTitle ?? ''} 127.0.0.1 ${rxk?.dicomPort ?? ''} FILE.dcm
     curl -s -H "Authorization: Bearer $KEY" '${hubUrl}/api/studies?limit=1'

3. A patient whom the receiving trust does not know, and is not concerned with
   Search for ${spaced(PEOPLE.george.nhsNumber)}: a study elsewhere is not shown. "Open in an emergency", say why, and
   an MR is seen at RXK; the privacy officer of RJE finds that under "Privacy". Fetch it. RJE has never seen
   him, so the fetch waits: give it the number he has at RJE (N600001, say), and it goes on.

And book across trusts: sign in as booking staff of RRK, "Bookings", a patient, "Make a link for the patient".
   Open the link on a phone's width; the date of birth is on the page of the patient. A nearer, earlier
   time is at Sandwell, by bus (the timetable is made up).

Logs are in ${logs}. Ctrl-C ends everything; "npm start -- --fresh" begins anew.
`;
}

const spaced = (digits: string): string =>
  `${digits.slice(0, 3)} ${digits.slice(3, 6)} ${digits.slice(6)}`;
