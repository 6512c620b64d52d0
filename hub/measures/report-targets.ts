/** Within how many hours a report is due, as the site has agreed it: `measures.reportTargets` of hub.yaml. BI-14. */
import { quoted } from './store.ts';

export interface ReportTarget {
  /** Absent, and so below: any. */
  readonly modality?: string | undefined;
  /** P1 to P5. */
  readonly band?: string | undefined;
  readonly setting?: string | undefined;
  readonly hours: number;
}

/** SQL of the hours for a row of examinations; the first that fits, null where none does. */
export function targetHoursSql(targets: readonly ReportTarget[]): string {
  if (targets.length === 0) return 'NULL::DOUBLE';
  const cases = targets.map(({ hours, ...of }) => {
    const told = Object.entries(of).flatMap(([name, value]) =>
      value === undefined ? [] : [`${name} = ${quoted(value)}`],
    );
    return `WHEN ${told.length === 0 ? 'true' : told.join(' AND ')} THEN ${hours}::DOUBLE`;
  });
  return `CASE ${cases.join(' ')} END`;
}
