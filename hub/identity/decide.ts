/** A person's decision on a pair, written to the log and waited for until it stands in the rows. */
import { type Clock, rfc3339 } from '../../shared/clock.ts';
import { hubSubject } from '../../shared/contract/subjects.ts';
import type { Sqlite } from '../../shared/sqlite/open.ts';
import type { NetworkLog } from '../log/network-log.ts';
import { type IdentityDecision, lastDecisionOn, pairId } from './decisions.ts';
import { type IdentityKey, keyText } from './identities.ts';

export interface IdentityDecisionsOptions {
  readonly networkLog: Pick<NetworkLog, 'append'>;
  readonly db: Sqlite;
  readonly untilDecided: (streamSeq: number) => Promise<void>;
  readonly clock: Clock;
}

export interface GivenDecision {
  readonly pair: readonly [IdentityKey, IdentityKey];
  readonly decision: IdentityDecision['decision'];
  readonly by: string;
  readonly reason: string;
}

/** @throws LogError `LOG_CONFLICT` when somebody was quicker, `LOG_UNAVAILABLE` */
export async function decideIdentity(
  { networkLog, db, untilDecided, clock }: IdentityDecisionsOptions,
  { pair, decision, by, reason }: GivenDecision,
): Promise<void> {
  const [a = '', b = ''] = pair.map(keyText).toSorted();
  const at = rfc3339(clock.now());
  const body: IdentityDecision = { v: 1, a, b, decision, by, reason, at };
  const expectedLastSeq = lastDecisionOn(db, a, b);
  const subject = hubSubject('identity', pairId(a, b));
  await untilDecided(await networkLog.append(subject, body, { expectedLastSeq }));
}
