/**
 * `cdip edge doctor`: a running edge examines itself, so that what it sees is what is told; while it is stopped the
 * command does. Exit 1 when there is a fault.
 */
import { systemClock } from '../../shared/clock.ts';
import { codeOf } from '../../shared/errors.ts';
import { holdDirectory } from '../../shared/sqlite/hold-directory.ts';
import { readNameKey, saidNames } from '../access/said-names.ts';
import type { EdgeConfig } from '../config.ts';
import { examine } from '../doctor/examine.ts';
import type { DoctorReport, Finding } from '../doctor/finding.ts';
import { keepReport } from '../doctor/last-report.ts';
import { ownPortInlet } from '../doctor/probe-inlet.ts';
import { localUrl } from './ask-edge.ts';
import { openToRead } from './open-to-read.ts';

const EXIT_FAULT = 1;
const LIVE_MS = 3_000;

export async function printDoctor(config: EdgeConfig, json: boolean): Promise<number> {
  process.stderr.write('Examining; a PACS may take a minute …\n');
  const report = (await ofRunningEdge(config)) ?? (await ofStoppedEdge(config));
  process.stdout.write(json ? `${JSON.stringify(report)}\n` : words(report));
  return report.faults > 0 ? EXIT_FAULT : 0;
}

/** Undefined: nobody answers who could say. */
async function ofRunningEdge(config: EdgeConfig): Promise<DoctorReport | undefined> {
  const url = localUrl(config);
  try {
    await fetch(`${url}/health/live`, { signal: AbortSignal.timeout(LIVE_MS) });
    const response = await fetch(`${url}/local/doctor`, { method: 'POST' });
    return response.ok ? ((await response.json()) as DoctorReport) : undefined;
  } catch {
    return undefined;
  }
}

async function ofStoppedEdge(config: EdgeConfig): Promise<DoctorReport> {
  const clock = systemClock;
  const db = openToRead(config.dataDirectory);
  try {
    const report = await examine({
      ...{ config, clock, db, inlet: ownPortInlet(config, clock) },
      says: saidNames(config, readNameKey(config.dataDirectory)),
      isRunning: isHeld(config.dataDirectory),
    });
    keepReport(config.dataDirectory, report);
    return report;
  } finally {
    db?.close();
  }
}

function isHeld(dataDirectory: string): boolean {
  try {
    holdDirectory(dataDirectory)();
    return false;
  } catch (error) {
    return codeOf(error) === 'DATA_DIRECTORY_IN_USE';
  }
}

function words({ trust, at, faults, warnings, findings }: DoctorReport): string {
  const head = `Edge of ${trust}, ${at}: ${faults} faults, ${warnings} warnings.\n`;
  return [head, ...findings.map(paragraph)].join('\n');
}

function paragraph({ state, check, about, code, what, why, mend }: Finding): string {
  const head = `${state.toUpperCase().padEnd(8)}${check}, ${about}: ${what}`;
  if (state === 'ok') return `${head}\n`;
  return `${head}\n        ${code}. ${why}\n        Mend: ${mend}\n`;
}
