/** A study as a query answers it, wherever it is known from. Text by tag, as DICOM writes it. */

/** PS3.3 C.4.23.1.1. */
export type Availability = 'ONLINE' | 'NEARLINE';

export type Values = ReadonlyMap<number, string>;

export interface FoundSeries {
  readonly seriesInstanceUID: string;
  readonly values: Values;
}

export interface FoundStudy {
  readonly studyInstanceUID: string;
  readonly home: string;
  readonly availability: Availability;
  /** Of the study and its patient. */
  readonly values: Values;
  /** As far as the index, or the hub, knows them. */
  readonly series: () => readonly FoundSeries[];
  /** Of one of its series; undefined: not known here. */
  readonly instances: (seriesInstanceUID: string) => readonly Values[] | undefined;
}
