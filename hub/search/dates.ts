/** Dates between DICOM (`20260131`, `101500.25`) and the API (`2026-01-31`, `10:15:00`). PS3.5 §6.2 DA, TM. */

/**
 * Reads a date in either form.
 *
 * @returns YYYYMMDD, or null for what is not a day of the calendar
 */
export function readDate(text: string): string | null {
  const match = /^(\d{4})(-?)(\d{2})\2(\d{2})$/.exec(text.trim());
  if (match === null) return null;
  const [, year = '', , month = '', day = ''] = match;
  const date = new Date(Date.UTC(Number(year), Number(month) - 1, Number(day)));
  const exists = date.getUTCMonth() === Number(month) - 1 && date.getUTCDate() === Number(day);
  return exists && Number(year) > 0 ? year + month + day : null;
}

/** `2026-01-31`, or null for a date that is absent or malformed in the object. */
export function isoDate(stored: string | null): string | null {
  const date = stored === null ? null : readDate(stored);
  return date === null ? null : `${date.slice(0, 4)}-${date.slice(4, 6)}-${date.slice(6)}`;
}

/** `10:15:00`, to the precision that was stored; null for a time that is absent or malformed. */
export function isoTime(stored: string | null): string | null {
  const match = /^([01]\d|2[0-3])(?::?([0-5]\d)(?::?([0-5]\d|60))?)?/.exec(stored ?? '');
  if (match === null) return null;
  const [, hours, minutes = '00', seconds = '00'] = match;
  return `${hours}:${minutes}:${seconds}`;
}
