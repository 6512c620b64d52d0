/**
 * The streams of the network: one a trust, so that no edge can reach into another's; commands with a
 * consumer an edge; the heartbeats; the hub's decisions. Made when they are missing, however that came.
 */
import {
  AckPolicy,
  DiscardPolicy,
  type JetStreamManager,
  RetentionPolicy,
  StorageType,
  type StreamConfig,
} from '@nats-io/jetstream';
import {
  commandConsumer,
  commandSubject,
  edgeStream,
  edgeStreamSubjects,
  STREAM_COMMANDS,
  STREAM_HEALTH,
  STREAM_HUB,
} from '../../shared/contract/subjects.ts';

const SECOND_NS = 1_000_000_000;
const DAY_NS = 86_400 * SECOND_NS;
/**
 * A command that was handed to an edge's last breath comes again after this: the broker can't see, over
 * accounts, that nobody listens there any more. Taking one is a matter of milliseconds.
 */
const ACK_WAIT_SECONDS = 4;

export interface StreamOptions {
  readonly trusts: readonly string[];
  readonly retentionDays: number;
  readonly replicas: number;
}

/**
 * Makes what is missing, and brings the limits of what is there up to date. One that can't be made does
 * not keep the others away.
 *
 * @throws the first failure, after all were tried
 */
export async function ensureStreams(jsm: JetStreamManager, options: StreamOptions): Promise<void> {
  const failures: unknown[] = [];
  const tried = async (step: () => Promise<void>): Promise<void> => {
    await step().catch((error: unknown) => void failures.push(error));
  };
  for (const config of streamConfigs(options)) await tried(() => ensureStream(jsm, config));
  for (const ods of options.trusts) await tried(() => ensureConsumer(jsm, ods));
  if (failures.length > 0) throw failures[0];
}

type Wanted = Pick<StreamConfig, 'name' | 'subjects' | 'max_age'> & Partial<StreamConfig>;

function streamConfigs({ trusts, retentionDays, replicas }: StreamOptions): Wanted[] {
  const common = {
    retention: RetentionPolicy.Limits,
    storage: StorageType.File,
    discard: DiscardPolicy.Old,
    num_replicas: replicas,
    duplicate_window: 120 * SECOND_NS,
    allow_rollup_hdrs: false,
  };
  const max_age = retentionDays * DAY_NS;
  return [
    ...trusts.map((ods) => ({
      ...common,
      name: edgeStream(ods),
      subjects: edgeStreamSubjects(ods),
      max_age,
    })),
    { ...common, name: STREAM_COMMANDS, subjects: ['cdip.command.*'], max_age },
    {
      ...common,
      name: STREAM_HEALTH,
      subjects: ['cdip.edge.*.health'],
      max_age: 3_600 * SECOND_NS,
      max_msgs_per_subject: 10,
    },
    // Decisions have no other place to be asked for again: kept until a snapshot stands for them.
    { ...common, name: STREAM_HUB, subjects: ['cdip.hub.>'], max_age: 0 },
  ];
}

async function ensureStream(jsm: JetStreamManager, wanted: Wanted): Promise<void> {
  const info = await jsm.streams.info(wanted.name).catch(noneWhenNotFound);
  if (info === undefined) {
    await jsm.streams.add(wanted);
    return;
  }
  const differs =
    info.config.max_age !== wanted.max_age ||
    info.config.num_replicas !== wanted.num_replicas ||
    [...info.config.subjects].sort().join() !== [...wanted.subjects].sort().join();
  if (differs) await jsm.streams.update(wanted.name, wanted);
}

async function ensureConsumer(jsm: JetStreamManager, ods: string): Promise<void> {
  const name = commandConsumer(ods);
  const info = await jsm.consumers.info(STREAM_COMMANDS, name).catch(noneWhenNotFound);
  const ack_wait = ACK_WAIT_SECONDS * SECOND_NS;
  if (info === undefined)
    await jsm.consumers.add(STREAM_COMMANDS, {
      durable_name: name,
      filter_subject: commandSubject(ods),
      ack_policy: AckPolicy.Explicit,
      ack_wait,
      max_deliver: -1,
      max_ack_pending: 1_000,
    });
  else if (info.config.ack_wait !== ack_wait)
    await jsm.consumers.update(STREAM_COMMANDS, name, { ack_wait });
}

/** Stream or consumer not found: 10059, 10014. */
function noneWhenNotFound(error: unknown): undefined {
  const { code } = error as { code?: number };
  if (code === 10_059 || code === 10_014) return undefined;
  throw error;
}
