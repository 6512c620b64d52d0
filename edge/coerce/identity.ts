/** Who a foreign study belongs to here, as the objects of the study are told. */

/** Fixed for a whole study before its first object is changed: IS-20 of the domain notes. */
export interface IdentityMapping {
  readonly patient: {
    /** `foreign`: nobody here; the identifier is the home's, marked. */
    readonly by: 'request' | 'nhsNumber' | 'foreign';
    readonly patientId: string;
    readonly issuer: string;
    /** Null: that element stays as the home has it. So below. */
    readonly patientName: string | null;
    /** YYYYMMDD. */
    readonly birthDate: string | null;
    readonly sex: string | null;
  };
  /** At most 16 characters. PS3.5 §6.2, SH. */
  readonly accessionNumber: string;
  /** The moment that the objects say they were changed at, RFC 3339. */
  readonly at: string;
}

/** The two sides of a copy. */
export interface Sides {
  /** ODS code of the trust that acquired the study. */
  readonly home: string;
  /** ODS code of the trust that receives it. */
  readonly trust: string;
  /** The receiver's assigning authority of Patient IDs; default the ODS code. */
  readonly namespace?: string | undefined;
  /** The same as an OID. */
  readonly oid?: string | undefined;
}

/** How this edge names itself in the objects that it changed. */
export const modifyingSystem = (trust: string): string => `CDIP_${trust}`;

/** DT in UTC with microseconds. PS3.5 §6.2. */
export function dicomDateTime(at: string): string {
  const digits = new Date(at).toISOString().replace(/[-:TZ]/g, '');
  return `${digits}000+0000`;
}
