/**
 * Writes profile.generated.ts, PS3.15 table E.1-1, out of a machine-readable reading of it:
 * `node edge/deidentify/profile.generate.ts confidentiality_profile_attributes.json EDITION`.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

interface Row {
  readonly id: string;
  readonly basicProfile: string;
  readonly [column: string]: string;
}

/** The columns of the options, and the names that this program has for them. */
const COLUMNS = {
  rtnSafePrivOpt: 'safe-private',
  rtnUIDsOpt: 'uids',
  rtnDevIdOpt: 'device',
  rtnInstIdOpt: 'institution',
  rtnPatCharsOpt: 'patient-characteristics',
  rtnLongFullDatesOpt: 'full-dates',
  rtnLongModifDatesOpt: 'modified-dates',
  cleanDescOpt: 'descriptors',
  cleanStructContOpt: 'structured-content',
  cleanGraphOpt: 'graphics',
} as const;

const [file = '', edition = ''] = process.argv.slice(2);
const rows = JSON.parse(readFileSync(file, 'utf8')) as Row[];
const lines = rows
  .map((row) => {
    const options = Object.entries(COLUMNS)
      .filter(([column]) => row[column] !== undefined)
      .map(([column, name]) => `${name}:${row[column]}`);
    const tag = row.id.startsWith('gggg') ? 'private' : row.id;
    return [tag, row.basicProfile, ...options].join(' ');
  })
  .sort();
writeFileSync(
  join(import.meta.dirname, 'profile.generated.ts'),
  `/** Made by profile.generate.ts: tag, action of the Basic Profile, and the actions of the options that change it. */
export const PROFILE_EDITION = '${edition}';
export const PROFILE_ROWS = \`\\
${lines.join('\n')}
\`;
`,
);
