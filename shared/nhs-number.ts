/** The NHS number: ten digits, the last a check digit modulo 11. NHS Data Dictionary, NHS NUMBER. */

/**
 * Takes a number as people write it, `943 476 5919` or `943-476-5919`.
 *
 * @returns its ten digits, or null when it is not an NHS number
 */
export function readNhsNumber(text: string): string | null {
  const digits = text.replace(/[\s-]/g, '');
  // Ten times the same digit passes the check, and stands for "unknown" in many systems.
  if (!/^\d{10}$/.test(digits) || /^(\d)\1{9}$/.test(digits)) return null;
  let sum = 0;
  for (let at = 0; at < 9; at += 1) sum += Number(digits[at]) * (10 - at);
  const check = (11 - (sum % 11)) % 11;
  // A remainder that asks for the digit 10 belongs to no number that was ever issued.
  return check === Number(digits[9]) ? digits : null;
}

/** As it is printed: three, three, four. */
export function printNhsNumber(digits: string): string {
  return `${digits.slice(0, 3)} ${digits.slice(3, 6)} ${digits.slice(6)}`;
}

/** Who issues NHS numbers, as systems name it: the authority, the FHIR system, and the OID. */
const ISSUERS: ReadonlySet<string> = new Set([
  'NHS',
  'NHSNUMBER',
  'NHSNO',
  'HTTPS://FHIR.NHS.UK/ID/NHS-NUMBER',
  '2.16.840.1.113883.2.1.4.1',
]);

/** True for an assigning authority that issues NHS numbers. */
export function isNhsIssuer(issuer: string | null): boolean {
  return issuer !== null && ISSUERS.has(issuer.toUpperCase().replace(/[\s_]/g, ''));
}
