/** Radiation dose reports as modalities send them, for tests. PS3.16 TID 10001 (projection X-ray), 10011 (CT), 10021 (nuclear medicine). */
import { type Element, encodeDataSet, encodePart10 } from '../../demo/phantom/data-set.ts';
import { commonElements, type PhantomStudy } from '../../demo/phantom/modules.ts';

export const DOSE_SR = '1.2.840.10008.5.1.4.1.1.88.67';

type Code = readonly [value: string, scheme: string, meaning: string];
const dcm = (value: string, meaning: string): Code => [value, 'DCM', meaning];
const code = ([value, scheme, meaning]: Code): Element[] => [
  [0x00080100, 'SH', value],
  [0x00080102, 'SH', scheme],
  [0x00080104, 'LO', meaning],
];

/** @param relation of the item to the one that holds it */
function item(
  type: string,
  name: Code,
  more: readonly Element[],
  relation = 'CONTAINS',
): Element[] {
  return [
    [0x0040a010, 'CS', relation],
    [0x0040a040, 'CS', type],
    [0x0040a043, 'SQ', [code(name)]],
    ...more,
  ];
}
const below = (...items: Element[][]): Element[] =>
  items.length === 0 ? [] : [[0x0040a730, 'SQ', items]];
const container = (name: Code, ...items: Element[][]): Element[] =>
  item('CONTAINER', name, [[0x0040a050, 'CS', 'SEPARATE'], ...below(...items)]);
const coded = (name: Code, value: Code, relation?: string, ...items: Element[][]): Element[] =>
  item('CODE', name, [[0x0040a168, 'SQ', [code(value)]], ...below(...items)], relation);
const text = (name: Code, value: string): Element[] =>
  item('TEXT', name, [[0x0040a160, 'UT', value]]);
const uid = (name: Code, value: string, relation?: string): Element[] =>
  item('UIDREF', name, [[0x0040a124, 'UI', value]], relation);
const moment = (name: Code, value: string): Element[] =>
  item('DATETIME', name, [[0x0040a120, 'DT', value]]);

/** Value and UCUM code. */
export type Amount = readonly [value: string, unit: string];
const number = (name: Code, [value, unit]: Amount): Element[] =>
  item('NUM', name, [
    [
      0x0040a300,
      'SQ',
      [
        [
          [0x004008ea, 'SQ', [code([unit, 'UCUM', unit])]],
          [0x0040a30a, 'DS', value],
        ],
      ],
    ],
  ]);
const optional = (name: Code, amount: Amount | undefined): Element[][] =>
  amount === undefined ? [] : [number(name, amount)];

export interface CtEvent {
  readonly uid: string;
  readonly protocol: string;
  readonly isLocaliser?: boolean;
  readonly ctdivol?: Amount;
  readonly dlp?: Amount;
}

export interface XrayEvent {
  readonly uid: string;
  readonly protocol?: string;
  readonly began?: string;
  readonly isFluoroscopy?: boolean;
  readonly dap?: Amount;
  readonly referencePoint?: Amount;
  readonly duration?: Amount;
  /** Average glandular dose. */
  readonly glandular?: Amount;
}

export interface Administration {
  readonly uid: string;
  readonly began?: string;
  readonly activity?: Amount;
}

export interface XrayTotals {
  readonly dap?: Amount;
  readonly referencePoint?: Amount;
  readonly fluoro?: Amount;
}

export interface DoseReport {
  readonly study: PhantomStudy;
  readonly sopInstanceUID: string;
  /** X-Ray Radiation Dose SR, unless an older device is played. */
  readonly sopClassUID?: string;
  readonly began?: string;
  readonly ct?: { readonly events: readonly CtEvent[]; readonly dlpTotal?: Amount };
  readonly xray?: { readonly events: readonly XrayEvent[]; readonly totals?: XrayTotals };
  /** Of a Radiopharmaceutical Radiation Dose Report. */
  readonly administrations?: readonly Administration[];
}

/** The data set, explicit VR little endian. */
export function doseReport(report: DoseReport): Buffer {
  const { study, sopInstanceUID, sopClassUID = DOSE_SR, began = '20260615101500', ct } = report;
  const procedure = ct ? (['77477000', 'SCT', 'CT'] as const) : dcm('113704', 'Projection X-Ray');
  const series = {
    ...{ seriesInstanceUID: `${sopInstanceUID}.1`, number: 99, modality: 'SR' },
    ...{ description: 'Dose', bodyPart: 'CHEST' },
  };
  return encodeDataSet([
    ...commonElements({ study, series, sopClassUID, sopInstanceUID, instanceNumber: 1 }),
    [0x00081010, 'SH', 'SCANNER1'],
    [0x00081111, 'SQ', []],
    [0x0040a040, 'CS', 'CONTAINER'],
    [0x0040a043, 'SQ', [code(titleOf(report))]],
    [0x0040a050, 'CS', 'SEPARATE'],
    [0x0040a372, 'SQ', []],
    [0x0040a491, 'CS', 'COMPLETE'],
    [0x0040a493, 'CS', 'UNVERIFIED'],
    [
      0x0040a730,
      'SQ',
      [
        coded(dcm('121058', 'Procedure reported'), procedure, 'HAS CONCEPT MOD'),
        moment(dcm('113809', 'Start of X-Ray Irradiation'), began),
        coded(
          dcm('113705', 'Scope of Accumulation'),
          dcm('113014', 'Study'),
          'CONTAINS',
          uid(dcm('110180', 'Study Instance UID'), study.studyInstanceUID, 'HAS PROPERTIES'),
        ),
        ...(ct === undefined ? [] : ctItems(ct)),
        ...(report.xray === undefined ? [] : xrayItems(report.xray)),
        ...(report.administrations ?? []).map(administrationItem),
      ],
    ],
  ]);
}

const titleOf = ({ administrations }: DoseReport): Code =>
  administrations === undefined
    ? dcm('113701', 'X-Ray Radiation Dose Report')
    : dcm('113500', 'Radiopharmaceutical Radiation Dose Report');

const administrationItem = ({ uid: eventUID, began, activity }: Administration): Element[] =>
  container(
    dcm('113502', 'Radiopharmaceutical Administration'),
    uid(dcm('113503', 'Radiopharmaceutical Administration Event UID'), eventUID),
    ...(began === undefined
      ? []
      : [moment(dcm('123003', 'Radiopharmaceutical Start DateTime'), began)]),
    ...optional(dcm('113507', 'Administered activity'), activity),
  );

/** The same as a file. */
export const doseFile = (report: DoseReport): Buffer =>
  encodePart10(doseReport(report), {
    classUID: report.sopClassUID ?? DOSE_SR,
    instanceUID: report.sopInstanceUID,
  });

function ctItems({ events, dlpTotal }: NonNullable<DoseReport['ct']>): Element[][] {
  return [
    container(
      dcm('113811', 'CT Accumulated Dose Data'),
      number(dcm('113812', 'Total Number of Irradiation Events'), [
        String(events.length),
        '{events}',
      ]),
      ...optional(dcm('113813', 'CT Dose Length Product Total'), dlpTotal),
    ),
    ...events.map((one) =>
      container(
        dcm('113819', 'CT Acquisition'),
        text(dcm('125203', 'Acquisition Protocol'), one.protocol),
        coded(
          dcm('113820', 'CT Acquisition Type'),
          one.isLocaliser
            ? dcm('113805', 'Constant Angle Acquisition')
            : ['116152004', 'SCT', 'Spiral Acquisition'],
        ),
        uid(dcm('113769', 'Irradiation Event UID'), one.uid),
        container(
          dcm('113829', 'CT Dose'),
          ...optional(dcm('113830', 'Mean CTDIvol'), one.ctdivol),
          ...optional(dcm('113838', 'DLP'), one.dlp),
        ),
      ),
    ),
  ];
}

function xrayItems({ events, totals = {} }: NonNullable<DoseReport['xray']>): Element[][] {
  return [
    container(
      dcm('113702', 'Accumulated X-Ray Dose Data'),
      ...optional(dcm('113722', 'Dose Area Product Total'), totals.dap),
      ...optional(dcm('113725', 'Dose (RP) Total'), totals.referencePoint),
      ...optional(dcm('113730', 'Total Fluoro Time'), totals.fluoro),
    ),
    ...events.map((one) =>
      container(
        dcm('113706', 'Irradiation Event X-Ray Data'),
        ...(one.began === undefined ? [] : [moment(dcm('111526', 'DateTime Started'), one.began)]),
        uid(dcm('113769', 'Irradiation Event UID'), one.uid),
        coded(
          dcm('113721', 'Irradiation Event Type'),
          one.isFluoroscopy
            ? ['44491008', 'SCT', 'Fluoroscopy']
            : dcm('113611', 'Stationary Acquisition'),
        ),
        ...(one.protocol === undefined
          ? []
          : [text(dcm('125203', 'Acquisition Protocol'), one.protocol)]),
        ...optional(dcm('122130', 'Dose Area Product'), one.dap),
        ...optional(dcm('113738', 'Dose (RP)'), one.referencePoint),
        ...optional(dcm('113742', 'Irradiation Duration'), one.duration),
        ...optional(dcm('111631', 'Average Glandular Dose'), one.glandular),
      ),
    ),
  ];
}
