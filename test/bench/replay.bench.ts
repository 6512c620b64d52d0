/**
 * `cdip bench replay`: a hub that lost its rows makes them again out of the log: study events of one trust in a real
 * nats-server, read, checked, put in order and filed until all are there. CDIP_BENCH_EVENTS: how many, default 100,000.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { dropProjection, Projection } from '../../hub/projection/projection.ts';
import { systemClock } from '../../shared/clock.ts';
import { edgeSubject } from '../../shared/contract/subjects.ts';
import { silentLog } from '../../shared/log.ts';
import { openMetrics } from '../../shared/metrics.ts';
import { eventually } from '../support/eventually.ts';
import { connectAs, edgeKey, startNetworkLog, type TestLog } from '../support/network-log.ts';
import { median, say, tell } from './result.ts';
import { studyEvent } from './study-events.ts';

const EVENTS = Number(process.env['CDIP_BENCH_EVENTS'] ?? 100_000);
const TRUST = 'R100';
const RUNS = 3;
/** Unanswered at once. */
const WINDOW = 500;

export async function run(json: boolean): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), 'cdip-bench-replay-'));
  const key = edgeKey();
  const world = await startNetworkLog(directory, [TRUST], new Map([[TRUST, [key.publicKey]]]));
  try {
    say(`telling ${EVENTS} events`);
    await fill(world, key.seed);
    const rates: number[] = [];
    for (let at = 0; at < RUNS; at += 1) rates.push(await rebuilt(world, directory));
    tell(
      {
        ...{ name: 'replay', value: Math.round(median(rates)), unit: 'events/s', runs: RUNS },
        ...{ events: EVENTS, each: rates.map(Math.round) },
      },
      json,
    );
  } finally {
    await world.log.stop();
    rmSync(directory, { recursive: true, force: true });
  }
}

async function fill({ port }: TestLog, seed: Uint8Array): Promise<void> {
  const { connection, js } = await connectAs(TRUST, seed, port);
  for (let first = 0; first < EVENTS; first += WINDOW) {
    const numbers = Array.from({ length: Math.min(WINDOW, EVENTS - first) }, (_, at) => first + at);
    await Promise.all(
      numbers.map((number) => {
        const event = studyEvent(number, TRUST, number + 1);
        return js.publish(edgeSubject(TRUST, 'study'), JSON.stringify(event));
      }),
    );
  }
  await connection.close();
}

/** @returns events a second, from the start of the projection to the last row */
async function rebuilt({ log: networkLog }: TestLog, dataDirectory: string): Promise<number> {
  dropProjection(dataDirectory);
  const projection = new Projection({
    ...{ dataDirectory, networkLog, clock: systemClock, log: silentLog },
    trusts: [{ ods: TRUST, name: 'One' }] as never,
    metrics: openMetrics({}),
  });
  const count = projection.db.prepare<[], number>('SELECT count(*) FROM studies').pluck();
  const begun = performance.now();
  projection.start();
  await eventually('all are there', () => count.get() === EVENTS, {
    ...{ timeoutMs: 600_000, everyMs: 20 },
  });
  const rate = EVENTS / ((performance.now() - begun) / 1_000);
  say(`${Math.round(rate)} events/s`);
  await projection.stop();
  return rate;
}
