/** `cdip hub|edge audit verify [--anchors FILE]`, `audit anchors`: the same for both. */
import { readFileSync } from 'node:fs';
import * as z from 'zod';
import { rfc3339, systemClock } from '../clock.ts';
import { codeOf } from '../errors.ts';
import { type Anchor, AnchorSchema, keptAnchors } from './anchors.ts';
import { AuditTrail } from './trail.ts';
import { type AuditVerdict, verifyAudit } from './verify.ts';

const EXIT_BROKEN = 1;
const LineSchema = AnchorSchema.extend({ of: z.string() });

export interface AuditCommand {
  readonly dataDirectory: string;
  /** Whose trail it is: an ODS code, or HUB. */
  readonly of: string;
}

/** @param anchorsFile what `audit anchors` printed here or elsewhere @returns the exit code */
export function verifyTrail(
  { dataDirectory, of }: AuditCommand,
  anchorsFile: string | undefined,
): number {
  const anchors = anchorsFile === undefined ? [] : anchorsOf(readFileSync(anchorsFile, 'utf8'), of);
  let lastRead = 0;
  const tell = (read: number, last: number): void => {
    lastRead = read;
    process.stderr.write(`${read} of ${last} rows read\n`);
  };
  let verdict: AuditVerdict;
  try {
    verdict = verifyAudit(dataDirectory, tell, anchors);
  } catch (error) {
    return unreadable(lastRead, codeOf(error));
  }
  const { rows, head, fault } = verdict;
  process.stdout.write(`${JSON.stringify({ rows, digest: head.digest, fault })}\n`);
  if (anchorsFile !== undefined)
    process.stderr.write(`${anchors.length} ends of this trail were compared.\n`);
  if (fault === null) {
    process.stderr.write(`The audit trail is whole: ${rows} rows.\n`);
    return 0;
  }
  process.stderr.write(
    `The audit trail is broken at row ${fault.seq} (${fault.code}). Keep a copy of the data directory and tell the privacy officer.\n`,
  );
  return EXIT_BROKEN;
}

/** The file is damaged, a table of it is gone, or it is something else. */
function unreadable(lastRead: number, why: string): number {
  const fault = { code: 'TRAIL_UNREADABLE', seq: lastRead + 1 };
  process.stdout.write(`${JSON.stringify({ rows: lastRead, digest: null, fault })}\n`);
  process.stderr.write(
    `The audit trail can not be read behind row ${lastRead} (${why}). Keep a copy of the data directory and tell the privacy officer.\n`,
  );
  return EXIT_BROKEN;
}

/**
 * Prints the end of this trail, and what is kept here of others': a line of JSON each.
 *
 * @param others whose trails' ends are kept here @returns the exit code
 */
export function printAnchors(
  { dataDirectory, of }: AuditCommand,
  others: readonly string[],
): number {
  const trail = new AuditTrail(dataDirectory, systemClock);
  try {
    const { seq, digest } = trail.head();
    print({ of, seq, digest, at: rfc3339(systemClock.now()) });
    for (const other of others)
      for (const anchor of keptAnchors(trail, other)) print({ of: other, ...anchor });
  } finally {
    trail.close();
  }
  return 0;
}

const print = (line: object): void => void process.stdout.write(`${JSON.stringify(line)}\n`);

/** @throws SyntaxError, ZodError for a file that is none */
function anchorsOf(text: string, of: string): Anchor[] {
  return text
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((line) => LineSchema.parse(JSON.parse(line)))
    .filter((line) => line.of === of);
}
