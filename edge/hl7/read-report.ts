/**
 * ORU^R01: reports and their versions. HL7 2.5 chapter 7; the text stands in OBX-5, a document as ED.
 *
 *   OBRs ─► those without text share the text of the one that has it ─► report with all their accessions
 */
import type { RecordChange, ReportFacts, ReportStatus } from '../index/records/types.ts';
import { Hl7Error } from './hl7-error.ts';
import type { Message, Segment } from './message.ts';
import { type OrderGroup, orderGroups } from './order-groups.ts';
import { personName, readPatient } from './patient.ts';
import { firstFilled, studyUID } from './read-order.ts';
import { type Reading, timeOf } from './reading.ts';
import { firstValue } from './source.ts';

/** OBR-25 (HL7 table 0123) and OBX-11 (0085). What is only ordered, or in process, is no report yet. */
const STATUS: Readonly<Record<string, ReportStatus>> = {
  ...{ P: 'preliminary', R: 'preliminary', A: 'preliminary', S: 'preliminary', I: 'preliminary' },
  ...{ F: 'final', C: 'corrected', U: 'corrected', X: 'withdrawn', D: 'withdrawn', W: 'withdrawn' },
};
/** How much a status of one line says of the report: the strongest counts. */
const STRENGTH: readonly ReportStatus[] = ['preliminary', 'final', 'corrected', 'withdrawn'];
/** Study Instance UID as an observation. PS3.16, IHE RAD. */
const STUDY_UID_CODES: ReadonlySet<string> = new Set(['113014', '110180']);

/** @throws Hl7Error `HL7_PATIENT_MISSING`, `HL7_NUMBER_MISSING` */
export function readReports(message: Message, reading: Reading): RecordChange[] {
  const patient = readPatient(message.segments, reading);
  const groups = orderGroups(message).filter(({ segments }) =>
    segments.some(({ name }) => name === 'OBR'),
  );
  const reported = groups.filter(hasResult);
  const carriers = reported.length > 0 ? reported : groups.filter(isWithdrawal);
  // Examinations that were reported together: one of them carries the text.
  const silent = groups.filter((group) => !carriers.includes(group));
  return carriers.map((group, at) => ({
    kind: 'report',
    patient,
    report: readReport(group, at === 0 && carriers.length === 1 ? silent : [], reading),
  }));
}

const hasResult = ({ segments }: OrderGroup): boolean =>
  segments.some(({ name }) => name === 'OBX');
const isWithdrawal = (group: OrderGroup): boolean => statusOf(group) === 'withdrawn';

function readReport(
  group: OrderGroup,
  others: readonly OrderGroup[],
  reading: Reading,
): ReportFacts {
  const { segments } = group;
  const obr = segments.find(({ name }) => name === 'OBR');
  const accessionNumbers = [group, ...others]
    .map((one) => firstValue(one.segments, reading.source.accession))
    .filter((number) => number !== undefined);
  const reportId = firstFilled(obr?.text(3), accessionNumbers[0], obr?.text(2));
  if (reportId === undefined)
    throw new Hl7Error(
      'HL7_NUMBER_MISSING',
      'the report has no number in OBR-3 and no accession number',
    );
  const observations = segments.filter(({ name }) => name === 'OBX');
  return {
    reportId: reportId.slice(0, 64),
    accessionNumbers: [...new Set(accessionNumbers)],
    studyInstanceUIDs: studyUIDs([group, ...others], observations),
    status: statusOf(group),
    issuedAt: timeOf(obr, 22, reading.zone) ?? reading.asOf,
    title: firstFilled(obr?.text(4, 2), obr?.text(4)) ?? null,
    author: (obr && authorOf(obr)) ?? null,
    authorOrganisation: (obr && organisationOf(obr)) ?? null,
    startedAt: timeOf(obr, 7, reading.zone) ?? null,
    endedAt: timeOf(obr, 8, reading.zone) ?? null,
    text: textOf(observations),
    document: documentOf(observations),
    isAddendum: reading.source.addenda === 'append' && observations.some(isAddendum),
  };
}

function statusOf({ segments }: OrderGroup): ReportStatus {
  const whole =
    STATUS[
      segments
        .find(({ name }) => name === 'OBR')
        ?.text(25)
        .toUpperCase() ?? ''
    ];
  if (whole !== undefined) return whole;
  const lines = segments
    .filter(({ name }) => name === 'OBX')
    .map((obx) => STATUS[obx.text(11).toUpperCase()] ?? 'preliminary');
  // Nobody says that it is final: then it is not.
  return STRENGTH.findLast((status) => lines.includes(status)) ?? 'preliminary';
}

/** Lines in order; a heading where a line's code names another part of the report. */
function textOf(observations: readonly Segment[]): string {
  const lines: string[] = [];
  for (const obx of observations) {
    const type = obx.text(2);
    if (type === 'ED' || type === 'RP' || isStudyUID(obx)) continue;
    const values = obx.free(5).flatMap((value) => value.split('\n'));
    if (type === 'TX' || type === 'FT' || type === 'ST' || type === '') lines.push(...values);
    else lines.push(measured(obx, type, values));
  }
  return lines.join('\n').replace(/\s+$/, '');
}

/** NM, SN, CE, …: name, value, unit. */
function measured(obx: Segment, type: string, values: readonly string[]): string {
  const name = firstFilled(obx.text(3, 2), obx.text(3)) ?? '';
  const isCoded = type.startsWith('C');
  const value = isCoded ? (firstFilled(obx.text(5, 2), obx.text(5)) ?? '') : values.join(' ');
  return `${name}: ${value} ${obx.text(6)}`.trim();
}

/** ED: source^type^subtype^encoding^data. */
function documentOf(observations: readonly Segment[]): ReportFacts['document'] {
  const obx = observations.find((one) => one.text(2) === 'ED' && one.text(5, 5) !== '');
  if (obx === undefined) return null;
  const encoding = obx.text(5, 4).toUpperCase();
  const data = obx.text(5, 5);
  const bytes = encoding === 'BASE64' ? Buffer.from(data, 'base64') : Buffer.from(data, 'utf8');
  const subtype = firstFilled(obx.text(5, 3), obx.text(5, 2)) ?? '';
  const isPdf = bytes.subarray(0, 5).toString('latin1') === '%PDF-' || /pdf/i.test(subtype);
  return { mediaType: isPdf ? 'application/pdf' : 'application/octet-stream', bytes };
}

function studyUIDs(groups: readonly OrderGroup[], observations: readonly Segment[]): string[] {
  const named = groups.map(({ segments }) => studyUID(segments));
  const observed = observations.filter(isStudyUID).map((obx) => obx.text(5));
  return [...new Set([...named, ...observed])].filter(
    (uid) => uid !== undefined && /^[0-9.]{3,64}$/.test(uid),
  ) as string[];
}

const isStudyUID = (obx: Segment): boolean => STUDY_UID_CODES.has(obx.text(3));

/** The suffix of OBX-3 (HL7 2.5 §7.2.4), or the name in words. */
const isAddendum = (obx: Segment): boolean =>
  obx.text(3, 1, { subcomponent: 2 }).toUpperCase() === 'ADT' ||
  /addend/i.test(`${obx.text(3)} ${obx.text(3, 2)}`);

/** NDL-7, the facility; of an XCN its 14th component. */
function organisationOf(obr: Segment): string | undefined {
  const isName = obr.text(32, 1, { subcomponent: 2 }) !== '';
  return firstFilled(obr.text(32, isName ? 7 : 14), obr.text(32, 7))?.slice(0, 64);
}

/** OBR-32: NDL, whose first component is a CNN; some write an XCN. */
function authorOf(obr: Segment): string | undefined {
  const family = obr.text(32, 1, { subcomponent: 2 });
  const given = obr.text(32, 1, { subcomponent: 3 });
  const name =
    family === '' ? personName(obr, 32, 0, 2) : [family, given].filter(Boolean).join('^');
  return name ?? firstFilled(obr.text(32));
}
