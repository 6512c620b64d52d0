/** `cdip hub dids-check FILE`: a DIDS file before it is submitted. Needs no hub and no configuration. */
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { checkDids, type DidsReport } from '../measures/dids/check.ts';
import { readDidsReference } from '../measures/dids/reference.ts';
import { daysOf } from '../measures/dids/rules.ts';

const USAGE = `Usage: cdip hub dids-check FILE [--submitted YYYY-MM-DD] [--reference FOLDER] [--json]

  FILE          18 columns, version 1 of the data set; a line of headings is passed over
  --submitted   the day of submission; today if it is left out
  --reference   folder with nicip.csv, snomed.csv, sites.csv, practices.csv, referring-organisations.csv, postcodes.csv

Exit 0: nothing would be rejected; 1: something would.
`;
const EXIT_USAGE = 64;

/** @param today `YYYY-MM-DD` @returns the exit code */
export function didsCheck(args: readonly string[], today: string): number {
  let given: ReturnType<typeof read>;
  let text: string;
  try {
    given = read(args);
    text = readFileSync(given.positionals[0] ?? '', 'utf8');
    checkOptions(given.values);
  } catch (error) {
    process.stderr.write(`cdip hub dids-check: ${(error as Error).message}\n\n${USAGE}`);
    return EXIT_USAGE;
  }
  const { submitted = today, reference, json } = given.values;
  const report = checkDids(text, {
    submitted,
    reference: reference === undefined ? {} : readDidsReference(reference),
  });
  process.stdout.write(json === true ? `${JSON.stringify(report)}\n` : inWords(report));
  process.stderr.write(
    `${report.records} records: ${report.rejected} would be rejected, ${report.warned} have a warning\n`,
  );
  return report.findings.some(({ kind }) => kind === 'reject') ? 1 : 0;
}

/** What is mistyped would leave rules unchecked, and look like a clean file. */
function checkOptions({ submitted, reference }: ReturnType<typeof read>['values']): void {
  if (submitted !== undefined && Number.isNaN(daysOf(submitted)))
    throw new Error(`--submitted "${submitted}" is no date; write it as 2026-06-20`);
  if (reference === undefined) return;
  const known = readDidsReference(reference);
  if (Object.keys(known).length === 0)
    throw new Error(`--reference "${reference}" holds none of the files of reference data`);
}

function read(args: readonly string[]) {
  const options = {
    submitted: { type: 'string' },
    reference: { type: 'string' },
    json: { type: 'boolean' },
    config: { type: 'string' },
  } as const;
  return parseArgs({ args: [...args], options, allowPositionals: true });
}

const inWords = ({ findings }: DidsReport): string =>
  findings
    .map(
      ({ line, code, kind, field, what }) =>
        `line ${line}\t${code}\t${kind}\t${field ?? ''}\t${what}\n`,
    )
    .join('');
