/** The day bucket of a study in digests: edge and hub must agree on it to the letter. */
import { UNDATED } from './contract/events.ts';

/** True for a date of the calendar in DICOM's form, YYYYMMDD. PS3.5 §6.2, VR DA. */
export function isDicomDate(text: string): boolean {
  if (!/^\d{8}$/.test(text)) return false;
  const [year, month, day] = [text.slice(0, 4), text.slice(4, 6), text.slice(6)].map(Number);
  const date = new Date(Date.UTC(2000, (month ?? 0) - 1, day));
  date.setUTCFullYear(year ?? 0, (month ?? 0) - 1, day);
  return date.getUTCMonth() === (month ?? 0) - 1 && date.getUTCDate() === day;
}

/** YYYYMMDD, or `undated` when StudyDate is absent or no date. */
export function acquisitionDay(studyDate: string | null): string {
  return studyDate !== null && isDicomDate(studyDate) ? studyDate : UNDATED;
}
