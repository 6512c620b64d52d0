/**
 * How often somebody may try: per address, and per account or client, in a minute. What stops guessing at one
 * account for longer is hub/access/accounts.ts.
 */
import rateLimit from '@fastify/rate-limit';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { HttpProblem } from './problem.ts';

export interface TryLimits {
  /** Counts a try. @throws HttpProblem `TOO_MANY_TRIES` (429) @param account as it was typed */
  count(request: FastifyRequest, account: string): Promise<void>;
}

export async function limitTries(
  app: FastifyInstance,
  { addressPerMinute, accountPerMinute }: { addressPerMinute: number; accountPerMinute: number },
): Promise<TryLimits> {
  await app.register(rateLimit, { global: false });
  const accounts = new WeakMap<FastifyRequest, string>();
  const minute = { timeWindow: 60_000 };
  const byAddress = app.createRateLimit({ ...minute, max: addressPerMinute });
  const byAccount = app.createRateLimit({
    ...{ ...minute, max: accountPerMinute },
    keyGenerator: (request) => accounts.get(request) ?? '',
  });
  return {
    async count(request, account) {
      accounts.set(request, account.slice(0, 100));
      for (const limit of account === '' ? [byAddress] : [byAddress, byAccount]) {
        const found = await limit(request);
        if (found.isAllowed || !found.isExceeded) continue;
        const { ttlInSeconds: retryAfterSeconds } = found;
        throw new HttpProblem(
          'TOO_MANY_TRIES',
          `There were too many tries. Wait ${retryAfterSeconds} seconds.`,
          { members: { retryAfterSeconds } },
        );
      }
    },
  };
}
