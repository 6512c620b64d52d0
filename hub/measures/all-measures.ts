/** Every measure, in the order of the domain notes. */
import { activity } from './definitions/activity.ts';
import { alerts } from './definitions/alerts.ts';
import { backlog } from './definitions/backlog.ts';
import { cancellations } from './definitions/cancellations.ts';
import { crossNetwork } from './definitions/cross-network.ts';
import { dataQuality } from './definitions/data-quality.ts';
import { didNotAttend } from './definitions/did-not-attend.ts';
import { discrepancies } from './definitions/discrepancies.ts';
import { dose } from './definitions/dose.ts';
import { doseReports } from './definitions/dose-reports.ts';
import { examsByHour } from './definitions/exams-by-hour.ts';
import { fasterDiagnosis } from './definitions/faster-diagnosis.ts';
import { outsourced } from './definitions/outsourced.ts';
import { priorFound } from './definitions/prior-found.ts';
import { refill } from './definitions/refill.ts';
import { repeatImaging } from './definitions/repeat-imaging.ts';
import { reportTurnaround } from './definitions/report-turnaround.ts';
import { requestToExam } from './definitions/request-to-exam.ts';
import { slotUse } from './definitions/slot-use.ts';
import { transfers } from './definitions/transfers.ts';
import { waitingList } from './definitions/waiting-list.ts';
import { waitingPerformance } from './definitions/waiting-performance.ts';
import type { Measure } from './measure.ts';

export const MEASURES: readonly Measure[] = [
  ...[waitingList, waitingPerformance, activity, requestToExam, reportTurnaround, backlog],
  ...[slotUse, examsByHour, didNotAttend, cancellations, refill, transfers, priorFound],
  ...[repeatImaging, outsourced, crossNetwork, dose, doseReports, alerts, discrepancies],
  fasterDiagnosis,
  dataQuality,
];

/** By its id, in any case of letters. */
export const measureOf = (id: string): Measure | undefined =>
  MEASURES.find((measure) => measure.id === id.toUpperCase());
