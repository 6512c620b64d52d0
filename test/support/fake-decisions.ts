/**
 * The hub's decisions without a broker: appended with the expected last sequence of their subject, as
 * JetStream has it, and applied at once. For what is decided, not for how it gets there.
 */
import { LogError, type NetworkLog } from '../../hub/log/network-log.ts';
import type { ApplyDecision, Projection } from '../../hub/projection/projection.ts';
import type { Sqlite } from '../../shared/sqlite/open.ts';

export interface FakeDecisions {
  readonly networkLog: Pick<NetworkLog, 'append'>;
  readonly projection: Pick<
    Projection,
    'db' | 'registerHubAggregate' | 'untilDecided' | 'connected'
  >;
  /** Subjects and bodies as they were appended. */
  readonly appended: { readonly subject: string; readonly body: object }[];
  isConnected: boolean;
}

export function fakeDecisions(db: Sqlite): FakeDecisions {
  const aggregates = new Map<string, ApplyDecision>();
  const last = new Map<string, number>();
  const appended: { subject: string; body: object }[] = [];
  const fake: FakeDecisions = {
    appended,
    isConnected: true,
    networkLog: {
      append: async (subject, body, { expectedLastSeq }) => {
        if ((last.get(subject) ?? 0) !== expectedLastSeq)
          throw new LogError('LOG_CONFLICT', 'somebody was quicker');
        const streamSeq = appended.push({ subject, body });
        last.set(subject, streamSeq);
        const [, , aggregate = '', id = ''] = subject.split('.');
        const apply = aggregates.get(aggregate);
        if (apply !== undefined) apply(db, { id, streamSeq, at: '', body });
        return streamSeq;
      },
    },
    projection: {
      db,
      registerHubAggregate: (aggregate, apply) => void aggregates.set(aggregate, apply),
      untilDecided: async () => {},
      connected: () => fake.isConnected,
    },
  };
  return fake;
}
