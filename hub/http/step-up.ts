/**
 * Asks for a sign-in that is sure and fresh enough. A page leads to /sign-in/confirm and back; the API answers
 * 401 with the challenge of RFC 9470.
 */
import type { Principal } from '../access/rules.ts';
import { stepUpLacks, stepUpRuleFor } from '../access/step-up.ts';
import type { HttpParts } from './parts.ts';
import { HttpProblem } from './problem.ts';

/**
 * Call it on the page with the form too: who is sent away from a POST types everything again.
 *
 * @param purpose in words that follow "to": `look without a relationship`
 * @throws HttpProblem `STEP_UP_REQUIRED` (401); `FORBIDDEN` (403) for a machine
 */
export function requireStepUp(
  { config, clock }: Pick<HttpParts, 'config' | 'clock'>,
  principal: Principal,
  purpose: string,
): void {
  const rule = stepUpRuleFor(principal, config.signIn);
  const { authenticatedAt } = principal;
  if (authenticatedAt === undefined)
    throw new HttpProblem('FORBIDDEN', `Only a person who signed in may ${purpose}.`);
  if (rule === null || stepUpLacks(principal, rule, clock.now()) === null) return;
  const { assurance, maxAgeSeconds } = rule;
  throw new HttpProblem('STEP_UP_REQUIRED', `Confirm who you are to ${purpose}.`, {
    members: { assurance, maxAgeSeconds },
  });
}
