/**
 * What the index knows, as the rest of the edge reads it.
 *
 * - *home*: the trust that acquired a study. Equal to the edge's own trust for what its modalities
 *   sent; another trust's code for a copy. (study UID, home) is a study's key, so that an own study
 *   and a fetched copy of it never mix.
 * - *content digest*: SHA-256 of the data set's bytes as they lie in the spool.
 * - *home digest*: SHA-256 of the data set's bytes at its home. Equals the content digest for own
 *   objects; differs for a copy, which was coerced. Set hashes are made of home digests.
 */
import type { Fault } from '../spool/quarantine.ts';

/** One object in the spool. Paths are relative to `<dataDirectory>/spool`. */
export interface StoredInstance {
  readonly sopInstanceUID: string;
  readonly sopClassUID: string;
  readonly studyInstanceUID: string;
  readonly seriesInstanceUID: string;
  readonly home: string;
  readonly transferSyntaxUID: string;
  readonly path: string;
  /** Where the data set begins in the file: behind the preamble and the file meta information. */
  readonly dataSetOffset: number;
  readonly dataSetBytes: number;
  readonly contentDigest: string;
  readonly homeDigest: string;
  readonly instanceNumber: number | null;
}

/** What recording an object came to. */
export type RecordOutcome =
  | { readonly kind: 'stored' }
  /** The same bytes were there already: success, nothing changed. */
  | { readonly kind: 'duplicate'; readonly of: StoredInstance }
  /** The same SOP Instance UID with other content: kept beside, the first stays current. */
  | { readonly kind: 'conflict'; readonly with: StoredInstance }
  /** The caller's own check found something: nothing was recorded, and the file lies where it lay. */
  | { readonly kind: 'fault'; readonly fault: Fault };

/** A patient of this trust, as its own objects name them. */
export interface LocalPatientRow {
  readonly patientId: string;
  readonly issuer: string;
  readonly nhsNumber: string | null;
  readonly patientName: string | null;
  readonly birthDate: string | null;
  readonly sex: string | null;
}
