/** What a benchmark says: one JSON line for machines, a sentence for people. */
import { cpus } from 'node:os';

export interface BenchResult {
  readonly name: string;
  readonly value: number;
  readonly unit: string;
  /** `value` over the peer's, measured in the same run. */
  readonly ratio?: number;
  readonly against?: string;
  readonly runs: number;
  /** Further numbers, by name with unit. */
  readonly [more: string]: unknown;
}

export function tell(result: BenchResult, json: boolean): void {
  const [cpu] = cpus();
  const machine = { node: process.version, cpu: `${cpus().length} × ${cpu?.model ?? 'unknown'}` };
  if (json) {
    process.stdout.write(`${JSON.stringify({ ...result, ...machine })}\n`);
    return;
  }
  for (const [name, value] of Object.entries({ ...result, ...machine }))
    process.stdout.write(
      `${name.padEnd(34)} ${typeof value === 'object' ? JSON.stringify(value) : value}\n`,
    );
}

/** Progress of a long run; never on stdout. */
export function say(text: string): void {
  process.stderr.write(`${text}\n`);
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2;
}

/** @param share 0.99 for p99 */
export function percentile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.ceil(sorted.length * share) - 1)] ?? Number.NaN;
}

export const rounded = (value: number, digits = 2): number => Number(value.toFixed(digits));
