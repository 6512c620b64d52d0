/** A DIDS record as it is submitted: 18 columns without a line of headings. Version 1 of the data set. */

export const DIDS_FIELDS = [
  'nhsNumber',
  'nhsNumberStatus',
  'birthDate',
  'ethnicCategory',
  'gender',
  'postcode',
  'practice',
  'sourceSetting',
  'referrer',
  'referringOrganisation',
  'requestDate',
  'receivedDate',
  'testDate',
  'nicip',
  'snomed',
  'reportDate',
  'site',
  'accession',
] as const;

export type DidsField = (typeof DIDS_FIELDS)[number];
export type DidsRecord = Readonly<Record<DidsField, string>>;

/** The codes that reference data of the site hold; what is not given is not checked. */
export interface DidsReference {
  /** NICIP code to its SNOMED CT code, and until when it is in use (`YYYY-MM-DD`, null: still). */
  readonly nicip?: ReadonlyMap<
    string,
    { readonly snomed: string | null; readonly until: string | null }
  >;
  readonly snomed?: ReadonlyMap<string, { readonly until: string | null }>;
  /** ODS codes of referrers, practices and sites, and until when they are open. */
  readonly referringOrganisations?: ReadonlyMap<string, { readonly until: string | null }>;
  readonly practices?: ReadonlyMap<string, { readonly until: string | null }>;
  readonly sites?: ReadonlyMap<string, { readonly until: string | null }>;
  readonly postcodes?: ReadonlySet<string>;
}

export interface DidsFinding {
  /** Line of the file, from 1 on; 0: the file itself. */
  readonly line: number;
  readonly code: string;
  readonly kind: 'reject' | 'warning';
  readonly field: DidsField | null;
  readonly what: string;
}
