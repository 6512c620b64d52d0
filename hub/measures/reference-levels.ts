/**
 * Diagnostic reference levels: the national ones, as they were published, and those that a site or the network
 * lays in as `level.csv`. Which examination of these a code of the RIS is, `code.csv` says (`examination`).
 *
 * Levels are for the typical dose of a group of adults; one patient above one is no fault.
 */
import { quoted, type Store } from './store.ts';

/**
 * What a level is of, as columns of the fact: CTDIvol is the mean of the sequences, the glandular dose that of the
 * exposures; DLP, DAP and the administered activity are sums.
 */
export const QUANTITIES = {
  ctdivol_mgy: { title: 'CTDIvol', unit: 'mGy' },
  dlp_mgycm: { title: 'DLP', unit: 'mGy·cm' },
  dap_gycm2: { title: 'DAP', unit: 'Gy·cm²' },
  glandular_mgy: { title: 'Glandular dose', unit: 'mGy' },
  activity_mbq: { title: 'Administered activity', unit: 'MBq' },
} as const;
type Quantity = keyof typeof QUANTITIES;

const NDRL = {
  source: 'UKHSA, National Diagnostic Reference Levels, table 1: adult CT, adopted 2022',
  version: '2024-11-20',
} as const;

/** By examination: CTDIvol per sequence, DLP per complete examination; null: none is recommended. */
const ADULT_CT: Readonly<Record<string, readonly [ctdivol: number | null, dlp: number]>> = {
  'ct-head-stroke': [47, 790],
  'ct-sinuses': [12, 160],
  'ct-cervical-spine': [16, 400],
  'ct-neck-chest-abdomen-pelvis': [null, 850],
  'ct-chest': [8.5, 290],
  'ct-chest-abdomen': [null, 470],
  'ct-chest-high-resolution': [8, 300],
  'ct-chest-abdomen-pelvis': [null, 660],
  'ct-pulmonary-angiography': [9.1, 310],
  'ct-abdomen-pelvis': [10, 530],
  'ct-colonography': [null, 690],
  'ct-kidneys-ureters-bladder': [6.3, 290],
  'ct-urogram': [null, 890],
};

const nationalRows = Object.entries(ADULT_CT).flatMap(([examination, [ctdivol, dlp]]) => {
  const row = (quantity: Quantity, level: number): string =>
    `(${[examination, quantity].map(quoted).join(', ')}, ${level}::DOUBLE, ${quoted(NDRL.source)}, ${quoted(NDRL.version)})`;
  return [...(ctdivol === null ? [] : [row('ctdivol_mgy', ctdivol)]), row('dlp_mgycm', dlp)];
});

/** Each level in force: what was laid in last, before the national ones; of no trust, then its trust is ''. */
const IN_FORCE = `
  SELECT DISTINCT ON (trust, examination, quantity) * EXCLUDE (place) FROM (
    SELECT '' AS trust, *, -1 AS place
      FROM (VALUES ${nationalRows.join(', ')}) v(examination, quantity, level, source, version)
    UNION ALL
    SELECT coalesce(trust, ''), examination, quantity, level, source, version, rowid FROM told_level
      WHERE level > 0)
  ORDER BY trust, examination, quantity, place DESC`;

/** By trust and examination, SQL. */
export const LEVELS = `
  SELECT trust, examination, ${Object.keys(QUANTITIES)
    .map((name) => `max(level) FILTER (quantity = ${quoted(name)}) AS ${name}`)
    .join(', ')}
  FROM (${IN_FORCE}) GROUP BY trust, examination`;

export interface ReferenceLevel {
  /** Null: of the whole network. */
  readonly trust: string | null;
  readonly examination: string;
  readonly quantity: string;
  readonly level: number;
  readonly unit: string;
  readonly source: string;
  readonly version: string;
}

export async function levelsInForce(store: Store): Promise<ReferenceLevel[]> {
  const rows = await store.ask(`FROM (${IN_FORCE}) ORDER BY examination, quantity, trust`);
  return rows.flatMap(({ trust, examination, quantity, level, source, version }) => {
    const known = QUANTITIES[String(quantity) as Quantity];
    if (known === undefined) return [];
    return {
      trust: trust === '' ? null : String(trust),
      ...{ examination: String(examination), quantity: known.title, level: Number(level) },
      ...{ unit: known.unit, source: String(source), version: String(version) },
    };
  });
}
