/** The effect of one event on the rows; within the transaction that moves the cursor. */
import { acquisitionDay } from '../../shared/acquisition-day.ts';
import type { OrderedEvent, StudyEvent } from '../../shared/contract/events.ts';
import { heldCounts } from '../../shared/held-counts.ts';
import { applyDigest } from './apply-digest.ts';
import { applyRecord } from './apply-record.ts';
import { applyTeaching } from './apply-teaching.ts';
import type { Change } from './change.ts';
import type { ProjectionStatements } from './statements.ts';

export interface Applied {
  readonly changes: readonly Change[];
  /** Days of which the rows differ from what the trust says; to be asked again. */
  readonly differing: readonly string[];
}

export function applyEvent(
  statements: ProjectionStatements,
  event: OrderedEvent,
  now: string,
): Applied {
  const { trust } = event;
  statements.toBeCounted(event);
  // The measures alone count it.
  if ('overtaken' in event && event.overtaken === true) return { changes: [], differing: [] };
  switch (event.kind) {
    case 'study':
      applyStudy(statements, event, now);
      return {
        changes: [
          {
            ...{ kind: 'study', trust, studyInstanceUID: event.studyInstanceUID },
            isWithdrawn: event.deleted && event.home === trust,
          },
        ],
        differing: [],
      };
    case 'digest': {
      const differing = applyDigest(statements, event, now);
      return { changes: [{ kind: 'completeness', trust }], differing };
    }
    case 'receipt':
      statements.receipt.run(event.fetchId, trust, event.state, event.at, JSON.stringify(event));
      return { changes: [{ kind: 'fetch', fetchId: event.fetchId }], differing: [] };
    case 'booking':
      statements.risAnswer.run({ ...event, trust });
      return {
        changes: [{ kind: 'ris-answer', trust, bookingId: event.bookingId }],
        differing: [],
      };
    case 'dose':
      // The measures alone count it.
      return { changes: [], differing: [] };
    case 'teaching':
      applyTeaching(statements, event);
      return { changes: [], differing: [] };
    case 'patient':
    case 'order':
    case 'report':
    case 'appointment':
    case 'encounter':
      return { changes: [applyRecord(statements, event, now)], differing: [] };
  }
}

/** The event is the study's whole state. */
function applyStudy(statements: ProjectionStatements, event: StudyEvent, now: string): void {
  const { trust, studyInstanceUID, home } = event;
  if (event.deleted) {
    statements.deleteStudy.run(trust, studyInstanceUID, home);
    if (home === trust) statements.withdraw.run(studyInstanceUID, home, event.at);
    return;
  }
  if (home === trust) statements.restore.run(studyInstanceUID, home);
  const { patient, series, nearline, completeBy, performed: _, ...study } = event;
  const held = heldCounts({ series: series.length, instances: event.instances }, nearline);
  statements.upsertStudy.run({
    ...study,
    ...patient,
    quiet: Number(event.quiet),
    complete: completeBy === undefined ? null : (completeBy ?? 'no'),
    level: event.confidentiality ?? null,
    deleted: 0,
    modalities: modalitiesOf(event),
    seriesCount: held.series,
    instances: held.instances,
    onlineInstances: event.instances,
    nearlineSeries: nearline?.series ?? null,
    nearlineInstances: nearline?.instances ?? null,
    nearlineModalities: nearline?.modalities.join('\\') ?? null,
    day: acquisitionDay(event.studyDate),
    rejected: event.rejected?.length ? JSON.stringify(event.rejected) : null,
    appliedAt: now,
  });
  statements.deleteSeries.run(trust, studyInstanceUID, home);
  for (const one of series) statements.insertSeries.run({ ...one, trust, studyInstanceUID, home });
}

/** Distinct, sorted, a backslash between them. */
function modalitiesOf({ series, nearline }: StudyEvent): string {
  const ofObjects = series.flatMap(({ modality }) => (modality === null ? [] : [modality]));
  const modalities = [...ofObjects, ...(nearline?.modalities ?? [])];
  return [...new Set(modalities)].sort().join('\\');
}
