/**
 * What an Orthanc was sent, by its own word and at once, also what it has already: a script of it writes a line for
 * each object that comes in.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

export interface Arrival {
  readonly at: number;
  readonly sopInstanceUID: string;
  readonly studyInstanceUID: string;
  readonly seriesInstanceUID: string;
  readonly patientId: string;
  readonly birthDate: string;
  readonly modality: string;
  /** The number of the study, of its images. */
  readonly number: number;
  /** The number of the object. */
  readonly times: number;
}

const FIELDS = [
  ...['SOPInstanceUID', 'StudyInstanceUID', 'SeriesInstanceUID', 'PatientID'],
  ...['PatientBirthDate', 'Modality', 'KVP'],
];
const LINE = /ARRIVED ([^\n]*)\n/g;

/** @returns the configuration of an Orthanc that tells what arrives */
export function tellingArrivals(directory: string): { LuaScripts: string[] } {
  const file = join(directory, 'arrivals.lua');
  const values = FIELDS.map((field) => `(dicom['${field}'] or '')`).join(" .. '|' .. ");
  const script = `function ReceivedInstanceFilter(dicom)\n  print('ARRIVED ' .. ${values})\n  return true\nend\n`;
  writeFileSync(file, script);
  return { LuaScripts: [file] };
}

export class Arrivals {
  readonly #all = new Map<string, Arrival>();
  /** A line that is not whole yet. */
  #rest = '';

  /** Takes what the program says, in pieces. */
  hear(text: string): void {
    const heard = this.#rest + text;
    let end = 0;
    for (const match of heard.matchAll(LINE)) {
      end = match.index + match[0].length;
      this.#add(match[1] ?? '');
    }
    this.#rest = heard.slice(Math.max(end, heard.lastIndexOf('\n') + 1));
  }

  /** In the order in which they came first. */
  get all(): readonly Arrival[] {
    return [...this.#all.values()];
  }

  /** SOP Instance UIDs that came more than once. */
  get doubled(): readonly string[] {
    return this.all.filter(({ times }) => times > 1).map((one) => one.sopInstanceUID);
  }

  #add(line: string): void {
    const [
      sop = '',
      study = '',
      series = '',
      patientId = '',
      birthDate = '',
      modality = '',
      kvp = '',
    ] = line.split('|');
    const known = this.#all.get(sop);
    this.#all.set(sop, {
      ...{ at: performance.now(), sopInstanceUID: sop, studyInstanceUID: study },
      ...{ seriesInstanceUID: series, patientId, birthDate, modality, number: Number(kvp) },
      ...known,
      times: (known?.times ?? 0) + 1,
    });
  }
}
