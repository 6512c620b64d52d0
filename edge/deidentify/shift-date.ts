/** Dates moved back by whole days; times and zones stay. PS3.5 §6.2 DA, DT. */

const DAY_MS = 86_400_000;

/** @returns null for what is no date */
export function shiftDate(text: string, days: number): string | null {
  const match = /^(\d{4})\.?(\d{2})\.?(\d{2})$/.exec(text.trim());
  if (match === null) return null;
  const [, year = '', month = '', day = ''] = match;
  return moved(Number(year), Number(month), Number(day), days);
}

/** Of a date without day or month, what it had is given back. @returns null for what is no date-time */
export function shiftDateTime(text: string, days: number): string | null {
  const match = /^(\d{4})(\d{2})?(\d{2})?(.*)$/.exec(text.trim());
  if (match === null) return null;
  const [, year = '', month, day, rest = ''] = match;
  const shifted = moved(Number(year), Number(month ?? 1), Number(day ?? 1), days);
  if (shifted === null || !/^[\d.&+-]*$/.test(rest)) return null;
  const given = year.length + (month?.length ?? 0) + (day?.length ?? 0);
  return `${shifted.slice(0, given)}${rest}`;
}

function moved(year: number, month: number, day: number, days: number): string | null {
  const at = Date.UTC(year, month - 1, day);
  const back = new Date(at);
  if (back.getUTCMonth() !== month - 1 || back.getUTCDate() !== day) return null;
  return new Date(at - days * DAY_MS).toISOString().slice(0, 10).replaceAll('-', '');
}
