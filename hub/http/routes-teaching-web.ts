/**
 * `/teaching/dicom-web/…`: DICOMweb of the teaching collection, under pseudonyms. PS3.18.
 *
 *   QIDO studies ─► hub/teaching          all else of a study ─► the edge that made it, answer passed on
 *
 * Who looks is recorded with the file, and with no patient: nobody can be told from it.
 */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { TEACHING_HOME } from '../../shared/contract/teaching.ts';
import type { JsonDataSet } from '../../shared/dicom/dicom-json.ts';
import { jsonOfTexts } from '../../shared/dicomweb/query.ts';
import { problemOfEdge } from '../dicomweb/call-edge.ts';
import { listCases, type TeachingCase } from '../teaching/cases.ts';
import { type AuditedRoute, audited, type Sight } from './audited.ts';
import { badQuery, baseUrl, readQuestion, sendDicomWeb } from './dicomweb-question.ts';
import type { HttpParts } from './parts.ts';
import { askEdges } from './pass-on.ts';
import { HttpProblem } from './problem.ts';
import { recentViews } from './routes-dicomweb.ts';

const ROOT = '/teaching';
/** Several files may be of one study. */
const ALL = { limit: 500, offset: 0 };

interface Asked extends Sight {
  readonly request: FastifyRequest;
  readonly reply: FastifyReply;
}

export function serveTeachingWeb(app: FastifyInstance, parts: HttpParts): void {
  const pixels = { audit: 'teaching', ...recentViews(parts.clock), run: passOn } as const;
  const routes: readonly (Pick<AuditedRoute, 'audit' | 'path'> & {
    run(parts: HttpParts, asked: Asked): unknown;
  })[] = [
    { path: '/dicom-web/studies', audit: null, run: answerStudies },
    { path: '/dicom-web/studies/:study', ...pixels },
    { path: '/dicom-web/studies/:study/*', ...pixels },
  ];
  for (const { path, ...route } of routes) {
    const address = `${ROOT}${path}`;
    app.get(address, (request, reply) =>
      audited(
        parts,
        request,
        { method: 'GET', path: address, action: 'learn', ...route },
        (sight) => route.run(parts, { ...sight, request, reply }),
      ),
    );
  }
}

function answerStudies(parts: HttpParts, { request, reply }: Asked): string | undefined {
  const { query, contentType } = readQuestion(request);
  const asked: { newStudyUID?: string; newPatientId?: string } = {};
  for (const [tag, text] of query.filters) {
    if (tag === STUDY_UID) asked.newStudyUID = text;
    else if (tag === PATIENT_ID) asked.newPatientId = text;
    else throw badQuery('StudyInstanceUID or PatientID can be asked for here');
  }
  const { cases } = listCases(parts.projection.db, asked, ALL);
  const byStudy = new Map(cases.map((one) => [one.copy?.study?.studyInstanceUID ?? '', one]));
  const all = [...byStudy.values()].flatMap((one) => studyJson(one, baseUrl(parts, request)));
  const page = all.slice(query.offset, query.offset + query.limit);
  const remaining = all.length - query.offset - page.length;
  return sendDicomWeb(reply, {
    page,
    contentType,
    answered: [],
    remaining,
    remarks: query.remarks,
  });
}

const STUDY_UID = 0x0020_000d;
const PATIENT_ID = 0x0010_0020;

function studyJson({ copy }: TeachingCase, base: string): JsonDataSet[] {
  if (copy === null || copy.study === null) return [];
  const { studyInstanceUID, patientId, studyDate, description, series, instances } = copy.study;
  const modalities = [...new Set(series.flatMap(({ modality }) => modality ?? []))];
  return [
    jsonOfTexts([
      [0x0008_0005, 'ISO_IR 192'],
      [0x0008_0020, studyDate ?? ''],
      [0x0008_0056, 'ONLINE'],
      [0x0008_0061, modalities.join('\\')],
      [0x0008_1030, description ?? ''],
      [0x0008_1190, `${base}${ROOT}/dicom-web/studies/${studyInstanceUID}`],
      [0x0010_0010, patientId],
      [PATIENT_ID, patientId],
      [STUDY_UID, studyInstanceUID],
      [0x0020_1206, String(series.length)],
      [0x0020_1208, String(instances)],
    ]),
  ];
}

async function passOn(parts: HttpParts, { request, reply }: Asked): Promise<unknown> {
  const { study: uid = '' } = request.params as { study?: string };
  const { cases } = listCases(parts.projection.db, { newStudyUID: uid }, ALL);
  if (cases.length === 0)
    throw new HttpProblem('STUDY_UNKNOWN', 'The teaching collection has no such study.');
  const { pathname } = new URL(request.url, 'http://hub');
  // Trusts of one project that both acquired it made the same of it: the first is shown, another while it is away.
  const trusts = [...new Set(cases.reverse().map(({ file }) => file.home))];
  const source = { home: TEACHING_HOME, trusts };
  const path = pathname.slice(ROOT.length);
  const { answer, body } = await askEdges(parts, { request, reply }, { uid, source, path });
  if (answer.status !== 404) return body();
  const { detail } = await problemOfEdge(answer);
  throw new HttpProblem('NOT_FOUND', detail ?? 'The study has no such part.');
}
