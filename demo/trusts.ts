/** Who takes part in the demo: three trusts with different PACSs, and patients, of whom some are known at two. */
import type { PhantomPatient } from './phantom/modules.ts';

export interface DemoTrust {
  readonly ods: string;
  readonly name: string;
  readonly postcode: string;
  readonly pacs: 'dcmqrscp' | 'orthanc' | 'orthanc-uncompressed';
}

export const TRUSTS: readonly DemoTrust[] = [
  {
    ods: 'RRK',
    name: 'University Hospitals Birmingham',
    postcode: 'B15 2GW',
    pacs: 'dcmqrscp',
  },
  {
    ods: 'RJE',
    name: 'University Hospitals of North Midlands',
    postcode: 'ST4 6QG',
    pacs: 'orthanc',
  },
  {
    ods: 'RXK',
    name: 'Sandwell and West Birmingham',
    postcode: 'B66 2QT',
    pacs: 'orthanc-uncompressed',
  },
];

export const trustName = (ods: string): string =>
  TRUSTS.find((trust) => trust.ods === ods)?.name ?? ods;

interface Person {
  readonly nhsNumber: string;
  readonly name: string;
  readonly birthDate: string;
  readonly sex: 'F' | 'M';
  /** Under which number each trust knows this person. */
  readonly ids: Readonly<Record<string, string>>;
}

/** Numbers of the test range 999, with their check digit. */
export const PEOPLE = {
  amara: {
    nhsNumber: '9990000018',
    name: 'Bennett^Amara^Grace',
    birthDate: '19580131',
    sex: 'F',
    ids: { RRK: '104233', RJE: 'N550812' },
  },
  george: {
    nhsNumber: '9990000026',
    name: 'Whitfield^George',
    birthDate: '19410822',
    sex: 'M',
    ids: { RXK: 'S88127' },
  },
  priya: {
    nhsNumber: '9990000034',
    name: 'Nair^Priya',
    birthDate: '19870305',
    sex: 'F',
    ids: { RJE: 'N551904', RXK: 'S90311' },
  },
  owen: {
    nhsNumber: '9990000042',
    name: 'Llewellyn^Owen^Rhys',
    birthDate: '19730617',
    sex: 'M',
    ids: { RRK: '104871', RXK: 'S90452' },
  },
} as const satisfies Readonly<Record<string, Person>>;
export type PersonKey = keyof typeof PEOPLE;

/** A person as a trust's own systems name them. */
export function patientAt(key: PersonKey, ods: string): PhantomPatient {
  const { ids, nhsNumber, name, birthDate, sex }: Person = PEOPLE[key];
  const patientId = ids[ods];
  if (patientId === undefined) throw new Error(`${key} is not known at ${ods}`);
  return { patientId, issuer: ods, nhsNumber, name, birthDate, sex };
}
