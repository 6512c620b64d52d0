/**
 * 500 people want one slot, at two hubs on a cluster of three brokers; in the middle one hub and the broker that leads
 * the log are killed. Who gets no answer asks the other hub, with the same key, as a load balancer's client does.
 */
import { randomUUID } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { STREAM_HUB } from '../../../shared/contract/subjects.ts';
import { eventually } from '../../support/eventually.ts';
import { type Hub, startHub } from '../../support/hub.ts';
import { NatsCluster } from '../../support/nats-cluster.ts';
import {
  addRequest,
  type BookingAnswer,
  book,
  dayAhead,
  diaryOf,
  putDiary,
  putResource,
} from '../../support/scheduling-world.ts';
import { rounded, say } from '../result.ts';
import { atATime } from './at-a-time.ts';

const BOOKERS = 500;
/** When the killing begins, in ms after the first asks. */
const KILLED_AFTER_MS = [0, 40, 400];
const ANSWER_WITHIN_MS = 90_000;

interface Told {
  readonly status: number;
  readonly id: string | undefined;
  readonly tries: number;
}

export async function measureContest(directory: string) {
  const place = join(directory, 'cluster');
  mkdirSync(place, { recursive: true });
  const cluster = await NatsCluster.start(place);
  const { servers, credentialsSeedFile } = cluster;
  const config = { nats: { servers, credentialsSeedFile, replicas: 3 } };
  const hubs: Hub[] = [];
  try {
    for (const name of ['a', 'b'])
      hubs.push(await startHub({ directory: join(directory, name), trusts: ['RRK'], config }));
    const [a, b] = hubs as [Hub, Hub];
    await eventually(
      'the cluster takes decisions',
      async () => (await putResource(a, 'CONTEST')).status === 200,
      { timeoutMs: 60_000 },
    );
    const requests = await atATime(BOOKERS, 50, () => addRequest(a));
    const rounds = [];
    for (const [at, killedAfterMs] of KILLED_AFTER_MS.entries())
      rounds.push(
        await contest({ cluster, hubs: [a, b], requests, date: dayAhead(10 + at), killedAfterMs }),
      );
    return {
      contestBookers: BOOKERS,
      contestRounds: rounds.length,
      contestBookings: rounds.map(({ bookings }) => bookings),
      contestLostConfirmations: rounds.reduce((sum, { lost }) => sum + lost, 0),
      contestUnanswered: rounds.reduce((sum, { unanswered }) => sum + unanswered, 0),
      contestSeconds: rounds.map(({ seconds }) => seconds),
    };
  } finally {
    await Promise.all(hubs.map((hub) => hub.kill9()));
    await cluster.stop();
  }
}

interface Round {
  readonly cluster: NatsCluster;
  readonly hubs: readonly [Hub, Hub];
  readonly requests: readonly string[];
  readonly date: string;
  readonly killedAfterMs: number;
}

async function contest({ cluster, hubs, requests, date, killedAfterMs }: Round) {
  const [a, b] = hubs;
  const prefix = `one-${date}-`;
  await putDiary(a, 'CONTEST', { date, count: 1, prefix });
  await eventually('the other hub knows all of it', async () => {
    const last = await b.api(`/api/requests/${requests.at(-1)}`);
    return (await diaryOf(b, 'CONTEST', date)).slots?.length === 1 && last.status === 200;
  });
  say(`${requests.length} bookers, one slot, killed after ${killedAfterMs} ms`);
  const began = performance.now();
  const asking = Promise.all(
    requests.map((request, at) =>
      untilAnswered(at % 2 === 0 ? [a, b] : [b, a], `${prefix}0`, request),
    ),
  );
  await new Promise((resolve) => setTimeout(resolve, killedAfterMs));
  const [leader] = await Promise.all([cluster.killLeaderOf(STREAM_HUB), b.kill9()]);
  const told = await asking;
  const seconds = rounded((performance.now() - began) / 1_000);
  await leader.start();
  await b.start();
  const confirmed = told.filter(({ status }) => status === 201).map(({ id }) => id);
  const active = await activeAt(a, date);
  await eventually('the hub that was killed says the same', async () => {
    return JSON.stringify(await activeAt(b, date)) === JSON.stringify(active);
  });
  const lost = confirmed.filter((id) => !active.some((one) => one === id)).length;
  const unanswered = told.filter(({ status }) => status !== 201 && status !== 409).length;
  // So that all of them want the next one too.
  for (const id of active) await a.api(`/api/bookings/${id}`, { method: 'DELETE' });
  return { bookings: active.length, lost, unanswered, seconds };
}

const activeAt = async (hub: Hub, date: string): Promise<string[]> =>
  (await diaryOf(hub, 'CONTEST', date)).bookings
    .filter(({ state }) => state === 'booked' || state === 'held')
    .map(({ id }) => id);

/** No answer, and one that says that nothing is known, is asked again elsewhere. */
async function untilAnswered(
  hubs: readonly [Hub, Hub],
  slot: string,
  request: string,
): Promise<Told> {
  const key = randomUUID();
  const until = performance.now() + ANSWER_WITHIN_MS;
  let status = 0;
  for (let tries = 1; ; tries += 1) {
    const hub = hubs[(tries - 1) % 2] as Hub;
    const answer = await book(hub, slot, request, { key }).catch(() => undefined);
    status = answer?.status ?? 0;
    const isSure = status === 201 || (status === 409 && answer?.body.code !== 'DIARY_BUSY');
    if (isSure || performance.now() > until)
      return { status, id: (answer?.body as BookingAnswer | undefined)?.id, tries };
    await new Promise((resolve) => setTimeout(resolve, 300));
  }
}
