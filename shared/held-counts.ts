/**
 * What a trust holds of a study, when part of it is known only from its PACS. Edge and hub count alike:
 * an object that lies in the spool and in the PACS is one.
 */

/** What a PACS answers of a study. Null: it does not say. */
export interface Nearline {
  readonly series: number | null;
  readonly instances: number | null;
  readonly modalities: readonly string[];
}

export interface HeldCounts {
  readonly series: number;
  readonly instances: number;
}

/** @param spool what lies in the edge's spool @param nearline null: no PACS is known to hold it */
export function heldCounts(spool: HeldCounts, nearline: Nearline | null | undefined): HeldCounts {
  return {
    series: Math.max(spool.series, nearline?.series ?? 0),
    instances: Math.max(spool.instances, nearline?.instances ?? 0),
  };
}
