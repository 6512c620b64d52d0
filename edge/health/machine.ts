/**
 * How the machine does: load, memory, descriptors, the event loop. From node:os, /proc and perf_hooks, which
 * cost microseconds and start no program.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { availableParallelism, freemem, loadavg, totalmem } from 'node:os';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import type { MachineHealth } from '../../shared/contract/health.ts';

const RESOLUTION_MS = 20;

export class MachineWatch {
  readonly #loop = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  readonly #fileLimit = fileLimit();

  start(): void {
    this.#loop.enable();
  }

  stop(): void {
    this.#loop.disable();
  }

  /** Of the time since the last look. */
  look(): MachineHealth {
    const p99 = this.#loop.percentile(99) / 1e6 - RESOLUTION_MS;
    this.#loop.reset();
    const [load = 0] = loadavg();
    return {
      cpu: load / availableParallelism(),
      memory: 1 - availableMemory() / totalmem(),
      rssBytes: process.memoryUsage.rss(),
      eventLoopMs: Number.isFinite(p99) ? Math.max(0, Math.round(p99)) : 0,
      files: this.#fileLimit === null ? null : openFiles() / this.#fileLimit,
    };
  }
}

/** What programs can still get, caches given back; os.freemem leaves those out on Linux. */
function availableMemory(): number {
  const text = read('/proc/meminfo');
  const [, kilobytes] = /^MemAvailable: +(\d+) kB$/m.exec(text) ?? [];
  return kilobytes === undefined ? freemem() : Number(kilobytes) * 1024;
}

function fileLimit(): number | null {
  const [, soft] = /^Max open files +(\d+)/m.exec(read('/proc/self/limits')) ?? [];
  return soft === undefined ? null : Number(soft);
}

function openFiles(): number {
  try {
    return readdirSync('/proc/self/fd').length;
  } catch {
    return 0;
  }
}

function read(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}
