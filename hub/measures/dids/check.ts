/** A DIDS file before it is submitted: what would be rejected, and what warned of. Pure. */
import { parseCsv } from './csv.ts';
import {
  DIDS_FIELDS,
  type DidsField,
  type DidsFinding,
  type DidsRecord,
  type DidsReference,
} from './fields.ts';
import { type Checked, DIDS_RULES, daysOf } from './rules.ts';

const DATES: readonly DidsField[] = [
  'birthDate',
  'requestDate',
  'receivedDate',
  'testDate',
  'reportDate',
];

export interface DidsReport {
  readonly records: number;
  /** Records that would be rejected. */
  readonly rejected: number;
  readonly warned: number;
  readonly findings: readonly DidsFinding[];
}

/** @param submitted the day of submission, `YYYY-MM-DD` */
export function checkDids(
  text: string,
  { submitted, reference }: { submitted: string; reference: DidsReference },
): DidsReport {
  const rows = parseCsv(text);
  const isHeading = /nhs[ _]?number/i.test(rows[0]?.cells[0] ?? '');
  const lines = isHeading ? rows.slice(1) : rows;
  const odd = lines.filter(({ cells }) => cells.length !== DIDS_FIELDS.length);
  if (odd.length > 0 || lines.length === 0)
    return ofFile(lines.length, odd[0]?.line ?? 0, odd[0]?.cells.length ?? 0);
  const records = lines.map(({ cells, line }) => ({ line, record: recordOf(cells) }));
  return checkRecords(records, { submitted, reference });
}

export interface DidsLine {
  /** Under which its findings are told; from 1 on. */
  readonly line: number;
  readonly record: DidsRecord;
}

/** @param fields that the records have; rules about others are passed over. Absent: all */
export function checkRecords(
  lines: readonly DidsLine[],
  {
    submitted,
    reference,
    fields = DIDS_FIELDS,
  }: { submitted: string; reference: DidsReference; fields?: readonly DidsField[] },
): DidsReport {
  const today = daysOf(submitted);
  const month = daysOf(`${submitted.slice(0, 7)}-01`);
  const rules = DIDS_RULES.filter(({ field }) => fields.includes(field));
  const findings = lines.flatMap(({ line, record }) => {
    const checked: Checked = { record, days: datesOf(record), reference, submitted: today, month };
    return rules
      .filter((rule) => rule.isBroken(checked))
      .map(({ code, kind, field, what }) => ({ ...{ line, code, kind, field, what } }));
  });
  const all = [...findings, ...duplicates(lines)].sort((a, b) => a.line - b.line);
  const count = (kind: DidsFinding['kind']): number =>
    new Set(all.filter((one) => one.kind === kind).map(({ line }) => line)).size;
  return {
    ...{ records: lines.length, rejected: count('reject'), warned: count('warning') },
    findings: all,
  };
}

function ofFile(records: number, line: number, columns: number): DidsReport {
  const what =
    records === 0
      ? 'the file holds no record'
      : `the file has ${columns} columns in line ${line}; they have to be ${DIDS_FIELDS.length}: nothing else was checked`;
  const finding: DidsFinding = { line, code: 'DIDS075', kind: 'reject', field: null, what };
  return { records, rejected: records, warned: 0, findings: [finding] };
}

function recordOf(cells: readonly string[]): DidsRecord {
  const entries = DIDS_FIELDS.map((field, at) => [field, (cells[at] ?? '').trim()] as const);
  return Object.fromEntries(entries) as DidsRecord;
}

function datesOf(record: DidsRecord): Checked['days'] {
  const days = DATES.map((field) => [field, daysOf(record[field])] as const);
  return Object.fromEntries(days.filter(([, day]) => !Number.isNaN(day)));
}

/** Every record of a pair of accession number and site that comes twice. */
function duplicates(lines: readonly DidsLine[]): DidsFinding[] {
  const places = new Map<string, number[]>();
  for (const { line, record } of lines) {
    const { accession, site } = record;
    if (accession === '' || site === '') continue;
    const key = `${accession.toUpperCase()}\n${site.toUpperCase()}`;
    places.set(key, [...(places.get(key) ?? []), line]);
  }
  return [...places.values()]
    .filter((all) => all.length > 1)
    .flatMap((all) =>
      all.map((line) => ({
        line,
        code: 'DIDS071',
        kind: 'reject' as const,
        field: 'accession' as const,
        what: `the same accession number and site as in line ${all
          .filter((other) => other !== line)
          .join(', ')}`,
      })),
    );
}
