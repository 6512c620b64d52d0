/** The studies of the demo: made once, as files, from the phantoms. */
import { existsSync, mkdirSync, readdirSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { head } from './phantom/anatomy.ts';
import { openCompressions } from './phantom/compress.ts';
import { ctSlices, mrSlices } from './phantom/cross-section.ts';
import type { PhantomSeries, PhantomStudy } from './phantom/modules.ts';
import { chestRadiograph } from './phantom/radiograph.ts';
import { uidFrom } from './phantom/random.ts';
import { textReport } from './phantom/report.ts';
import { ultrasoundClip } from './phantom/ultrasound.ts';
import { type PersonKey, patientAt, trustName } from './trusts.ts';

export interface DemoStudy {
  readonly key: string;
  readonly ods: string;
  readonly studyInstanceUID: string;
  /** The files, made when they are asked for. */
  files(): Iterable<Buffer> | AsyncIterable<Buffer>;
}

const DX = '1.2.840.10008.5.1.4.1.1.1.1';

interface Asked {
  readonly key: string;
  readonly ods: string;
  readonly person: PersonKey;
  readonly date: string;
  readonly description: string;
}

function study({ key, ods, person, date, description }: Asked): PhantomStudy {
  return {
    studyInstanceUID: uidFrom(`demo/${key}`),
    date,
    time: '101500',
    accessionNumber: `${ods}${key.replace(/\D/g, '').padStart(5, '0').slice(-9)}`,
    description,
    institution: trustName(ods),
    patient: patientAt(person, ods),
  };
}

function series(
  of: PhantomStudy,
  number: number,
  named: Omit<PhantomSeries, 'seriesInstanceUID' | 'number'>,
): PhantomSeries {
  return { seriesInstanceUID: uidFrom(`${of.studyInstanceUID}/${number}`), number, ...named };
}

export const STUDIES: readonly DemoStudy[] = [
  ctHead({ key: 'ct-1', ods: 'RRK', person: 'amara', date: '20260911', description: 'CT head' }),
  chest({ key: 'dx-2', ods: 'RJE', person: 'amara', date: '20260704', description: 'Chest PA' }),
  mrHead({ key: 'mr-3', ods: 'RXK', person: 'george', date: '20260820', description: 'MR brain' }),
  clip({ key: 'us-4', ods: 'RJE', person: 'priya', date: '20260905', description: 'US neck' }),
  chest({ key: 'dx-5', ods: 'RXK', person: 'priya', date: '20260412', description: 'Chest PA' }),
  mrHead({ key: 'mr-6', ods: 'RRK', person: 'owen', date: '20260603', description: 'MR brain' }),
  chest({ key: 'dx-7', ods: 'RXK', person: 'owen', date: '20260907', description: 'Chest PA' }),
  ctArchived({
    key: 'ct-8',
    ods: 'RJE',
    person: 'priya',
    date: '20260118',
    description: 'CT head',
  }),
];

/** One more chest radiograph, as a scanner sends while the demo runs. */
export function nextStudy(number: number, date: string): DemoStudy {
  const turns = [
    { ods: 'RJE', person: 'priya' },
    { ods: 'RXK', person: 'owen' },
    { ods: 'RRK', person: 'amara' },
  ] as const;
  const turn = turns[number % turns.length] ?? turns[0];
  return chest({ key: `live-${date}-${number}`, ...turn, date, description: 'Chest PA' });
}

function ctHead(asked: Asked): DemoStudy {
  const of = study(asked);
  const axial = series(of, 1, { modality: 'CT', description: 'Axial 5 mm', bodyPart: 'HEAD' });
  return made(asked, of, () =>
    ctSlices({
      ...{ study: of, series: axial, anatomy: head(1), slices: 36, spacingMm: 5 },
      ...{ size: 512, pixelMm: 0.46, windowCentre: 40, windowWidth: 80 },
    }),
  );
}

/** As archives keep them: a series for each way to compress. */
function ctArchived(asked: Asked): DemoStudy {
  const of = study(asked);
  return made(asked, of, async function* () {
    const forms = await openCompressions();
    for (const [at, [description, compression]] of Object.entries(forms).entries())
      yield* ctSlices({
        study: of,
        series: series(of, at + 1, { modality: 'CT', description, bodyPart: 'HEAD' }),
        ...{ anatomy: head(1), slices: 8, spacingMm: 20, size: 256, pixelMm: 0.92 },
        ...{ windowCentre: 40, windowWidth: 80, compression },
      });
  });
}

function mrHead(asked: Asked): DemoStudy {
  const of = study(asked);
  const axial = series(of, 1, { modality: 'MR', description: 'T2 axial', bodyPart: 'HEAD' });
  return made(asked, of, () =>
    mrSlices({
      ...{ study: of, series: axial, anatomy: head(-1), slices: 24, spacingMm: 7 },
      ...{ size: 256, pixelMm: 0.92, windowCentre: 700, windowWidth: 1_400 },
    }),
  );
}

function chest(asked: Asked): DemoStudy {
  const of = study(asked);
  const image = series(of, 1, { modality: 'DX', description: 'PA', bodyPart: 'CHEST' });
  const report = series(of, 2, { modality: 'SR', description: 'Report', bodyPart: 'CHEST' });
  return made(asked, of, function* () {
    yield chestRadiograph(of, image);
    yield textReport({
      ...{ study: of, series: report },
      text: {
        findings: 'A rounded opacity of 14 mm in the right mid zone. Heart size within limits.',
        impression: 'Solitary pulmonary nodule. CT of the chest is advised.',
      },
      evidence: {
        seriesInstanceUID: image.seriesInstanceUID,
        sopClassUID: DX,
        sopInstanceUID: uidFrom(`${image.seriesInstanceUID}/0`),
      },
    });
  });
}

function clip(asked: Asked): DemoStudy {
  const of = study(asked);
  const sweep = series(of, 1, { modality: 'US', description: 'Sweep', bodyPart: 'NECK' });
  return made(asked, of, () => [ultrasoundClip(of, sweep, 24)]);
}

function made(
  { key, ods }: Asked,
  { studyInstanceUID }: PhantomStudy,
  files: DemoStudy['files'],
): DemoStudy {
  return { key, ods, studyInstanceUID, files };
}

/** @returns the paths of the study's files, which are made when they are not there */
export async function filesOf(one: DemoStudy, directory: string): Promise<string[]> {
  const folder = join(directory, one.key);
  if (!existsSync(folder)) {
    const unfinished = `${folder}.new`;
    mkdirSync(unfinished, { recursive: true });
    let number = 0;
    for await (const bytes of one.files()) {
      number += 1;
      writeFileSync(join(unfinished, `${String(number).padStart(3, '0')}.dcm`), bytes);
    }
    renameSync(unfinished, folder);
  }
  return readdirSync(folder)
    .sort()
    .map((name) => join(folder, name));
}
