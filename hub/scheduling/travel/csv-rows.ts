/** A CSV file with a header, row by row, however large. */
import { createReadStream } from 'node:fs';
import { parse } from 'csv-parse';
import { TravelDataError } from './travel-data-error.ts';

/** By the names of the header, in lower case. */
export type Row = Readonly<Record<string, string>>;

/** @throws TravelDataError `TRAVEL_DATA_UNREADABLE` */
export async function* csvRows(file: string): AsyncGenerator<Row> {
  const columns = (names: string[]): string[] => names.map((name) => name.trim().toLowerCase());
  const rows = parse({ columns, bom: true, trim: true });
  const source = createReadStream(file).on('error', (error) => rows.destroy(error));
  try {
    yield* source.pipe(rows) as AsyncIterable<Row>;
  } catch (cause) {
    throw new TravelDataError('TRAVEL_DATA_UNREADABLE', file, { cause });
  }
}
