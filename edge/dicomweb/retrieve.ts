/**
 * WADO-RS of what this trust holds: objects, metadata, frames, bulk data. PS3.18 §10.4.
 *
 *   Scope, Accept ─► instances ─► form ─► WebAnswer, streamed from the spool
 *
 * Objects are answered as they are stored, byte for byte.
 */
import { encodePart10Head } from '../../shared/dicom/part10.ts';
import { acceptedJson, acceptedTypes, admits } from '../../shared/dicomweb/accept.ts';
import type { StoredInstance } from '../index/types.ts';
import { readDataSet } from '../spool/read-instance.ts';
import type { Spool } from '../spool/spool.ts';
import { begun, type WebAnswer, warning } from './answer.ts';
import { bulkRanges, findBulk, readRanges } from './bulk-data.ts';
import { wantedRange, within } from './byte-range.ts';
import { type ChosenForm, chooseFrameForm, takesAsStored } from './choose-form.ts';
import { DicomWebError } from './dicomweb-error.ts';
import type { FrameSource, FrameSources } from './frame-sources.ts';
import { frameCount } from './frames.ts';
import type { HeldStudies, Scope } from './held-studies.ts';
import { type Multipart, multipart, type Part } from './multipart.ts';
import { instancePath, readObjectHead } from './object-head.ts';
import { readMetadata, type SeriesMetadata } from './series-metadata.ts';

export interface RetrieveParts {
  readonly spool: Spool;
  readonly held: HeldStudies;
  readonly metadata: SeriesMetadata;
  readonly frames: FrameSources;
}

/** `application/dicom`, all of the scope. */
export function retrieveObjects(
  { spool, held }: RetrieveParts,
  scope: Scope,
  accept: string | undefined,
): WebAnswer {
  const instances = held.instances(scope);
  const chosen = acceptedTypes(accept).find(
    (accepted) =>
      (accepted.isMultipart || instances.length === 1) &&
      instances.every(({ transferSyntaxUID }) => takesAsStored(accepted, transferSyntaxUID)),
  );
  if (chosen === undefined)
    throw notAcceptable('multipart/related; type="application/dicom"; transfer-syntax=*');
  const parts = instances.map((instance) => ({
    contentType: `application/dicom; transfer-syntax=${instance.transferSyntaxUID}`,
    location: instancePath(instance),
    body: part10(spool, instance),
  }));
  const missing = held.missing(scope);
  const whole = chosen.isMultipart ? multipart('application/dicom', parts) : single(parts);
  if (missing === 0) return { status: 200, ...whole };
  const headers = warning(`${missing} objects of it are missing at this trust`);
  return { status: 206, ...whole, headers };
}

async function* part10(spool: Spool, instance: StoredInstance): AsyncGenerator<Buffer> {
  yield encodePart10Head(instance);
  yield* readDataSet(spool.absolute(instance.path), instance) as AsyncIterable<Buffer>;
}

/** Only for one part. */
function single(parts: readonly Part[]): Multipart {
  const [part] = parts;
  if (part === undefined) throw new Error('there is a part');
  return { contentType: part.contentType, body: part.body as AsyncGenerator<Buffer> };
}

/** A JSON array of the attributes of all instances. */
export async function retrieveMetadata(
  parts: RetrieveParts,
  scope: Scope,
  accept: string | undefined,
): Promise<WebAnswer & { readonly gzipped?: Buffer }> {
  const contentType = acceptedJson(accept);
  if (contentType === undefined) throw notAcceptable('application/dicom+json');
  if (scope.sopInstanceUID !== undefined) {
    const [instance] = parts.held.instances(scope);
    if (instance === undefined) throw new Error('there is an instance');
    const head = await readObjectHead(parts.spool.absolute(instance.path), instance);
    return { status: 200, contentType, body: JSON.stringify([head.attributes]) };
  }
  const made = [];
  for (const series of parts.held.series(scope)) {
    const instances = parts.held.instances({ ...scope, ...series });
    made.push(await parts.metadata.of(series.seriesKey, instances));
  }
  const unread = made.reduce((sum, one) => sum + one.unread, parts.held.missing(scope));
  const status = unread === 0 ? 200 : 206;
  const headers = unread === 0 ? {} : warning(`${unread} objects of it can not be read`);
  const [first, ...others] = made;
  if (first !== undefined && others.length === 0)
    return { status, contentType, headers, body: '', gzipped: first.gzipped };
  const all = (await Promise.all(made.map(readMetadata))).flat();
  return { status, contentType, headers, body: JSON.stringify(all) };
}

/** @param list as in the address: `1,3,4`, counted from 1 */
export async function retrieveFrames(
  { held, frames }: RetrieveParts,
  scope: Scope,
  { list, accept }: { list: string; accept: string | undefined },
): Promise<WebAnswer & { readonly isNative: boolean }> {
  const [instance] = held.instances(scope);
  if (instance === undefined) throw new Error('there is an instance');
  const source = await frames.of(instance);
  const numbers = frameNumbers(list, frameCount(source.table));
  const form = chooseFrameForm(accept, instance.transferSyntaxUID, source.hasOctets);
  if (form === undefined || (!form.isMultipart && numbers.length > 1))
    throw notAcceptable('multipart/related; type="application/octet-stream"; transfer-syntax=*');
  const answer = framesAs(form, source, numbers);
  const isNative = source.table.kind === 'native' || form.isDecoded;
  return { status: 200, ...answer, body: await begun(answer.body), isNative };
}

function framesAs(form: ChosenForm, source: FrameSource, numbers: readonly number[]): Multipart {
  const contentType = `${form.type}; transfer-syntax=${form.transferSyntaxUID}`;
  const parts = numbers.map((number) => ({
    contentType,
    location: `${instancePath(source.instance)}/frames/${number}`,
    body: form.isDecoded ? source.octets(number - 1) : source.stored(number - 1),
  }));
  return form.isMultipart ? multipart(form.type, parts) : single(parts);
}

/** @throws DicomWebError */
export function frameNumbers(list: string, frames: number): number[] {
  const numbers = list.split(',').map((text) => (/^\d{1,7}$/.test(text) ? Number(text) : 0));
  if (numbers.includes(0))
    throw new DicomWebError('INVALID_QUERY', 'Frames are numbers from 1, commas between.');
  if (numbers.some((number) => number > frames))
    throw new DicomWebError('FRAME_NOT_FOUND', `This object has ${frames} frames.`);
  return numbers;
}

export interface BulkQuestion {
  /** Of the element: `7FE00010`, `52009230/1/00281203`. */
  readonly path: string;
  readonly accept: string | undefined;
  /** The Range header; for an answer in one part. */
  readonly range: string | undefined;
}

export async function retrieveBulk(
  { spool, held }: RetrieveParts,
  scope: Scope,
  { path, accept, range }: BulkQuestion,
): Promise<WebAnswer> {
  const [instance] = held.instances(scope);
  if (instance === undefined) throw new Error('there is an instance');
  const type = 'application/octet-stream';
  const chosen = acceptedTypes(accept).find((accepted) => admits(accepted.type, type));
  if (chosen === undefined) throw notAcceptable(`multipart/related; type="${type}"`);
  const file = spool.absolute(instance.path);
  const found = await findBulk(file, instance, path);
  const ranges = await bulkRanges(file, instance, found);
  const total = ranges.reduce((sum, { length }) => sum + length, 0);
  const wanted = chosen.isMultipart ? undefined : wantedRange(range, total);
  const body = readRanges(file, instance, wanted === undefined ? ranges : within(ranges, wanted));
  if (chosen.isMultipart) {
    const location = `${instancePath(instance)}/bulkdata/${path}`;
    const whole = multipart(type, [{ contentType: type, location, body }]);
    return { status: 200, ...whole, body: await begun(whole.body) };
  }
  const { start, length } = wanted ?? { start: 0, length: total };
  const headers = {
    ...{ 'accept-ranges': 'bytes', 'content-length': String(length) },
    ...(wanted && { 'content-range': `bytes ${start}-${start + length - 1}/${total}` }),
  };
  const status = wanted === undefined ? 200 : 206;
  return { status, contentType: type, headers, body: await begun(body) };
}

const notAcceptable = (what: string): DicomWebError =>
  new DicomWebError('NOT_ACCEPTABLE', `This is answered as ${what}.`);
