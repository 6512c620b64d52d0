/**
 * `POST /dicom-web/studies`, `…/studies/{study}`: objects from clients of the trust. PS3.18 §10.5.
 *
 *   body ─► multipart/related, a part at a time ─► edge/dicomweb/store.ts ─► 200, 202, 409, 503
 */
import type { Readable } from 'node:stream';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { WebAnswer } from '../dicomweb/answer.ts';
import { DicomWebError } from '../dicomweb/dicomweb-error.ts';
import { type StoreParts, StoreRun } from '../dicomweb/store.ts';
import { boundaryIn, takeParts } from '../dicomweb/take-parts.ts';
import { tellStored } from './audited.ts';
import { admitDicomWeb, type DicomWebAccessParts } from './dicomweb-access.ts';
import { HttpProblem } from './problem.ts';
import { sendAnswer } from './send-answer.ts';

export type StowParts = DicomWebAccessParts & { readonly stow: StoreParts };

const MAX_CALLER = 16;

export function serveStow(app: FastifyInstance, parts: StowParts): void {
  void app.register(async (scope) => {
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser('*', (_request, payload, done) => done(null, payload));
    for (const path of ['/dicom-web/studies', '/dicom-web/studies/:study'])
      scope.post(path, async (request, reply) =>
        sendAnswer(request, reply, await store(request, parts)),
      );
  });
}

async function store(request: FastifyRequest, parts: StowParts): Promise<WebAnswer> {
  const grant = await admitDicomWeb(request, parts);
  if (grant.kind !== 'all')
    throw new HttpProblem('FORBIDDEN', 'A ticket is for reading; objects are taken with a key.');
  const { study } = request.params as { study?: string };
  const run = new StoreRun(parts.stow, {
    name: grant.client.slice(0, MAX_CALLER),
    host: request.ip,
    isTls: request.protocol === 'https',
    studyInstanceUID: study,
  });
  const body = request.body as Readable | null | undefined;
  if (body === null || body === undefined) throw malformed('There is no body.');
  const type = request.headers['content-type'] ?? '';
  if (/^application\/dicom\s*(;|$)/i.test(type)) await run.take(body);
  else await takeParts(body, boundaryOf(type), (part) => run.take(part));
  tellStored(request, { contents: run.contents(parts.stow.index), query: run.counts() });
  return run.answer(parts.stow.index);
}

function boundaryOf(type: string): string {
  const isTaken =
    /^multipart\/related\s*;/i.test(type) && /type="?application\/dicom"?\s*(;|$)/i.test(type);
  const boundary = boundaryIn(type);
  if (isTaken && boundary !== undefined) return boundary;
  throw new DicomWebError(
    'MEDIA_TYPE_UNSUPPORTED',
    'Objects are taken as multipart/related; type="application/dicom"; boundary=…, or one as application/dicom.',
  );
}

const malformed = (why: string): DicomWebError => new DicomWebError('MULTIPART_MALFORMED', why);
