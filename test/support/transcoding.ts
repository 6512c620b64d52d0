/** A Part 10 file in another transfer syntax, by the product's own transcoder; the original is only read. */
import { readFileSync, rmSync, statSync } from 'node:fs';
import { transcodeFile } from '../../edge/transcode/transcode-file.ts';
import { type Codecs, openCodecs } from '../../shared/pixel-data/wasm.ts';
import { type Part10, readPart10 } from './part10.ts';

let opened: Promise<Codecs> | undefined;

/** @throws what the transcoder throws */
export async function transcodePart10(file: string, to: string): Promise<Part10> {
  opened ??= openCodecs();
  const codecs = await opened;
  const object = readPart10(file);
  const dataSetBytes = object.dataSet.length;
  const dataSetOffset = statSync(file).size - dataSetBytes;
  const target = `${file}.transcoded`;
  const from = object.transferSyntaxUID;
  try {
    transcodeFile({ file, dataSetOffset, dataSetBytes, from, to, target }, codecs);
    return { ...object, transferSyntaxUID: to, dataSet: readFileSync(target) };
  } finally {
    rmSync(target, { force: true });
  }
}
