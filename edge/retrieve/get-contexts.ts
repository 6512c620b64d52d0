/**
 * In which presentation contexts a PACS may store at us within a C-GET: 128 an association, two of them for the
 * request itself. PS3.4 C.5.3, PS3.7 D.3.3.4.
 *
 * Of known SOP classes one context for each transfer syntax, so that every object comes as it is kept; else the
 * classes that are most used, native or in whatever compression the PACS likes best.
 */
import type { WantedContext } from '../dimse/scu.ts';
import type { PacsObjects } from './inventory.ts';

const MAX_CONTEXTS = 126;
const NATIVE = ['1.2.840.10008.1.2.1', '1.2.840.10008.1.2'];
/** PS3.6 table A-1, the frequent ones first: JPEG, JPEG-LS, JPEG 2000, RLE, video, HTJ2K, deflated, big endian. */
const COMPRESSED = [
  ...['4.70', '4.50', '4.51', '4.90', '4.91', '4.80', '4.81', '4.57'].map(underTransferSyntax),
  ...['5', '4.102', '4.103', '4.100', '4.101', '4.107'].map(underTransferSyntax),
  ...['4.201', '4.202', '4.203', '1.99', '2'].map(underTransferSyntax),
];
/** Under 1.2.840.10008.5.1.4.1.1. PS3.4 table B.5-1. */
const FREQUENT = [
  ...['2', '4', '1', '1.1', '6.1', '3.1', '7', '12.1', '12.2', '20', '128', '1.2', '1.2.1', '1.3'],
  ...[
    '2.1',
    '2.2',
    '4.1',
    '4.2',
    '4.3',
    '4.4',
    '6.2',
    '7.1',
    '7.2',
    '7.3',
    '7.4',
    '1.1.1',
    '1.3.1',
  ],
  ...[
    '12.1.1',
    '12.2.1',
    '13.1.1',
    '13.1.2',
    '13.1.3',
    '14.1',
    '14.2',
    '130',
    '128.1',
    '30',
    '11.1',
  ],
  ...['66', '66.1', '66.4', '66.5', '67', '88.11', '88.22', '88.33', '88.50', '88.59', '88.67'],
  ...['104.1', '104.2', '77.1.1', '77.1.2', '77.1.4', '77.1.4.1', '77.1.5.1', '77.1.6', '9.1.1'],
  ...['481.1', '481.2', '481.3', '481.5'],
].map((last) => `1.2.840.10008.5.1.4.1.1.${last}`);

function underTransferSyntax(last: string): string {
  return `1.2.840.10008.1.2.${last}`;
}

const AS_STORE_SCP = { scu: false, scp: true } as const;

export function getContexts(objects: PacsObjects | undefined): WantedContext[] {
  const classes = [...(objects?.values() ?? [])].map(({ sopClassUID }) => sopClassUID);
  const known = [...new Set(classes)].filter((uid) => uid !== '');
  const isKnown = known.length > 0 && !classes.includes('');
  const groups = groupsFor(isKnown ? known.length : FREQUENT.length);
  return (isKnown ? known : FREQUENT)
    .flatMap((abstractSyntaxUID) =>
      groups.map((transferSyntaxUIDs) => ({
        ...{ abstractSyntaxUID, transferSyntaxUIDs },
        roles: AS_STORE_SCP,
      })),
    )
    .slice(0, MAX_CONTEXTS);
}

/** As many contexts for a class as there is room for. */
function groupsFor(classes: number): string[][] {
  const each = Math.floor(MAX_CONTEXTS / classes);
  if (each > COMPRESSED.length) return [NATIVE, ...COMPRESSED.map((syntax) => [syntax])];
  if (each < 2) return [NATIVE];
  const single = COMPRESSED.slice(0, each - 2).map((syntax) => [syntax]);
  return [NATIVE, ...single, COMPRESSED.slice(each - 2)];
}
