/**
 * `cdip deidentify IN OUT …`: the de-identifier on files or folders. What is asked for is checked before
 * anything is read; progress and the outcome go to stderr, the report with `--json` to stdout.
 */
import { parseArgs } from 'node:util';
import { systemClock } from '../../shared/clock.ts';
import { deidentifyFolder, type Progress } from '../deidentify/folder-run.ts';
import { type Mask, readMasks } from '../deidentify/masks.ts';
import { PROFILE_OPTIONS, type ProfileOption, readOptions } from '../deidentify/options.ts';
import type { Report } from '../deidentify/report.ts';

const EXIT_USAGE = 64;
const PROGRESS_EVERY_MS = 1_000;

const USAGE = `Usage: cdip deidentify IN OUT --project NAME --key-file F [--profile basic] [--option NAME …]

  IN                a file or a folder of DICOM files; nothing in it is changed
  OUT               gets the clean objects, report.json, and in held what is withheld, with the reason
  --key-file F      the project's key; made when it is not there. Keep it apart; deleting it cuts the link for good
  --option NAME     of PS3.15 Annex E, as often as needed:
${PROFILE_OPTIONS.map(({ name }) => `                      ${name}\n`).join('')}\
  --masks FILE      where devices write into their pictures, for clean-pixel-data (installers/samples/masks.yaml)
  --json            the report on stdout
`;

const OPTIONS = {
  project: { type: 'string' },
  'key-file': { type: 'string' },
  profile: { type: 'string', default: 'basic' },
  option: { type: 'string', multiple: true },
  masks: { type: 'string' },
  json: { type: 'boolean', default: false },
} as const;

/** @returns the exit code: 0 when every input is clean or held @throws DeidentifyError */
export async function runDeidentify(args: readonly string[]): Promise<number> {
  const given = readArguments(args);
  if (typeof given === 'string') return refuse(given);
  const report = await deidentifyFolder({
    ...given,
    profile: 'basic',
    clock: systemClock,
    onProgress: progressTeller(),
  });
  if (given.json) process.stdout.write(`${JSON.stringify(report)}\n`);
  say(summaryOf(report));
  return 0;
}

interface Given {
  readonly input: string;
  readonly output: string;
  readonly project: string;
  readonly keyFile: string;
  readonly options: readonly ProfileOption[];
  readonly masks: readonly Mask[];
  readonly json: boolean;
}

/** @returns what is wrong with them, as a string */
function readArguments(args: readonly string[]): Given | string {
  try {
    const { values, positionals } = parseArgs({
      ...{ args: [...args], options: OPTIONS, allowPositionals: true },
    });
    const [input, output, ...more] = positionals;
    const { project, json, masks } = values;
    const keyFile = values['key-file'];
    if (input === undefined || output === undefined || more.length > 0)
      return 'IN and OUT are needed, and no more';
    if (project === undefined || keyFile === undefined)
      return '--project NAME and --key-file F are needed';
    if (values.profile !== 'basic') return `there is no profile ${values.profile}, only basic`;
    const read = readOptions(values.option ?? []);
    if ('fault' in read) return read.fault;
    const { options } = read;
    if (masks !== undefined && !options.some(({ name }) => name === 'clean-pixel-data'))
      return '--masks needs --option clean-pixel-data';
    return {
      ...{ input, output, project, keyFile, options, json },
      masks: masks === undefined ? [] : readMasks(masks),
    };
  } catch (error) {
    const isUsage = (error as NodeJS.ErrnoException).code?.startsWith('ERR_PARSE_ARGS') === true;
    if (isUsage) return (error as Error).message;
    throw error;
  }
}

function progressTeller(): (progress: Progress) => void {
  let last = systemClock.monotonicMs();
  return ({ phase, done, of, held }) => {
    const now = systemClock.monotonicMs();
    if (now - last < PROGRESS_EVERY_MS) return;
    last = now;
    say(
      `${phase === 'reading' ? 'reading who is who' : 'writing'}: ${done} of ${of} files, ${held} held`,
    );
  };
}

function summaryOf({ inputs, clean, held, reasons }: Report): string {
  const why = Object.entries(reasons).map(([code, count]) => `${code} ${count}`);
  const because = why.length === 0 ? '' : ` (${why.join(', ')})`;
  return `${inputs} files: ${clean} clean, ${held} held${because}`;
}

const say = (text: string): boolean => process.stderr.write(`${text}\n`);

function refuse(why: string): number {
  process.stderr.write(`cdip deidentify: ${why}\n\n${USAGE}`);
  return EXIT_USAGE;
}
