/** A ServiceRequest as it comes, as the request of the API that it is. */
import * as z from 'zod';
import { LOCAL_SYSTEM, NHS_NUMBER_SYSTEM, ODS_SYSTEM, SNOMED_SYSTEM } from './resources.ts';

const Identifier = z.looseObject({ system: z.string().optional(), value: z.string().min(1) });
const Reference = z.looseObject({
  reference: z.string().optional(),
  identifier: Identifier.optional(),
});
const Coding = z.looseObject({
  system: z.string().optional(),
  code: z.string().min(1),
  display: z.string().optional(),
});

/** It is not asked for any more. */
export const ENDED_STATUSES = ['revoked', 'completed', 'entered-in-error'] as const;

export const ServiceRequestInput = z.looseObject({
  resourceType: z.literal('ServiceRequest'),
  status: z.enum(['active', 'draft', 'on-hold', ...ENDED_STATUSES]),
  intent: z.string(),
  priority: z.enum(['routine', 'urgent', 'asap', 'stat']).default('routine'),
  identifier: z.array(Identifier).default([]),
  code: z.looseObject({ coding: z.array(Coding).min(1) }),
  category: z.array(z.looseObject({ coding: z.array(Coding).default([]) })).default([]),
  subject: Reference.describe('A Patient that is contained, since its birth date is needed'),
  requester: Reference.optional(),
  performer: z.array(Reference).default([]),
  authoredOn: z.string().optional(),
  occurrenceDateTime: z.string().optional().describe('When it is due'),
  occurrencePeriod: z.looseObject({ end: z.string().optional() }).optional(),
  contained: z
    .array(z.looseObject({ resourceType: z.string(), id: z.string().optional() }))
    .default([]),
});
type Told = z.output<typeof ServiceRequestInput>;

export const isEnded = ({ status }: Pick<Told, 'status'>): boolean =>
  ENDED_STATUSES.some((ended) => ended === status);

const BANDS = { stat: 'P1', asap: 'P2', urgent: 'P3', routine: 'P4' } as const;
const SEX: Readonly<Record<string, string>> = { male: 'M', female: 'F', other: 'O' };

/** @returns the body of POST /api/requests, to be checked as that is; what is not told stays out */
export function requestOfServiceRequest(told: Told): object {
  const coding =
    told.code.coding.find(({ system }) => system !== SNOMED_SYSTEM) ?? told.code.coding[0];
  const modality = told.category
    .flatMap(({ coding: codings }) => codings)
    .find(({ system = '' }) => system.includes('dicom.nema.org'))?.code;
  const [order] = told.identifier;
  return {
    trust: trustOf(told),
    patient: patientOf(told),
    examCode: coding?.code,
    band: BANDS[told.priority],
    ...{
      examText: coding?.display,
      modality,
      since: timeOf(told.authoredOn),
      dueAt: timeOf(told.occurrencePeriod?.end ?? told.occurrenceDateTime),
      orderId: order?.value,
    },
  };
}

/** A date alone is its beginning. */
const timeOf = (text: string | undefined): string | undefined =>
  text === undefined || text.includes('T') ? text : `${text}T00:00:00Z`;

function trustOf({ requester, performer }: Told): string | undefined {
  return [requester, ...performer]
    .map((one) => one?.identifier)
    .find((identifier) => identifier?.system === ODS_SYSTEM)?.value;
}

const ContainedPatient = z.looseObject({
  identifier: z.array(Identifier).default([]),
  birthDate: z.string().optional(),
  gender: z.string().optional(),
  name: z
    .array(z.looseObject({ family: z.string().optional(), given: z.array(z.string()).optional() }))
    .default([]),
  address: z.array(z.looseObject({ postalCode: z.string().optional() })).default([]),
  telecom: z
    .array(z.looseObject({ system: z.string().optional(), value: z.string().optional() }))
    .default([]),
});

function patientOf({ subject, contained, ...told }: Told): object {
  const id = subject.reference?.replace(/^#/, '');
  const resource = contained.find((one) => one.resourceType === 'Patient' && one.id === id);
  const patient = ContainedPatient.parse(resource ?? {});
  const identifiers = [...patient.identifier, ...(subject.identifier ? [subject.identifier] : [])];
  const nhsNumber = identifiers.find(({ system }) => system === NHS_NUMBER_SYSTEM)?.value;
  const local = identifiers.find(({ system }) => system !== NHS_NUMBER_SYSTEM);
  const telecom = (wanted: string): string | undefined =>
    patient.telecom.find(({ system }) => system === wanted)?.value;
  const [name] = patient.name;
  return {
    patientId: local?.value ?? nhsNumber,
    issuer: issuerOf(local?.system, nhsNumber) ?? trustOf({ subject, contained, ...told } as Told),
    ...{ nhsNumber, birthDate: patient.birthDate, sex: SEX[patient.gender ?? ''] },
    patientName: name && [name.family, ...(name.given ?? [])].join('^'),
    postcode: patient.address.find(({ postalCode }) => postalCode)?.postalCode,
    ...{ email: telecom('email'), phone: telecom('phone') },
  };
}

function issuerOf(system: string | undefined, nhsNumber: string | undefined): string | undefined {
  if (system === undefined) return nhsNumber === undefined ? undefined : 'NHS';
  return system.startsWith(LOCAL_SYSTEM) ? system.slice(LOCAL_SYSTEM.length) : system.slice(-64);
}
