/** A DICOMweb answer as HTTP: streamed, compressed where the client takes it and it pays. */
import { Readable } from 'node:stream';
import { promisify } from 'node:util';
import { constants, createZstdCompress, gunzip, gzip } from 'node:zlib';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { WebAnswer } from '../dicomweb/answer.ts';

const [compress, unzipped] = [promisify(gzip), promisify(gunzip)];
/** Below it a header costs more than it saves. */
const MIN_GZIP_BYTES = 1_024;
const ZSTD = { params: { [constants.ZSTD_c_compressionLevel]: 1 } };

/** @param form `gzipped`: the body is there compressed already; `isNative`: its pixels can be made smaller */
export async function sendAnswer(
  request: FastifyRequest,
  reply: FastifyReply,
  answer: WebAnswer & { readonly gzipped?: Buffer; readonly isNative?: boolean },
): Promise<FastifyReply> {
  reply.status(answer.status).headers({ ...answer.headers, vary: 'accept, accept-encoding' });
  if (answer.status === 204) return reply.send();
  reply.type(answer.contentType);
  const { body } = answer;
  const takes = (coding: string): boolean => takesCoding(request, coding);
  if (typeof body === 'string' || Buffer.isBuffer(body)) {
    const text = Buffer.from(body as string);
    const zipped = answer.gzipped ?? (await gzipIfLong(text, takes('gzip')));
    if (zipped !== undefined && takes('gzip'))
      return reply.header('content-encoding', 'gzip').send(zipped);
    return reply.send(answer.gzipped === undefined ? text : await unzipped(answer.gzipped));
  }
  const stream = Readable.from(body, { objectMode: false, highWaterMark: 1024 * 1024 });
  if (answer.isNative !== true || !takes('zstd')) return reply.send(stream);
  const zstd = createZstdCompress(ZSTD);
  stream.on('error', (error) => zstd.destroy(error));
  zstd.on('close', () => stream.destroy());
  return reply.header('content-encoding', 'zstd').send(stream.pipe(zstd));
}

async function gzipIfLong(text: Buffer, isTaken: boolean): Promise<Buffer | undefined> {
  return isTaken && text.length >= MIN_GZIP_BYTES ? compress(text, { level: 3 }) : undefined;
}

/** RFC 9110 §12.5.3: named, and not with `q=0`. */
function takesCoding(request: FastifyRequest, coding: string): boolean {
  const accepted = String(request.headers['accept-encoding'] ?? '').toLowerCase();
  return accepted.split(',').some((one) => {
    const [name = '', quality = ''] = one.split(';').map((part) => part.trim());
    return name === coding && !/^q=0(\.0*)?$/.test(quality);
  });
}
