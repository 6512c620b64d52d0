/**
 * `cdip bench booking`: bookings at a real hub with its embedded broker, over HTTP, each decision on the disk before it
 * is answered: many bookers for each slot at once, and a slot for each; then the search for slots over 300 scanners and
 * 90 days; 500 bookers of one slot while a hub and the broker's leader are killed; random operations under faults.
 */
import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Agent, request as httpRequest } from 'undici';
import { type Hub, startHub } from '../support/hub.ts';
import {
  addRequest,
  book,
  dayAhead,
  diaryOf,
  putDiary,
  putResource,
} from '../support/scheduling-world.ts';
import { atATime } from './booking/at-a-time.ts';
import { measureContest } from './booking/contest.ts';
import { type OperationsResult, randomOperations } from './booking/operations.ts';
import { fillDiaries } from './diaries.ts';
import { percentile, rounded, say, tell } from './result.ts';

const BOOKERS = 10;
const SCANNERS = 10;
const SLOTS = 20;
/** Days with free slots, for bookings without a contest. */
const FREE_DAYS = 10;
const SEARCHES = 100;
/** Requests of bookers that are under way at once. */
const AT_ONCE = 100;
/** `CDIP_BENCH_OPERATIONS` for a long run, `CDIP_BENCH_PART=operations` for nothing else. */
const OPERATIONS = Number(process.env['CDIP_BENCH_OPERATIONS'] ?? 10_000);
const SAID_EVERY = 20_000;

export async function run(json: boolean): Promise<void> {
  if (process.env['CDIP_BENCH_PART'] === 'operations') return onlyOperations(json);
  const directory = mkdtempSync(join(tmpdir(), 'cdip-bench-'));
  const hub = await startHub({ directory, trusts: ['RRK', 'RJE', 'RXK'] });
  try {
    const booked = await measureBookings(hub);
    const sustained = await measureSustained(hub);
    say('writing the diaries of 300 scanners over 90 days');
    await hub.stop();
    const diaries = fillDiaries(hub.dataDirectory, { scanners: 300, days: 90 });
    await hub.start();
    const search = await measureSearch(hub);
    await hub.stop();
    const contest = await measureContest(directory);
    const operations = await runOperations();
    tell(
      {
        name: 'booking',
        value: booked.answeredPerSecond,
        unit: `bookings answered a second, ${BOOKERS} for each slot`,
        runs: SCANNERS * SLOTS * BOOKERS,
        ...booked,
        ...sustained,
        ...diaries,
        ...search,
        ...contest,
        underFaults: operations,
      },
      json,
    );
  } finally {
    await hub.kill9();
    rmSync(directory, { recursive: true, force: true });
  }
}

/** Says now and then how far it is, and at once the thousand in which something was found that may never be. */
function runOperations(): Promise<OperationsResult> {
  const seed = randomUUID();
  say(`${OPERATIONS} random operations under faults, seed ${seed}`);
  let known = 0;
  return randomOperations(OPERATIONS, seed, (sum) => {
    const wrong =
      sum.doubleBookings + sum.patientsLeftWithNone + sum.lostConfirmations + sum.hubsThatDiffer;
    if (wrong === known && sum.operations % SAID_EVERY !== 0) return;
    known = wrong;
    const megabytes = rounded(process.memoryUsage.rss() / 2 ** 20, 0);
    say(
      `${sum.operations} operations, ${sum.decisions} decisions, ${wrong} wrong, ${megabytes} MB`,
    );
  });
}

async function onlyOperations(json: boolean): Promise<void> {
  const began = performance.now();
  const found = await runOperations();
  const aSecond = rounded(OPERATIONS / ((performance.now() - began) / 1_000));
  const what = {
    name: 'booking',
    value: aSecond,
    unit: 'random operations a second, under faults',
  };
  tell({ ...what, runs: OPERATIONS, ...found }, json);
}

async function measureBookings(hub: Hub) {
  const date = dayAhead(10);
  const scanners = Array.from({ length: SCANNERS }, (_, at) => `MR${at}`);
  for (const scanner of scanners) {
    await putResource(hub, scanner);
    await putDiary(hub, scanner, { date, count: SLOTS });
  }
  const slots = scanners.flatMap((scanner) =>
    Array.from({ length: SLOTS }, (_, at) => `${scanner}-${at}`),
  );
  say(`${slots.length} slots, ${slots.length * BOOKERS} requests`);
  const requests = await atATime(slots.length * BOOKERS, AT_ONCE, () => addRequest(hub));
  const began = performance.now();
  const answers = await atATime(requests.length, AT_ONCE, (at) =>
    book(hub, slots[at % slots.length] ?? '', requests[at] ?? ''),
  );
  const seconds = (performance.now() - began) / 1_000;
  const won = answers.filter(({ status }) => status === 201);
  const diaries = await Promise.all(scanners.map((scanner) => diaryOf(hub, scanner, date)));
  const active = diaries.flatMap(({ bookings }) =>
    bookings.filter(({ state }) => state === 'booked').flatMap(({ slotIds }) => slotIds),
  );
  return {
    bookedPerSecond: rounded(won.length / seconds),
    answeredPerSecond: rounded(answers.length / seconds),
    booked: won.length,
    conflicts: answers.filter(({ status }) => status === 409).length,
    doubleBookings: active.length - new Set(active).size,
  };
}

/** Nobody is in another's way: each books a slot of its own, over as many diaries as sites have scanners. */
async function measureSustained(hub: Hub) {
  const scanners = Array.from({ length: SCANNERS }, (_, at) => `CT${at}`);
  const dates = Array.from({ length: FREE_DAYS }, (_, at) => dayAhead(20 + at));
  const days = scanners.flatMap((scanner) => dates.map((date) => ({ scanner, date })));
  for (const scanner of scanners) await putResource(hub, scanner);
  for (const { scanner, date } of days)
    await putDiary(hub, scanner, { date, count: SLOTS, prefix: `${scanner}-${date}-` });
  // Day after day of a diary, so that neighbours in the queue are of different ones.
  const slots = Array.from({ length: SLOTS }, (_, at) =>
    days.map(({ scanner, date }) => `${scanner}-${date}-${at}`),
  ).flat();
  say(`${slots.length} slots, a request for each`);
  const requests = await atATime(slots.length, AT_ONCE, () => addRequest(hub));
  const began = performance.now();
  const answers = await atATime(slots.length, AT_ONCE, (at) =>
    book(hub, slots[at] ?? '', requests[at] ?? ''),
  );
  const seconds = (performance.now() - began) / 1_000;
  const won = answers.filter(({ status }) => status === 201);
  return {
    sustainedBooked: won.length,
    sustainedPerSecond: rounded(won.length / seconds),
  };
}

async function measureSearch(hub: Hub) {
  const dispatcher = new Agent({ connections: 1 });
  const authorization = `Bearer ${hub.key(randomUUID(), 'admin')}`;
  const times: number[] = [];
  for (let search = 0; search < SEARCHES; search += 1) {
    const from = dayAhead(1 + (search % 60));
    const path = `/api/slots?examCode=${search % 2 === 0 ? 'MSKUH' : 'CCHES'}&from=${from}&to=${dayAhead(90)}`;
    const began = performance.now();
    const { body, statusCode } = await httpRequest(`${hub.url}${path}`, {
      dispatcher,
      headers: { authorization },
    });
    const { slots } = (await body.json()) as { slots: unknown[] };
    times.push(performance.now() - began);
    if (statusCode !== 200 || slots.length === 0) throw new Error(`no slots: ${statusCode}`);
  }
  await dispatcher.close();
  return {
    slotSearches: SEARCHES,
    slotSearchP50Ms: rounded(percentile(times, 0.5)),
    slotSearchP95Ms: rounded(percentile(times, 0.95)),
  };
}
