/** Value Representations. PS3.5 §6.2 and table 7.1-1. */

/** Those whose explicit form has two reserved bytes and a length of 32 bits. */
const LONG = ['OB', 'OD', 'OF', 'OL', 'OV', 'OW', 'SQ', 'SV', 'UC', 'UN', 'UR', 'UT', 'UV'];
const SHORT = [
  ...['AE', 'AS', 'AT', 'CS', 'DA', 'DS', 'DT', 'FD', 'FL', 'IS', 'LO', 'LT', 'PN', 'SH', 'SL'],
  ...['SS', 'ST', 'TM', 'UI', 'UL', 'US'],
];

interface VrForm {
  readonly vr: string;
  readonly isLong: boolean;
}

const FORMS = new Map<number, VrForm>(
  [...LONG.map((vr) => ({ vr, isLong: true })), ...SHORT.map((vr) => ({ vr, isLong: false }))].map(
    (form) => [codeOfVr(form.vr), form],
  ),
);

function codeOfVr(vr: string): number {
  return (vr.charCodeAt(0) << 8) | vr.charCodeAt(1);
}

/** What writers of an unknown VR put there: a header of 8 bytes, as PS3.5 §7.1.2 has it for most. */
const BLANK = new Map<number, VrForm>(
  ['\0\0', '  ', '??', '--'].map((vr) => [codeOfVr(vr), { vr: 'UN', isLong: false }]),
);

/**
 * The VR of two bytes. One that is not known yet has the long form (PS3.5 §7.1.2); undefined for bytes
 * that are no VR at all.
 */
export function vrOfBytes(first: number, second: number): VrForm | undefined {
  const known = FORMS.get((first << 8) | second);
  if (known !== undefined) return known;
  if (!isCapital(first) || !isCapital(second)) return BLANK.get((first << 8) | second);
  return { vr: String.fromCharCode(first, second), isLong: true };
}

const isCapital = (byte: number): boolean => byte >= 0x41 && byte <= 0x5a;

/** True for VRs whose explicit header has 12 bytes. */
export function hasLongForm(vr: string): boolean {
  return FORMS.get(codeOfVr(vr))?.isLong ?? true;
}
