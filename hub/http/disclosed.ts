/** Refusals for want of a relationship, and what an answer says of what it left out. ID-20 to ID-22. */
import * as z from 'zod';
import type { Decision } from '../access/decide.ts';
import { mayBreakGlass, type Principal } from '../access/rules.ts';
import type { WithheldNote } from '../relations/disclosure.ts';
import { HttpProblem } from './problem.ts';

/** What of an answer was left out, by reason. */
export const WithheldAnswer = z.array(
  z.object({
    reason: z
      .enum(['NO_RELATIONSHIP', 'RESTRICTED'])
      .describe('Nothing makes the asker concerned with the patient; or it is restricted'),
    studies: z.int().positive(),
    region: z.string().optional(),
    months: z.array(z.string().nullable()).optional().describe('Of restricted studies: YYYY-MM'),
  }),
);

export function withheldJson({ unrelated, restricted }: WithheldNote): object[] {
  const region = restricted[0]?.region;
  return [
    ...(unrelated === 0 ? [] : [{ reason: 'NO_RELATIONSHIP', studies: unrelated }]),
    ...(region === undefined
      ? []
      : [
          {
            ...{ reason: 'RESTRICTED', studies: restricted.length, region },
            months: restricted.map(({ month }) => month),
          },
        ]),
  ];
}

/**
 * The problem that a refusal is answered with. What must not be known to exist is answered as absent.
 *
 * @param decisions none of which shows anything
 */
export function refusalFor(
  decisions: readonly Decision[],
  asker: Principal,
  absent: () => HttpProblem,
  studyInstanceUID?: string,
): HttpProblem {
  const why = decisions.flatMap((one) => (one.kind === 'withheld' ? [one.why] : []));
  const members = mayBreakGlass(asker) ? { breakGlass: '/api/break-glass', studyInstanceUID } : {};
  const how = mayBreakGlass(asker)
    ? ' If it has to be seen now, open it in an emergency: that is reviewed.'
    : '';
  if (why.includes('relationship'))
    return new HttpProblem(
      'RELATIONSHIP_NEEDED',
      `No order, booking, admission, meeting or fetch of ${asker.trust ?? 'the network'} concerns this patient.${how}`,
      { members },
    );
  if (why.includes('restricted'))
    return new HttpProblem('RESTRICTED', `This record is restricted.${how}`, { members });
  return absent();
}

/** @throws HttpProblem `RELATIONSHIP_NEEDED`, `RESTRICTED`, or what `absent` makes */
export function requireShown(
  decision: Decision,
  asker: Principal,
  absent: () => HttpProblem,
): void {
  if (decision.kind === 'withheld') throw refusalFor([decision], asker, absent);
}
