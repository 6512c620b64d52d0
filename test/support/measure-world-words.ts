/** Words and people of the world that the measures are counted in (measure-world.ts). */

export const CODES = [
  ['CTHOR', 'CT', 'CHEST'],
  ['CHEAD', 'CT', 'HEAD'],
  ['MSPIN', 'MR', 'SPINE'],
  ['MHEAD', 'MR', 'HEAD'],
  ['UABDO', 'US', 'ABDOMEN'],
  ['UOBST', 'US', 'ABDOMEN'],
  ['XCHES', 'DX', 'CHEST'],
  ['FBAEN', 'RF', 'ABDOMEN'],
  ['ZDEXA', 'BMD', 'SPINE'],
] as const;
/** Of the reference levels of dose. */
export const EXAMINATIONS: Readonly<Record<string, string>> = {
  CTHOR: 'ct-chest',
  XCHES: 'xr-chest',
};
/** Beside the national ones: of the network, and of one trust. */
export const LEVELS = [
  ...[{ examination: 'xr-chest', quantity: 'dap_gycm2', level: 0.15 }],
  ...[{ trust: 'RRK', examination: 'ct-chest', quantity: 'dlp_mgycm', level: 700 }],
  ...[{ trust: 'RJE', examination: 'xr-chest', quantity: 'glandular_mgy', level: 1.6 }],
  ...[{ trust: 'RXK', examination: 'xr-chest', quantity: 'activity_mbq', level: 600 }],
].map((one) => ({ ...one, source: 'a survey', version: '1' }));
export const PRIORITIES = ['STAT', '2WW', 'URGENT', 'ROUTINE', 'ROUTINE', 'PLANNED', null] as const;
export const CLASSES = ['O', 'O', 'O', 'I', 'E', null] as const;
export const REASONS = [
  ...['Patient cannot come', 'Scanner down', 'No radiographer', 'Patient feels unwell', 'CX7'],
  ...['Not required any more', 'Moved house', null],
] as const;
export const SESSIONS = ['down', 'training', 'QA'] as const;

export interface Person {
  readonly nhsNumber: string | null;
  readonly number: number;
}

export const iso = (ms: number): string => new Date(ms).toISOString();

export function who(trust: string, { number, nhsNumber }: Person): object {
  const year = number % 9 === 0 ? '2015' : `19${String(30 + (number % 70)).padStart(2, '0')}`;
  const birthDate = `${year}0615`;
  return { patientId: `L${number}`, issuer: trust, nhsNumber, name: 'X', birthDate, sex: 'F' };
}

const wall = new Intl.DateTimeFormat('en-GB', {
  ...{ timeZone: 'Europe/London', year: 'numeric', month: '2-digit', day: '2-digit' },
  ...{ hour: '2-digit', minute: '2-digit', second: '2-digit', hourCycle: 'h23' },
} as Intl.DateTimeFormatOptions);

/** YYYYMMDDHHMMSS by the clock of the site. */
export function onTheWall(ms: number): string {
  const part = Object.fromEntries(wall.formatToParts(ms).map(({ type, value }) => [type, value]));
  return `${part['year']}${part['month']}${part['day']}${part['hour']}${part['minute']}${part['second']}`;
}

export interface WorldFetch {
  readonly order: Record<string, unknown>;
  readonly receipt: Record<string, unknown> | null;
}

export interface WorldView {
  readonly event: 'look' | 'search';
  readonly outcome: 0 | 4;
  readonly what: string;
  readonly trust: string | null;
  readonly studies: readonly string[];
  readonly at: string;
}

/** Within how many hours reports are due; the first that fits. */
export const WORLD_TARGETS = [
  { setting: 'emergency', hours: 24 },
  { modality: 'CT', band: 'P2', hours: 120 },
  { band: 'P2', hours: 240 },
];
