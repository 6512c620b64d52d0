/**
 * Whether somebody signed in surely and lately enough for what is grave: breaking the glass, signing off.
 * SE-03. Pure.
 */
import { CLOCKS_DIFFER_MS } from '../../shared/clock.ts';
import type { Assurance, Principal } from './rules.ts';

export interface StepUpRule {
  readonly assurance: Assurance;
  readonly maxAgeSeconds: number;
}

const RULE: StepUpRule = { assurance: 2, maxAgeSeconds: 300 };

export interface SignInRules {
  readonly oidc?: unknown;
  readonly stepUp?: StepUpRule | undefined;
}

/**
 * What is asked of this person; null: nothing. Who signed in by a link alone has no second proof to give:
 * it is asked of them only where the configuration says so, or where an identity provider is there for it.
 */
export function stepUpRuleFor({ method }: Principal, signIn: SignInRules): StepUpRule | null {
  if (signIn.stepUp !== undefined) return signIn.stepUp;
  return method === 'link' && signIn.oidc === undefined ? null : RULE;
}

/** Null: enough. A machine never is: nobody stands behind it. */
export function stepUpLacks(
  principal: Principal,
  rule: StepUpRule,
  nowMs: number,
): 'person' | 'assurance' | 'freshness' | null {
  const { assurance, authenticatedAt } = principal;
  if (assurance === undefined || authenticatedAt === undefined) return 'person';
  if (assurance < rule.assurance) return 'assurance';
  const ageMs = nowMs - authenticatedAt;
  // A proof of the future was given before the clock was set back: nobody knows how long ago.
  const isKnown = ageMs >= -CLOCKS_DIFFER_MS;
  return isKnown && ageMs < rule.maxAgeSeconds * 1000 ? null : 'freshness';
}
