/** The last report, in `<dataDirectory>/doctor.json`: for the status page, and for whoever asks while the edge is down. */
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { codeOf } from '../../shared/errors.ts';
import type { DoctorReport } from './finding.ts';

const fileOf = (dataDirectory: string): string => join(dataDirectory, 'doctor.json');

/** A full disk keeps it from being kept, not from being told. */
export function keepReport(dataDirectory: string, report: DoctorReport): void {
  const file = fileOf(dataDirectory);
  try {
    writeFileSync(`${file}.new`, JSON.stringify(report), { mode: 0o640 });
    renameSync(`${file}.new`, file);
  } catch (error) {
    if (codeOf(error) === 'BUG') throw error;
  }
}

/** Undefined: none was made yet, or it can't be read. */
export function readReport(dataDirectory: string): DoctorReport | undefined {
  try {
    return JSON.parse(readFileSync(fileOf(dataDirectory), 'utf8')) as DoctorReport;
  } catch {
    return undefined;
  }
}
