/**
 * `cdip bench booking`: bookings at a real hub with its embedded broker. Many bookers for each slot at once, over
 * HTTP, each decision on the disk before it is answered; then the search for slots over 300 scanners and 90 days.
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
import { fillDiaries } from './diaries.ts';
import { percentile, rounded, say, tell } from './result.ts';

const BOOKERS = 10;
const SCANNERS = 10;
const SLOTS = 20;
const SEARCHES = 100;

export async function run(json: boolean): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), 'cdip-bench-'));
  const hub = await startHub({ directory, trusts: ['RRK', 'RJE', 'RXK'] });
  try {
    const booked = await measureBookings(hub);
    say('writing the diaries of 300 scanners over 90 days');
    await hub.stop();
    const diaries = fillDiaries(hub.dataDirectory, { scanners: 300, days: 90 });
    await hub.start();
    const search = await measureSearch(hub);
    tell(
      {
        name: 'booking',
        value: booked.answeredPerSecond,
        unit: `bookings answered a second, ${BOOKERS} for each slot`,
        runs: SCANNERS * SLOTS * BOOKERS,
        ...booked,
        ...diaries,
        ...search,
      },
      json,
    );
  } finally {
    await hub.stop();
    rmSync(directory, { recursive: true, force: true });
  }
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
  const requests = await Promise.all(
    slots.flatMap(() => Array.from({ length: BOOKERS }, () => addRequest(hub))),
  );
  const began = performance.now();
  const answers = await Promise.all(
    requests.map((request, at) => book(hub, slots[at % slots.length] ?? '', request)),
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

async function measureSearch(hub: Hub) {
  const dispatcher = new Agent({ connections: 1 });
  const authorization = `Bearer ${await hub.key(randomUUID(), 'admin')}`;
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
