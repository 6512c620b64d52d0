/**
 * Counts the tests in a TAP stream as tap writes it. A test is a `t.test` that holds no other
 * `t.test`, or a file that has none; a file that fails outside its tests counts as one more failure.
 *
 *   run.ts ──text──► here ──► a line for each file, each failure with its path and diagnosis; the file that ended
 */

export interface Counts {
  passed: number;
  failed: number;
  skipped: number;
}

/** A subtest that has begun and not ended; a file is one too. */
interface Open {
  readonly title: string;
  readonly before: Counts;
  readonly failures: string[];
  /** It holds a subtest: only those are counted. */
  hasSubtest: boolean;
  /** Something inside has been counted as failed. */
  hasFailed: boolean;
}

interface Point {
  readonly depth: number;
  readonly title: string;
  readonly failed: boolean;
  /** The words behind SKIP or TODO; undefined without. */
  readonly skipped: string | undefined;
  readonly time: string;
}

const POINT = /^( *)(not )?ok \d+(?: - )?(.*?)(?: # (?:SKIP|TODO)\b ?(.*?))?(?: # time=(\S+))?$/i;
const INDENT = 4;

export class Tally {
  readonly counts: Counts = { passed: 0, failed: 0, skipped: 0 };
  readonly skipReasons = new Set<string>();
  readonly #print: (line: string) => void;
  readonly #fileEnded: (file: string) => void;
  readonly #open: Open[] = [];
  #rest = '';
  /** Where the lines after a failed point go: its diagnosis. */
  #diagnosis: string[] | undefined;

  constructor(print: (line: string) => void, fileEnded: (file: string) => void = () => {}) {
    this.#print = print;
    this.#fileEnded = fileEnded;
  }

  write(text: string): void {
    const lines = (this.#rest + text).split('\n');
    this.#rest = lines.pop() ?? '';
    for (const line of lines) this.#line(line);
  }

  endOfStream(): void {
    this.#line(this.#rest);
    this.#rest = '';
    this.#open.length = 0;
  }

  #line(text: string): void {
    const subtest = /^( *)# Subtest: (.*)$/.exec(text);
    const point = readPoint(text);
    if (subtest) this.#begin((subtest[1]?.length ?? 0) / INDENT, subtest[2] ?? '');
    else if (point) this.#point(point);
    else if (isDiagnosis(text)) this.#diagnosis?.push(`  ${text}`);
  }

  #begin(depth: number, title: string): void {
    const parent = this.#open[depth - 1];
    if (parent) parent.hasSubtest = true;
    const before = { ...this.counts };
    this.#open.length = depth;
    this.#open.push({ title, before, failures: [], hasSubtest: false, hasFailed: false });
    this.#diagnosis = undefined;
  }

  /** A line `ok` or `not ok`: it closes a subtest, or is an assertion, or stands for a skipped test. */
  #point(point: Point): void {
    const ended = this.#open[point.depth]?.title === point.title && this.#open[point.depth];
    this.#diagnosis = undefined;
    if (point.skipped !== undefined) this.#skip(point);
    else if (ended) this.#end(ended, point);
    else if (point.failed) this.#failAssertion(point);
    if (ended) this.#open.length = point.depth;
  }

  #skip({ depth, title, skipped }: Point): void {
    this.counts.skipped += 1;
    this.skipReasons.add([title, skipped].filter((text) => text !== '').join(': '));
    const parent = this.#open[depth - 1];
    if (parent) parent.hasSubtest = true;
  }

  #failAssertion({ depth, title }: Point): void {
    this.#diagnosis = this.#open[depth - 1]?.failures;
    this.#diagnosis?.push(`    ✖ ${title}`);
  }

  #end(test: Open, point: Point): void {
    const parent = this.#open[point.depth - 1];
    if (point.failed && parent) parent.hasFailed = true;
    if (!point.failed && !test.hasSubtest) this.counts.passed += 1;
    if (point.failed && !test.hasFailed) {
      this.counts.failed += 1;
      this.#print(`\n✖ ${this.#open.map((one) => one.title).join(' › ')}`);
    }
    for (const line of test.failures) this.#print(line);
    if (point.depth === 0) this.#endFile(test, point);
  }

  #endFile(file: Open, { failed, time }: Point): void {
    const passed = this.counts.passed - file.before.passed;
    const skipped = this.counts.skipped - file.before.skipped;
    const also = skipped > 0 ? `, ${skipped} skipped` : '';
    this.#print(`${failed ? '✖' : '✔'} ${file.title}  ${passed} passed${also}  ${time}`);
    this.#fileEnded(file.title);
  }
}

function readPoint(text: string): Point | undefined {
  const match = POINT.exec(text);
  if (!match) return undefined;
  const [, indent = '', not, title = '', skipped, time = ''] = match;
  return { depth: indent.length / INDENT, title, failed: not !== undefined, skipped, time };
}

/** What tap says of a failure, without the plan, comments and blank lines between tests. */
function isDiagnosis(text: string): boolean {
  return text.trim() !== '' && !/^ *(\d+\.\.\d+|#|TAP version)/.test(text);
}
