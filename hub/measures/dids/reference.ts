/** Reference data of a site, from CSV files in a folder; which of them are there decides what is checked. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseCsv } from './csv.ts';
import type { DidsReference } from './fields.ts';
import { plainPostcode } from './rules.ts';

type Dated = ReadonlyMap<string, { readonly until: string | null }>;

/**
 * `nicip.csv` (code, snomed, until), `snomed.csv`, `referring-organisations.csv`, `practices.csv`, `sites.csv` (code,
 * until), `postcodes.csv` (postcode); until: the last day of use, `YYYY-MM-DD`, or empty. Without headings.
 */
export function readDidsReference(folder: string): DidsReference {
  const rows = (name: string): readonly (readonly string[])[] | undefined => {
    const file = join(folder, `${name}.csv`);
    return existsSync(file)
      ? parseCsv(readFileSync(file, 'utf8')).map(({ cells }) => cells)
      : undefined;
  };
  const dated = (name: string): Dated | undefined => {
    const found = rows(name)?.map(
      ([code = '', until = '']) => [code, { until: until || null }] as const,
    );
    return found && new Map(found);
  };
  const nicip = rows('nicip')?.map(
    ([code = '', snomed = '', until = '']) =>
      [code, { snomed: snomed || null, until: until || null }] as const,
  );
  const postcodes = rows('postcodes')?.map(([postcode = '']) => plainPostcode(postcode));
  return {
    ...(nicip && { nicip: new Map(nicip) }),
    ...given('snomed', dated('snomed')),
    ...given('referringOrganisations', dated('referring-organisations')),
    ...given('practices', dated('practices')),
    ...given('sites', dated('sites')),
    ...(postcodes && { postcodes: new Set(postcodes) }),
  };
}

const given = (name: keyof DidsReference, value: Dated | undefined): Partial<DidsReference> =>
  value === undefined ? {} : { [name]: value };
