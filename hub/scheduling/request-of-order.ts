/**
 * The request that an order of a trust's RIS is: exam code, band, dates, patient. SC-12, SC-15. Pure.
 *
 *   ORM, OMG, OMI ─► edge ─► order event ─► here ─► request
 *
 * An order tells nothing of safety, consent or wishes: until staff ask, gates hold up what has to be known, and
 * nobody is sent to another trust. What an order changes is what it told before; what staff set stays.
 */
import { createHash } from 'node:crypto';
import { rfc3339 } from '../../shared/clock.ts';
import type { OrderEvent } from '../../shared/contract/events.ts';
import { BREACH_DAYS } from './requests.ts';
import { examinationOf } from './rules/examinations.ts';
import { type Band, DAY_MS, type Examination } from './rules/facts.ts';
import type { ImagingRequest, OrderTold } from './types.ts';

/** HL7 tables 0027 and 0485, and words of the NHS. What is not known counts as urgent until somebody vets it. */
const BANDS: Readonly<Record<string, Band>> = {
  ...{ S: 'P1', STAT: 'P1', A: 'P2', ASAP: 'P2', R: 'P4', ROUTINE: 'P4', C: 'P4' },
  ...{ P1: 'P1', P2: 'P2', P3: 'P3', P4: 'P4', P5: 'P5' },
  ...{ '2WW': 'P2', USC: 'P2', FDS: 'P2' },
};
/** HL7 table 0004: who is examined where they lie, and is not offered slots. */
const NOT_OFFERED: ReadonlySet<string> = new Set(['I', 'E']);
/** A routine examination that is wanted later than all routine ones are due is planned. */
const PLANNED_MS = BREACH_DAYS.P4 * DAY_MS;

export function bandOf({
  priority,
  patientClass,
  scheduledAt,
  requestedAt,
  asOf,
}: Pick<OrderEvent, 'priority' | 'patientClass' | 'scheduledAt' | 'requestedAt' | 'asOf'>): Band {
  if (NOT_OFFERED.has(patientClass?.toUpperCase() ?? '')) return 'P1';
  const told = priority?.toUpperCase() ?? '';
  const band = told === '' ? 'P4' : (BANDS[told] ?? 'P3');
  const isPlanned =
    scheduledAt !== null && Date.parse(scheduledAt) - Date.parse(requestedAt ?? asOf) > PLANNED_MS;
  return band === 'P4' && isPlanned ? 'P5' : band;
}

/** Null: the order's code tells no examination that could be booked. */
export const examinationOfOrder = ({ procedure, modality }: OrderEvent): Examination | null => {
  const { code, text } = procedure ?? {};
  if (code == null || code.trim() === '') return null;
  return examinationOf(code.trim(), {
    ...(text == null ? {} : { name: text }),
    ...(modality === null ? {} : { modality }),
  });
};

/** The same for every hub that reads the order. */
export const requestIdOfOrder = ({ trust, orderId }: Pick<OrderEvent, 'trust' | 'orderId'>) =>
  `order-${createHash('sha256').update(`${trust} ${orderId}`).digest('hex').slice(0, 32)}`;

/** Null: no request can be made of it. @param postcode of the patient, as the PAS says */
export function requestOfOrder(
  event: OrderEvent,
  { postcode, now }: { postcode: string | null; now: number },
): ImagingRequest | null {
  const examination = examinationOfOrder(event);
  const birthDate = dayOf(event.patient.birthDate);
  if (examination === null || birthDate === null) return null;
  const { trust, patient, orderId, accessionNumber, referrer, requestedAt, asOf } = event;
  const band = bandOf(event);
  const since = requestedAt ?? asOf;
  return {
    ...{ requestId: requestIdOfOrder(event), trust, examination, minutesTold: false, band },
    patient: {
      ...{ patientId: patient.patientId, issuer: patient.issuer, nhsNumber: patient.nhsNumber },
      ...{ name: patient.name, birthDate, sex: sexOf(patient.sex), postcode, decile: null },
      ...{ email: null, phone: null, verifiedOn: null, restricted: false, deceased: false },
    },
    ...{ safety: {}, needs: [], interpreter: false, language: null, wishes: {} },
    // Staff find the number in the PAS; nobody has said that messages may be sent.
    ...{ channels: ['phone'], consentsElsewhere: false, shortNotice: false, optedOut: false },
    ...{ since, ...dueOf(event, band, since), orderId, accessionNumber, referrer },
    ...{ createdBy: `RIS of ${trust}`, createdAt: rfc3339(now), cancelled: null, transfer: null },
    order: toldBy(event, band, examination),
  };
}

/** A request as a newer order leaves it. */
export function changedByOrder(before: ImagingRequest, event: OrderEvent): ImagingRequest {
  const examination = examinationOfOrder(event) ?? before.examination;
  const band = bandOf(event);
  const told = before.order;
  const isOther = told !== undefined && told.code !== examination.code;
  const isBanded = told !== undefined && told.band !== band;
  const birthDate = dayOf(event.patient.birthDate) ?? before.patient.birthDate;
  const { name, nhsNumber, sex } = event.patient;
  return {
    ...before,
    patient: {
      ...{ ...before.patient, birthDate },
      name: name ?? before.patient.name,
      nhsNumber: nhsNumber ?? before.patient.nhsNumber,
      sex: sexOf(sex) ?? before.patient.sex,
    },
    ...(isBanded ? { band, ...dueOf(event, band, before.since) } : {}),
    // What was justified was another examination.
    ...(isOther ? { examination, safety: { ...before.safety, vetted: false } } : {}),
    referrer: event.referrer ?? before.referrer,
    accessionNumber: event.accessionNumber ?? before.accessionNumber,
    order: toldBy(event, band, examination),
  };
}

const toldBy = ({ asOf, status }: OrderEvent, band: Band, { code }: Examination): OrderTold => ({
  asOf,
  status,
  band,
  code,
});

/** Surveillance is due when it is wanted; the others so long after their wait began. */
function dueOf({ scheduledAt }: OrderEvent, band: Band, since: string) {
  const dueAt = band === 'P5' ? scheduledAt : null;
  const breachAt = dueAt ?? rfc3339(Date.parse(since) + BREACH_DAYS[band] * DAY_MS);
  return { dueAt, breachAt };
}

/** YYYYMMDD as YYYY-MM-DD. */
const dayOf = (text: string | null): string | null => {
  const [, year, month, day] = /^(\d{4})(\d\d)(\d\d)/.exec(text ?? '') ?? [];
  return year === undefined ? null : `${year}-${month}-${day}`;
};

const sexOf = (sex: string | null): 'M' | 'F' | null => (sex === 'M' || sex === 'F' ? sex : null);
