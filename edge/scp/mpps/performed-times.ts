/** When a step began and ended, by the modality's clock on the wall. PS3.4 Table F.7.2-1. Pure. */
import type { SmallDataSet } from '../../../shared/dicom/small-data-set.ts';
import { utcOfLocal, type ZonedClock } from '../../../shared/time-zone.ts';

const TimeTag = {
  TimezoneOffsetFromUTC: 0x0008_0201,
  PerformedProcedureStepStartDate: 0x0040_0244,
  PerformedProcedureStepStartTime: 0x0040_0245,
  PerformedProcedureStepEndDate: 0x0040_0250,
  PerformedProcedureStepEndTime: 0x0040_0251,
} as const;

const MINUTE_MS = 60_000;

export interface PerformedTimes {
  /** Milliseconds since the epoch; null: not told, or no such time. */
  readonly startedAt: number | null;
  readonly endedAt: number | null;
}

/** @param zone of the site, where the step names no offset from UTC */
export function performedTimes(given: SmallDataSet, zone: ZonedClock): PerformedTimes {
  const offset = offsetOf(given.text(TimeTag.TimezoneOffsetFromUTC));
  const at = (date: number, time: number): number | null => {
    const wall = wallOf(given.text(date), given.text(time));
    if (wall === null) return null;
    return offset === null ? utcOfLocal(wall, zone) : wall - offset * MINUTE_MS;
  };
  return {
    startedAt: at(TimeTag.PerformedProcedureStepStartDate, TimeTag.PerformedProcedureStepStartTime),
    endedAt: at(TimeTag.PerformedProcedureStepEndDate, TimeTag.PerformedProcedureStepEndTime),
  };
}

/** What the wall shows, as milliseconds of UTC. DA and TM, PS3.5 §6.2. */
function wallOf(date: string | undefined, time: string | undefined): number | null {
  const day = /^(\d{4})(\d{2})(\d{2})$/.exec(date?.trim() ?? '');
  const clock = /^(\d{2})(\d{2})(\d{2})?(\.\d{1,6})?$/.exec(time?.trim() ?? '');
  if (day === null || clock === null) return null;
  const [, year, month, date2] = day;
  const [, hours, minutes, seconds = '00'] = clock;
  const wall = Date.parse(`${year}-${month}-${date2}T${hours}:${minutes}:${seconds}Z`);
  return Number.isNaN(wall) ? null : wall;
}

function offsetOf(text: string | undefined): number | null {
  const found = /^([+-])(\d{2})(\d{2})$/.exec(text?.trim() ?? '');
  if (found === null) return null;
  const [, sign, hours, minutes] = found;
  return (Number(hours) * 60 + Number(minutes)) * (sign === '-' ? -1 : 1);
}
