/**
 * `/dicom-web/…`: DICOMweb of this edge. PS3.18. To clients of the trust, and to the hub, which shows in
 * place what is held here.
 *
 *   request ─► who may ─► scope ─► (from the PACS first) ─► edge/dicomweb ─► answer, streamed
 */
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { TEACHING_HOME } from '../../shared/contract/teaching.ts';
import type { WebAnswer } from '../dicomweb/answer.ts';
import { DicomWebError } from '../dicomweb/dicomweb-error.ts';
import type { Scope } from '../dicomweb/held-studies.ts';
import { listInstances, listSeries } from '../dicomweb/list-from-pacs.ts';
import type { DicomWeb } from '../dicomweb/open.ts';
import {
  retrieveBulk,
  retrieveFrames,
  retrieveMetadata,
  retrieveObjects,
} from '../dicomweb/retrieve.ts';
import { retrieveRendered } from '../dicomweb/retrieve-rendered.ts';
import { searchInstances, searchSeries, searchStudies } from '../dicomweb/search.ts';
import { searchAllInstances, searchAllSeries } from '../dicomweb/search-everywhere.ts';
import type { LocalPacs } from '../scp/query/local-pacs.ts';
import { admitDicomWeb, type DicomWebAccessParts, requireTicket } from './dicomweb-access.ts';
import { bringFromPacs } from './from-pacs.ts';
import { sendAnswer } from './send-answer.ts';

export type DicomWebParts = DicomWebAccessParts & {
  readonly trust: string;
  readonly pacs: LocalPacs;
  readonly dicomWeb: DicomWeb;
  /** Of the teaching collection: with a ticket for it alone. */
  readonly teachingWeb: DicomWeb;
};

interface Call {
  readonly web: DicomWeb;
  readonly scope: Scope;
  readonly accept: string | undefined;
  readonly parameters: Readonly<Record<string, unknown>>;
  readonly path: Readonly<Record<string, string>>;
  readonly range: string | undefined;
}

/** The hub's: as the PACS lists it, for a list must not bring images into a spool. */
const LISTED = 'listed';

const STUDY = '/dicom-web/studies/:study';
const SERIES = `${STUDY}/series/:series`;
const INSTANCE = `${SERIES}/instances/:instance`;

/** @param options `isRelayed`: for readers with a ticket alone */
export function serveDicomWeb(
  app: FastifyInstance,
  parts: DicomWebParts,
  options: { isRelayed?: boolean } = {},
): void {
  if (options.isRelayed) app.addHook('onRequest', async (request) => requireTicket(request));
  app.get('/dicom-web/studies', async (request, reply) => {
    await admitDicomWeb(request, parts);
    return sendAnswer(request, reply, await searchStudies(parts.dicomWeb, questionOf(request)));
  });
  const wide = { ...parts.dicomWeb, trust: parts.trust, listing: parts.pacs.listing };
  for (const [path, search] of [
    ['/dicom-web/series', searchAllSeries],
    ['/dicom-web/instances', searchAllInstances],
  ] as const)
    app.get(path, async (request, reply) => {
      await admitDicomWeb(request, parts);
      return sendAnswer(request, reply, await search(wide, questionOf(request)));
    });
  const serve = (path: string, run: (call: Call) => Promise<WebAnswer> | WebAnswer): void => {
    app.get(path, async (request, reply) => {
      const scope = await scopeOf(request, parts);
      await bringFromPacs(parts, scope);
      const web = webOf(parts, scope);
      const { range, 'if-range': condition } = request.headers;
      const call = {
        ...{ ...questionOf(request), web, scope, path: request.params as Call['path'] },
        // No validator is given, so that none can be met. RFC 9110 §13.1.5.
        range: condition === undefined ? range : undefined,
      };
      return sendAnswer(request, reply, await run(call));
    });
  };
  serveSearch(app, parts, { path: `${STUDY}/series`, list: listSeries, find: searchSeries });
  serveSearch(app, parts, {
    path: `${SERIES}/instances`,
    list: listInstances,
    find: searchInstances,
  });
  serve(`${STUDY}/instances`, (call) => searchInstances(call.web, call.scope, call));
  for (const part of [STUDY, SERIES, INSTANCE]) {
    serve(part, ({ web, scope, accept }) => retrieveObjects(web, scope, accept));
    serve(`${part}/metadata`, ({ web, scope, accept }) => retrieveMetadata(web, scope, accept));
  }
  for (const part of [STUDY, SERIES, INSTANCE, `${INSTANCE}/frames/:list`])
    for (const form of ['rendered', 'thumbnail'] as const)
      serve(`${part}/${form}`, ({ web, scope, path, ...wish }) =>
        retrieveRendered(web, scope, {
          ...wish,
          list: path['list'],
          isThumbnail: form === 'thumbnail',
        }),
      );
  serve(`${INSTANCE}/frames/:list`, ({ web, scope, accept, path }) =>
    retrieveFrames(web, scope, { list: path['list'] ?? '', accept }),
  );
  serve(`${INSTANCE}/bulkdata/*`, ({ web, scope, accept, path, range }) =>
    retrieveBulk(web, scope, { path: path['*'] ?? '', accept, range }),
  );
}

interface Search {
  readonly path: string;
  readonly list: typeof listSeries;
  readonly find: typeof searchSeries | typeof searchInstances;
}

function serveSearch(
  app: FastifyInstance,
  parts: DicomWebParts,
  { path, list, find }: Search,
): void {
  app.get(path, async (request, reply) => {
    const scope = await scopeOf(request, parts);
    const question = questionOf(request);
    const isInPacs = scope.home === parts.trust && parts.pacs.isWanted(scope.studyInstanceUID);
    if (isInPacs && LISTED in question.parameters)
      return sendAnswer(request, reply, await list(parts.pacs.listing, scope, question));
    await bringFromPacs(parts, scope);
    return sendAnswer(request, reply, await find(webOf(parts, scope), scope, question));
  });
}

const webOf = ({ teachingWeb, dicomWeb }: DicomWebParts, { home }: Scope): DicomWeb =>
  home === TEACHING_HOME ? teachingWeb : dicomWeb;

function questionOf(request: FastifyRequest): Pick<Call, 'accept' | 'parameters'> {
  const parameters = request.query as Record<string, unknown>;
  // A link can't set a header. PS3.18 §8.3.3.1.
  const { accept } = parameters;
  const { accept: _accept, ...others } = parameters;
  return {
    accept: typeof accept === 'string' ? accept : request.headers.accept,
    parameters: others,
  };
}

async function scopeOf(request: FastifyRequest, parts: DicomWebParts): Promise<Scope> {
  const grant = await admitDicomWeb(request, parts);
  const { study = '', series, instance } = request.params as Record<string, string>;
  const allowed = grant.kind === 'study' ? grant.seriesInstanceUIDs : undefined;
  if (allowed !== undefined && (series === undefined || !allowed.includes(series)))
    throw new DicomWebError('RESOURCE_NOT_FOUND', 'The ticket is for other series.');
  const { pacs, trust, dicomWeb } = parts;
  const ownHome = (): string => (pacs.isWanted(study) ? trust : dicomWeb.held.homeOf(study));
  const home = grant.kind === 'study' ? grant.home : ownHome();
  return {
    studyInstanceUID: study,
    home,
    seriesInstanceUID: series,
    sopInstanceUID: instance,
  };
}
