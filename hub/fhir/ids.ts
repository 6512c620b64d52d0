/** Ids of FHIR R4 (letters, digits, `-` and `.`, 64 at most) for names that may hold anything. */

const PLAIN = /^(?!x-)[A-Za-z0-9.-]{1,64}$/;

/** As it is where it may be one; else its bytes in hexadecimal digits behind `x-`. */
export const fhirId = (name: string): string =>
  PLAIN.test(name) ? name : `x-${Buffer.from(name, 'utf8').toString('hex')}`;

export const nameOfFhirId = (id: string): string =>
  /^x-([0-9a-f]{2})+$/.test(id) ? Buffer.from(id.slice(2), 'hex').toString('utf8') : id;

/** The id of a reference to a resource of this server, relative or absolute; null for another type. */
export function idOfReference(reference: string, type: string): string | null {
  const parts = reference.split('/');
  return parts.at(-2) === type ? nameOfFhirId(parts.at(-1) ?? '') : null;
}

/** A diary is one Schedule. */
export const scheduleName = (resource: string, date: string): string => `${resource}.${date}`;

export function diaryOfSchedule(name: string): { resource: string; date: string } | null {
  const match = /^(.+)\.(\d{4}-\d{2}-\d{2})$/.exec(name);
  return match === null ? null : { resource: match[1] ?? '', date: match[2] ?? '' };
}
