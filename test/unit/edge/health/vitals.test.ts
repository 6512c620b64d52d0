/** What a heartbeat tells: when the disk is full, who is refused, whose clock is off. edge/health. */
import t from 'tap';
import { Callers } from '../../../../edge/dimse/callers.ts';
import { DiskForecast } from '../../../../edge/health/disk-forecast.ts';
import { Traffic } from '../../../../edge/health/traffic.ts';
import { openStorageCounters } from '../../../../edge/scp/storage-counters.ts';
import { ClockOffset } from '../../../../edge/uplink/clock-offset.ts';
import { Counter, openMetrics } from '../../../../shared/metrics.ts';

const HOUR = 3_600_000;
const GB = 1_000_000_000;

t.test('the disk is said to be full when the last hours go on', async (t) => {
  const disk = new DiskForecast();
  t.equal(disk.hoursToFull(20 * GB), null, 'nothing is known yet');
  for (let minute = 0; minute <= 120; minute += 1)
    disk.add(minute * 60_000, 100 * GB - (minute / 60) * 10 * GB);
  t.equal(disk.hoursToFull(20 * GB), 6, '80 GB free, 20 kept, 10 an hour');
  t.equal(disk.hoursToFull(90 * GB), 0, 'the reserve is reached');
});

t.test('one large study on a disk that is emptied is no forecast of a full one', async (t) => {
  const disk = new DiskForecast();
  for (let minute = 0; minute <= 120; minute += 1)
    disk.add(minute * 60_000, (minute === 60 ? 40 : 50 + minute / 10) * GB);
  t.equal(disk.hoursToFull(20 * GB), null);
});

t.test('a clock that is set back begins the forecast anew', async (t) => {
  const disk = new DiskForecast();
  for (let minute = 0; minute <= 60; minute += 1) disk.add(10 * HOUR + minute * 60_000, 50 * GB);
  disk.add(HOUR, 40 * GB);
  t.equal(disk.hoursToFull(20 * GB), null);
});

t.test('a caller is in trouble within the hour, with the reasons he was given', async (t) => {
  let monotonic = 0;
  const clock = { now: () => 1_000 + monotonic, monotonicMs: () => monotonic };
  const callers = new Callers(new Set(['CT1']), clock);
  const ct1 = { callingAETitle: 'CT1', host: '10.0.0.1' };
  const rogue = { callingAETitle: 'ROGUE', host: '10.0.0.9' };
  for (let time = 0; time < 20; time += 1) callers.count(ct1, 'associations');
  callers.count(ct1, 'aborted');
  callers.count(rogue, 'rejections', 'calling-ae-title-not-recognized');
  callers.count(rogue, 'rejections', 'calling-ae-title-not-recognized');
  t.match(callers.troubled(), [
    {
      callingAETitle: 'ROGUE',
      known: false,
      associations: 0,
      rejected: { 'calling-ae-title-not-recognized': 2 },
    },
    { callingAETitle: 'CT1', known: true, associations: 20, aborted: 1, rejected: {} },
  ]);
  monotonic += HOUR;
  t.strictSame(callers.troubled(), [], 'an hour later nobody is');
  t.match(
    callers.list(),
    [{ rejections: 2, reasons: { 'calling-ae-title-not-recognized': 2 } }, { aborted: 1 }],
    'since the start it stays',
  );
});

t.test('traffic is what came within five minutes', async (t) => {
  const metrics = openMetrics({});
  const storage = openStorageCounters(metrics, () => ({
    freeBytes: 1,
    reserveBytes: 0,
    reached: false,
  }));
  const responses = new Counter({
    ...{ name: 'cdip_dimse_store_responses_total', help: '-', labelNames: ['status'] },
    registers: [metrics],
  });
  const traffic = new Traffic(metrics);
  await traffic.look(0);
  for (let object = 0; object < 10; object += 1) {
    storage.count('stored', 500_000);
    responses.inc({ status: object === 0 ? 'a700' : '0000' });
    storage.startAcknowledgement()();
  }
  await traffic.look(60_000);
  const { seconds, objects, notStored, bytes, acknowledgementMs } = traffic.current();
  t.strictSame(
    { seconds, objects, notStored, bytes },
    { seconds: 60, objects: 9, notStored: 1, bytes: 5_000_000 },
  );
  t.type(acknowledgementMs, 'number');
  await traffic.look(400_000);
  await traffic.look(401_000);
  t.equal(traffic.current().objects, 0, 'later nothing came');
});

t.test('the clock is compared by the quickest answer', async (t) => {
  const offset = new ClockOffset();
  t.equal(offset.ms(), null);
  const at = (ms: number): string => new Date(ms).toISOString();
  offset.take({ asked: 10_000, answered: 12_000, hubAt: at(10_100) });
  offset.take({ asked: 20_000, answered: 20_010, hubAt: at(15_005) });
  offset.take({ asked: 30_000, answered: 30_500, hubAt: undefined });
  t.equal(offset.ms(), 5_000, 'five seconds ahead');
});
