/**
 * Radiation dose reports, read as irradiation events. PS3.16 TID 10001 to 10005 (projection X-ray, mammography),
 * TID 10011 to 10013 (CT), TID 10021 and 10022 (radiopharmaceuticals: each administration is one). Pure.
 *
 *   content tree ─► events by Irradiation Event UID │ sums that no event tells ─► in mGy, mGy·cm, Gy·cm², s, MBq
 *
 * A value in a unit that is not known is left out: a figure that is missing is seen, one that is a thousand times
 * too large is believed.
 */
import type { DoseEvent, EventBody, Irradiation } from '../../shared/contract/events.ts';
import type { SmallDataSet } from '../../shared/dicom/small-data-set.ts';
import { Tag } from '../../shared/dicom/tag.ts';
import { type ContentItem, childrenOf, conceptOf, findAll, findFirst } from './content-tree.ts';

/**
 * X-Ray and Radiopharmaceutical Radiation Dose SR Storage; older devices send the same as an Enhanced or
 * Comprehensive SR.
 */
const DOSE_SR = ['1.2.840.10008.5.1.4.1.1.88.67', '1.2.840.10008.5.1.4.1.1.88.68'];

export const isDoseClass = (sopClassUID: string): boolean => DOSE_SR.includes(sopClassUID);
/** X-Ray Radiation Dose Report, PS3.16 TID 10001, TID 10011; Radiopharmaceutical Radiation Dose Report, TID 10021. */
const REPORTS: readonly (string | null)[] = ['113701', '113500'];
export const isDoseReport = (dataSet: SmallDataSet): boolean =>
  REPORTS.includes(conceptOf(dataSet));

const StationName = 0x0008_1010;
const ManufacturerModelName = 0x0008_1090;
const ContentDate = 0x0008_0023;
const ContentTime = 0x0008_0033;

/** Concepts in DCM, PS3.16 Annex D. */
const C = {
  procedure: '121058',
  observerName: '121013',
  irradiationBegan: '113809',
  scope: '113705',
  ctAccumulated: '113811',
  dlpTotal: '113813',
  ctEvent: '113819',
  ctType: '113820',
  ctDose: '113829',
  ctdivol: '113830',
  dlp: '113838',
  accumulated: '113702',
  dapTotal: '113722',
  referencePointTotal: '113725',
  fluoroTotal: '113730',
  event: '113706',
  eventUID: '113769',
  eventType: '113721',
  eventBegan: '111526',
  protocol: '125203',
  dap: '122130',
  referencePoint: '113738',
  duration: '113742',
  glandular: '111631',
  administration: '113502',
  administrationUID: '113503',
  administrationBegan: '123003',
  activity: '113507',
} as const;

/** Constant Angle Acquisition. */
const LOCALISER = '113805';
/** In SRT and in SCT. */
const CT: readonly string[] = ['P5-08000', '77477000'];
const MAMMOGRAPHY: readonly string[] = ['P5-40010', '71651007'];
const FLUOROSCOPY: readonly string[] = ['P5-06000', '44491008'];

type Factors = Readonly<Record<string, number>>;
/** By UCUM code, as it is written and as some devices write it. */
const MILLIGRAY: Factors = { mGy: 1, Gy: 1_000, dGy: 100, cGy: 10, uGy: 0.001 };
const MILLIGRAY_CENTIMETRE: Factors = {
  ...{ 'mGy.cm': 1, mGycm: 1, 'mGy*cm': 1, 'Gy.cm': 1_000, 'cGy.cm': 10 },
};
const GRAY_SQUARE_CENTIMETRE: Factors = {
  ...{ 'Gy.m2': 10_000, 'Gy.cm2': 1, 'dGy.cm2': 0.1, 'cGy.cm2': 0.01, 'mGy.cm2': 0.001 },
  ...{ 'uGy.cm2': 0.000_001, 'mGy.m2': 10, 'cGy.m2': 100, 'dGy.m2': 1_000, 'uGy.m2': 0.01 },
};
const MEGABECQUEREL: Factors = {
  ...{ MBq: 1, GBq: 1_000, kBq: 0.001, Bq: 0.000_001, mCi: 37, uCi: 0.037, Ci: 37_000 },
};
const SECONDS: Factors = { s: 1, ms: 0.001, min: 60, h: 3_600 };

export interface ReadDose {
  readonly dataSet: SmallDataSet;
  readonly sopInstanceUID: string;
  /** Local date and time as RFC 3339 in UTC; null for none that is valid. */
  readonly toUTC: (date: string, time: string) => string | null;
  readonly receivedAt: string;
}

/** @returns undefined for a report of no irradiation */
export function readDoseReport(read: ReadDose): EventBody<DoseEvent> | undefined {
  const { dataSet, sopInstanceUID, toUTC } = read;
  const root = childrenOf(dataSet);
  const began = findFirst(root, C.irradiationBegan)?.dateTime;
  const startedAt =
    momentOf(began, toUTC) ??
    toUTC(dataSet.text(ContentDate) ?? '', dataSet.text(ContentTime) ?? '') ??
    read.receivedAt;
  const told = [
    ...findAll(root, C.ctEvent).map((item) => ctEvent(item, startedAt)),
    ...findAll(root, C.event).map((item) => projectionEvent(item, { startedAt, toUTC })),
    ...findAll(root, C.administration).map((item) => administration(item, { startedAt, toUTC })),
  ].filter((one) => one !== undefined);
  const sums = sumsOf(root, told, { startedAt, sopInstanceUID });
  const irradiations = byUID(sums === undefined ? told : [...told, sums]);
  if (irradiations.length === 0) return undefined;
  return {
    ...{ kind: 'dose', sopInstanceUID, irradiations },
    studyInstanceUID: dataSet.text(Tag.StudyInstanceUID) ?? '',
    accessionNumber: dataSet.text(Tag.AccessionNumber) || null,
    modality: modalityOf(root),
    device:
      dataSet.text(StationName) ||
      findFirst(root, C.observerName)?.text ||
      dataSet.text(ManufacturerModelName) ||
      null,
  };
}

const NOTHING = {
  ...{ protocol: null, isLocaliser: false, ctdivolMGy: null, dlpMGyCm: null, dapGyCm2: null },
  ...{ referencePointMGy: null, fluoroSeconds: null, glandularMGy: null, activityMBq: null },
};

function ctEvent({ items }: ContentItem, startedAt: string): Irradiation | undefined {
  const eventUID = findFirst(items, C.eventUID)?.uid;
  if (eventUID === undefined) return undefined;
  const dose = findAll(items, C.ctDose).flatMap((one) => one.items);
  return {
    ...{ ...NOTHING, eventUID, startedAt },
    protocol: findFirst(items, C.protocol)?.text || null,
    isLocaliser: findFirst(items, C.ctType)?.code === LOCALISER,
    ctdivolMGy: amountOf(findFirst(dose, C.ctdivol), MILLIGRAY),
    dlpMGyCm: amountOf(findFirst(dose, C.dlp), MILLIGRAY_CENTIMETRE),
  };
}

function projectionEvent(
  { items }: ContentItem,
  { startedAt, toUTC }: { startedAt: string; toUTC: ReadDose['toUTC'] },
): Irradiation | undefined {
  const eventUID = findFirst(items, C.eventUID)?.uid;
  if (eventUID === undefined) return undefined;
  const isFluoroscopy = FLUOROSCOPY.includes(findFirst(items, C.eventType)?.code ?? '');
  return {
    ...{ ...NOTHING, eventUID },
    startedAt: momentOf(findFirst(items, C.eventBegan)?.dateTime, toUTC) ?? startedAt,
    protocol: findFirst(items, C.protocol)?.text || null,
    dapGyCm2: amountOf(findFirst(items, C.dap), GRAY_SQUARE_CENTIMETRE),
    referencePointMGy: amountOf(findFirst(items, C.referencePoint), MILLIGRAY),
    fluoroSeconds: isFluoroscopy ? amountOf(findFirst(items, C.duration), SECONDS) : null,
    // The sum over a breast (111637) is of no one exposure, which levels are of.
    glandularMGy: amountOf(findFirst(items, C.glandular), MILLIGRAY),
  };
}

/** What a patient was given, and when; that is when it counts. TID 10022. */
function administration(
  { items }: ContentItem,
  { startedAt, toUTC }: { startedAt: string; toUTC: ReadDose['toUTC'] },
): Irradiation | undefined {
  const eventUID = findFirst(items, C.administrationUID)?.uid;
  if (eventUID === undefined) return undefined;
  return {
    ...{ ...NOTHING, eventUID },
    startedAt: momentOf(findFirst(items, C.administrationBegan)?.dateTime, toUTC) ?? startedAt,
    activityMBq: amountOf(findFirst(items, C.activity), MEGABECQUEREL),
  };
}

/** What the report tells only as a sum, by the planes of the device. */
function sumsOf(
  root: readonly ContentItem[],
  told: readonly Irradiation[],
  { startedAt, sopInstanceUID }: { startedAt: string; sopInstanceUID: string },
): Irradiation | undefined {
  const accumulated = [C.accumulated, C.ctAccumulated]
    .flatMap((code) => findAll(root, code))
    .map(({ items }) => items);
  const sumOf = (name: keyof Irradiation, code: string, factors: Factors): number | null =>
    told.some((one) => one[name] !== null)
      ? null
      : accumulated.map((items) => amountOf(findFirst(items, code), factors)).reduce(added, null);
  const sums = {
    dlpMGyCm: sumOf('dlpMGyCm', C.dlpTotal, MILLIGRAY_CENTIMETRE),
    dapGyCm2: sumOf('dapGyCm2', C.dapTotal, GRAY_SQUARE_CENTIMETRE),
    referencePointMGy: sumOf('referencePointMGy', C.referencePointTotal, MILLIGRAY),
    fluoroSeconds: sumOf('fluoroSeconds', C.fluoroTotal, SECONDS),
  };
  if (Object.values(sums).every((sum) => sum === null)) return undefined;
  // A later report of the same study or step takes the place of this sum.
  const scope = findFirst(root, C.scope)?.items.find(({ uid }) => uid !== undefined)?.uid;
  return { ...NOTHING, ...sums, eventUID: scope ?? sopInstanceUID, startedAt };
}

/** The planes of a device tell one event each under the same UID. */
function byUID(told: readonly Irradiation[]): Irradiation[] {
  const found = new Map<string, Irradiation>();
  for (const one of told) {
    const same = found.get(one.eventUID);
    found.set(one.eventUID, same === undefined ? one : together(same, one));
  }
  return [...found.values()];
}

const together = (a: Irradiation, b: Irradiation): Irradiation => ({
  ...a,
  protocol: a.protocol ?? b.protocol,
  ctdivolMGy: a.ctdivolMGy ?? b.ctdivolMGy,
  dlpMGyCm: added(a.dlpMGyCm, b.dlpMGyCm),
  dapGyCm2: added(a.dapGyCm2, b.dapGyCm2),
  referencePointMGy: added(a.referencePointMGy, b.referencePointMGy),
  fluoroSeconds: added(a.fluoroSeconds, b.fluoroSeconds),
  glandularMGy: a.glandularMGy ?? b.glandularMGy,
  activityMBq: added(a.activityMBq, b.activityMBq),
});

const added = (a: number | null, b: number | null): number | null =>
  a === null ? b : b === null ? a : a + b;

function amountOf(item: ContentItem | undefined, factors: Factors): number | null {
  const factor = factors[item?.unit ?? ''];
  const number = item?.number;
  if (factor === undefined || number === undefined || !(number >= 0)) return null;
  return Number((number * factor).toPrecision(12));
}

function modalityOf(root: readonly ContentItem[]): string | null {
  const code = findFirst(root, C.procedure)?.code ?? '';
  if (CT.includes(code)) return 'CT';
  return MAMMOGRAPHY.includes(code) ? 'MG' : null;
}

/** A DT; without an offset by the clock on the wall. PS3.5 §6.2. */
function momentOf(text: string | undefined, toUTC: ReadDose['toUTC']): string | null {
  const match = /^(\d{8})(\d{2,6})(?:\.\d+)?([+-])?(\d{2})?(\d{2})?$/.exec(text ?? '');
  if (match === null) return null;
  const [, date = '', time = '', sign, hours, minutes] = match;
  if (sign === undefined) return toUTC(date, time);
  const [, year, month, day] = /^(\d{4})(\d{2})(\d{2})$/.exec(date) ?? [];
  const [hour = '00', minute = '00', second = '00'] = time.match(/\d{2}/g) ?? [];
  const ms = Date.parse(
    `${year}-${month}-${day}T${hour}:${minute}:${second}${sign}${hours}:${minutes}`,
  );
  return Number.isNaN(ms) ? null : new Date(ms).toISOString();
}
