/** CSV as RFC 4180 has it, with lines of any ending. */

export interface CsvRow {
  /** From 1 on; of a row over several lines the first. */
  readonly line: number;
  readonly cells: readonly string[];
}

/** Rows that are not empty. A quote that is never closed ends with the text. */
export function parseCsv(text: string): CsvRow[] {
  const rows: CsvRow[] = [];
  const field = /(?:"((?:[^"]|"")*)(?:"|$)|([^,\r\n]*))(,|\r\n|\n|\r|$)/y;
  let cells: string[] = [];
  let line = 1;
  let first = 1;
  field.lastIndex = text.charCodeAt(0) === 0xfe_ff ? 1 : 0;
  while (field.lastIndex < text.length || cells.length > 0) {
    const found = field.exec(text);
    if (found === null) break;
    const [whole, quoted, plain, end] = found;
    cells.push(quoted?.replaceAll('""', '"') ?? plain ?? '');
    line += linesIn(whole);
    if (end === ',') continue;
    if (cells.length > 1 || cells[0] !== '') rows.push({ line: first, cells });
    cells = [];
    first = line;
  }
  return rows;
}

const linesIn = (text: string): number => text.match(/\r\n|\n|\r/g)?.length ?? 0;
