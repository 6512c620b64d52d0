/** The doctor of a running edge: every night by itself, and when he is asked. One examination at a time. */
import type { Log } from '../../shared/log.ts';
import { Gauge, type Registry } from '../../shared/metrics.ts';
import { zoneOf } from '../../shared/time-zone.ts';
import { type Examination, examine } from './examine.ts';
import type { DoctorReport } from './finding.ts';
import { keepReport, readReport } from './last-report.ts';

const LOOK_MS = 600_000;
/** Local hours in which few are at work. */
const NIGHT = { from: 2, to: 5 } as const;
/** The last examination is older than this: it is due in the coming night. */
const DUE_MS = 20 * 3_600_000;

export interface DoctorParts extends Omit<Examination, 'isRunning'> {
  readonly log: Log;
  readonly metrics: Registry;
}

export class Doctor {
  readonly #parts: DoctorParts;
  #examining: Promise<DoctorReport> | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(parts: DoctorParts) {
    this.#parts = parts;
    const last = (): DoctorReport | undefined => this.last();
    new Gauge({
      name: 'cdip_doctor_faults',
      help: 'Faults that the last examination found',
      registers: [parts.metrics],
      collect() {
        this.set(last()?.faults ?? 0);
      },
    });
  }

  start(): void {
    this.#timer = setInterval(() => void this.#look(), LOOK_MS);
    this.#timer.unref();
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await this.#examining;
  }

  /** Undefined: nobody has examined yet. */
  last(): DoctorReport | undefined {
    return readReport(this.#parts.config.dataDirectory);
  }

  /** Whoever asks while one is under way gets that one. */
  examine(): Promise<DoctorReport> {
    this.#examining ??= this.#examine().finally(() => {
      this.#examining = undefined;
    });
    return this.#examining;
  }

  async #look(): Promise<void> {
    const now = this.#parts.clock.now();
    const { timeZone } = this.#parts.config.hl7;
    const local = new Date(now + zoneOf(timeZone).offsetMinutes(now) * 60_000).getUTCHours();
    const lastAt = Date.parse(this.last()?.at ?? '1970-01-01T00:00:00Z');
    if (local >= NIGHT.from && local < NIGHT.to && now - lastAt > DUE_MS) await this.examine();
  }

  async #examine(): Promise<DoctorReport> {
    const { config, log } = this.#parts;
    const report = await examine({ ...this.#parts, isRunning: true });
    keepReport(config.dataDirectory, report);
    const codes = report.findings.filter(({ state }) => state !== 'ok').map(({ code }) => code);
    const { faults, warnings } = report;
    log.info('doctor.examined', { faults, warnings, codes: codes.join(' ') });
    return report;
  }
}
