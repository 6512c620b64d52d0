/** Which version of a report is in force, decided alike at the edge and at the hub. HL-07 of the domain notes. */
import type { ReportStatus } from './events.ts';

export interface IssuedVersion {
  readonly version: number;
  readonly status: ReportStatus;
  /** RFC 3339. */
  readonly issuedAt: string;
}

/** At the same moment a correction is newer than what it corrects. */
const RANK: Readonly<Record<ReportStatus, number>> = {
  preliminary: 0,
  final: 1,
  corrected: 2,
  withdrawn: 3,
};

/**
 * The newest by its issue; a preliminary one only while there is no other, however late it is.
 *
 * @returns undefined when there is none
 */
export function inForce<V extends IssuedVersion>(versions: readonly V[]): V | undefined {
  return versions.toSorted(newestFirst)[0];
}

export function newestFirst(a: IssuedVersion, b: IssuedVersion): number {
  const preliminary = Number(a.status === 'preliminary') - Number(b.status === 'preliminary');
  if (preliminary !== 0) return preliminary;
  if (a.issuedAt !== b.issuedAt) return a.issuedAt > b.issuedAt ? -1 : 1;
  return RANK[b.status] - RANK[a.status] || b.version - a.version;
}
