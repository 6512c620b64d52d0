/** A report as a Basic Text SR that belongs to a study and names the images it is about. PS3.3 A.35.1, TID 2000. */
import { type Element, encodeDataSet, encodePart10 } from './data-set.ts';
import { commonElements, type PhantomSeries, type PhantomStudy } from './modules.ts';
import { uidFrom } from './random.ts';

const BASIC_TEXT_SR = '1.2.840.10008.5.1.4.1.1.88.11';

export interface ReportText {
  readonly findings: string;
  readonly impression: string;
}

/** An image that the report is about. */
export interface Evidence {
  readonly seriesInstanceUID: string;
  readonly sopClassUID: string;
  readonly sopInstanceUID: string;
}

/** One Part 10 file: complete, verified. */
export function textReport(object: {
  study: PhantomStudy;
  series: PhantomSeries;
  text: ReportText;
  evidence: Evidence;
}): Buffer {
  const { study, series, text, evidence } = object;
  const instanceUID = uidFrom(`${series.seriesInstanceUID}/0`);
  const dataSet = encodeDataSet([
    ...commonElements({
      study,
      series,
      sopClassUID: BASIC_TEXT_SR,
      sopInstanceUID: instanceUID,
      instanceNumber: 1,
    }),
    [0x0040a040, 'CS', 'CONTAINER'],
    [0x0040a043, 'SQ', [code('18748-4', 'LN', 'Diagnostic imaging report')]],
    [0x0040a050, 'CS', 'SEPARATE'],
    [0x0040a073, 'SQ', [verifyingObserver(study)]],
    [0x0040a372, 'SQ', []],
    [0x0040a375, 'SQ', [evidenceItem(study, evidence)]],
    [0x0040a491, 'CS', 'COMPLETE'],
    [0x0040a493, 'CS', 'VERIFIED'],
    [
      0x0040a504,
      'SQ',
      [
        [
          [0x00080105, 'CS', 'DCMR'],
          [0x0040db00, 'CS', '2000'],
        ],
      ],
    ],
    [
      0x0040a730,
      'SQ',
      [
        section('121070', 'Findings', text.findings),
        section('121076', 'Conclusions', text.impression),
      ],
    ],
    [0x00081111, 'SQ', []],
  ]);
  return encodePart10(dataSet, { classUID: BASIC_TEXT_SR, instanceUID });
}

const code = (value: string, scheme: string, meaning: string): Element[] => [
  [0x00080100, 'SH', value],
  [0x00080102, 'SH', scheme],
  [0x00080104, 'LO', meaning],
];

function section(value: string, meaning: string, text: string): Element[] {
  const body: Element[] = [
    [0x0040a010, 'CS', 'CONTAINS'],
    [0x0040a040, 'CS', 'TEXT'],
    [0x0040a043, 'SQ', [code('121071', 'DCM', 'Finding')]],
    [0x0040a160, 'UT', text],
  ];
  return [
    [0x0040a010, 'CS', 'CONTAINS'],
    [0x0040a040, 'CS', 'CONTAINER'],
    [0x0040a043, 'SQ', [code(value, 'DCM', meaning)]],
    [0x0040a050, 'CS', 'SEPARATE'],
    [0x0040a730, 'SQ', [body]],
  ];
}

function verifyingObserver(study: PhantomStudy): Element[] {
  return [
    [0x0040a027, 'LO', study.institution],
    [0x0040a030, 'DT', `${study.date}${study.time}`],
    [0x0040a075, 'PN', 'Adeyemi^Tunde^^Dr'],
    [0x0040a088, 'SQ', []],
  ];
}

function evidenceItem(study: PhantomStudy, evidence: Evidence): Element[] {
  const object: Element[] = [
    [0x00081150, 'UI', evidence.sopClassUID],
    [0x00081155, 'UI', evidence.sopInstanceUID],
  ];
  const series: Element[] = [
    [0x00081199, 'SQ', [object]],
    [0x0020000e, 'UI', evidence.seriesInstanceUID],
  ];
  return [
    [0x00081115, 'SQ', [series]],
    [0x0020000d, 'UI', study.studyInstanceUID],
  ];
}
