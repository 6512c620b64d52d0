/**
 * De-identifies files, or a folder of them, into another folder.
 *
 *   all files ─► who is who (aliases.ts) ─► each file ─┬─ clean ─► OUT/<study>/<object>.dcm
 *                                                      └─ withheld ─► OUT/held, with the reason
 *
 * Read twice: what one object calls its patient is looked for in all of his. An input is never written to.
 */
import type { Clock } from '../../shared/clock.ts';
import { GatewayError } from '../../shared/errors.ts';
import { IdentifierSearch } from '../../shared/identifier-search.ts';
import { Transcoder } from '../transcode/transcoder.ts';
import { Aliases } from './aliases.ts';
import { DeidentifyError } from './deidentify-error.ts';
import { ObjectDeidentifier, type ProjectRules } from './deidentify-object.ts';
import { FileMemory, type InputFile, inputFiles, openInput } from './input-files.ts';
import type { Mask } from './masks.ts';
import { withMaskablePixels } from './native-pixels.ts';
import type { ProfileOption } from './options.ts';
import { OutputFolder, type RunIdentity, refuseOverlaps } from './output-folder.ts';
import { openProjectKey } from './project-key.ts';
import { Pseudonyms } from './pseudonyms.ts';
import { type Report, ReportBuilder } from './report.ts';
import { readSubject, type Subject } from './subject.ts';
import { WithheldError } from './withheld.ts';

export interface RunSettings {
  readonly input: string;
  readonly output: string;
  readonly project: string;
  readonly keyFile: string;
  readonly profile: 'basic';
  readonly options: readonly ProfileOption[];
  readonly masks: readonly Mask[];
  readonly clock: Clock;
  readonly onProgress: (progress: Progress) => void;
}

export interface Progress {
  readonly phase: 'reading' | 'writing';
  readonly done: number;
  readonly of: number;
  readonly held: number;
}

/** @throws DeidentifyError when it can't begin, or its disk fails */
export async function deidentifyFolder(settings: RunSettings): Promise<Report> {
  const { input, project, keyFile } = settings;
  refuseOverlaps({ input, output: settings.output, keyFile });
  const files = filesOf(input);
  const pseudonyms = new Pseudonyms(openProjectKey(keyFile, project));
  const identity: RunIdentity = {
    ...{ project, profile: settings.profile, options: settings.options.map(({ name }) => name) },
    keyMark: pseudonyms.identifier('project', project),
  };
  const output = new OutputFolder(settings.output, identity);
  const report = new ReportBuilder(identity, files.length, settings.clock);
  const transcoder = new Transcoder({ directory: output.scratch });
  const run = new FolderRun(settings, files, { output, report, pseudonyms, transcoder });
  try {
    await output.writeReport(report.build(false));
    await run.readAll();
    await run.writeAll();
    const whole = report.build(true);
    await output.writeReport(whole);
    return whole;
  } catch (error) {
    throw withoutPaths(error);
  } finally {
    await transcoder.stop();
    output.close();
  }
}

/** What the system says of a disk that failed names files, and they may be named after patients. */
function withoutPaths(error: unknown): unknown {
  const { code, syscall } = error as NodeJS.ErrnoException;
  if (syscall === undefined) return error;
  return new DeidentifyError('OUTPUT_FAILED', `the output can not be written: ${code}`);
}

function filesOf(input: string): InputFile[] {
  try {
    return inputFiles(input);
  } catch (cause) {
    throw new DeidentifyError('INPUT_MISSING', `${input} can not be read`, { cause });
  }
}

interface RunParts {
  readonly output: OutputFolder;
  readonly report: ReportBuilder;
  readonly pseudonyms: Pseudonyms;
  readonly transcoder: Transcoder;
}

class FolderRun {
  readonly #settings: RunSettings;
  readonly #files: readonly InputFile[];
  readonly #parts: RunParts;
  readonly #rules: ProjectRules;
  readonly #aliases = new Aliases();
  readonly #memory = new FileMemory();
  /** Of the patient at work: most files of a folder are of the same as the one before. */
  readonly #searches = new Map<number, IdentifierSearch>();

  constructor(settings: RunSettings, files: readonly InputFile[], parts: RunParts) {
    this.#settings = settings;
    this.#files = files;
    this.#parts = parts;
    const { options, masks } = settings;
    this.#rules = { options, masks, pseudonyms: parts.pseudonyms };
  }

  /** Who is who. What can't be read says so when its turn to be written comes. */
  async readAll(): Promise<void> {
    await this.#forEach('reading', async (file) => {
      try {
        this.#aliases.add(await readSubject(openInput(file, this.#memory)));
      } catch (error) {
        if (!(error instanceof GatewayError)) throw error;
      }
    });
  }

  async writeAll(): Promise<void> {
    await this.#forEach('writing', (file) => this.#write(file));
  }

  async #write(file: InputFile): Promise<void> {
    const { output, report, pseudonyms } = this.#parts;
    let study = '';
    try {
      const source = openInput(file, this.#memory);
      const subject = await readSubject(source);
      study = this.#newStudyUID(subject);
      const patientKey = this.#aliases.keyOf(subject);
      const search = this.#searchFor(subject);
      const { dataSetOffset, dataSetBytes } = source;
      await withMaskablePixels(
        { source, subject, file: file.path, dataSetOffset, dataSetBytes },
        { rules: this.#rules, transcoder: this.#parts.transcoder },
        async (native) => {
          const object = new ObjectDeidentifier(this.#rules, { ...native, patientKey, search });
          const written = await output.writeClean(
            { study: object.studyInstanceUID, object: object.sopInstanceUID },
            object.bytes(),
          );
          report.addClean(study, object.changes, written);
        },
      );
    } catch (error) {
      if (!(error instanceof GatewayError)) throw error;
      const { code, message } = error;
      report.addHeld(study, code);
      const isReadable = !(error instanceof WithheldError && code === 'NOT_A_FILE');
      output.writeHeld(pseudonyms.identifier('file', file.name), isReadable ? file.path : null, {
        code,
        reason: message,
        source: file.path,
      });
    }
  }

  #newStudyUID({ studyInstanceUID }: Subject): string {
    const keepsUIDs = this.#rules.options.some(({ name }) => name === 'retain-uids');
    return keepsUIDs ? studyInstanceUID : this.#parts.pseudonyms.uid(studyInstanceUID);
  }

  #searchFor(subject: Subject): IdentifierSearch {
    const { id, identifiers } = this.#aliases.identifiersOf(subject);
    const known = this.#searches.get(id);
    if (known !== undefined) return known;
    if (this.#searches.size > 100) this.#searches.clear();
    const search = new IdentifierSearch(identifiers);
    this.#searches.set(id, search);
    return search;
  }

  async #forEach(
    phase: Progress['phase'],
    step: (file: InputFile) => Promise<void>,
  ): Promise<void> {
    for (const [n, file] of this.#files.entries()) {
      await step(file);
      const { held } = this.#parts.report;
      this.#settings.onProgress({ phase, done: n + 1, of: this.#files.length, held });
    }
  }
}
