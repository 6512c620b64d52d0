import { appendFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { ConnectionScan } from '../../../../../hub/scheduling/travel/connection-scan.ts';
import { readGtfs } from '../../../../../hub/scheduling/travel/read-gtfs.ts';

/** Three stops in a row, and a fourth beside the second; a bus, and a tram from the fourth. */
function writeFeed(folder: string): void {
  const files: Readonly<Record<string, string>> = {
    'stops.txt':
      '\uFEFFstop_id,stop_name,stop_lat,stop_lon\na,"A, street",52.50,-1.90\nb,B,52.52,-1.90\nc,C,52.56,-1.90\nd,D,52.521,-1.901\n',
    'routes.txt': 'route_id,route_short_name,route_long_name\nbus,7,\ntram,,Tram\n',
    'calendar.txt':
      'service_id,monday,tuesday,wednesday,thursday,friday,saturday,sunday,start_date,end_date\nweek,1,1,1,1,1,0,0,20260101,20261231\n',
    'calendar_dates.txt': 'service_id,date,exception_type\nweek,20261225,2\nfair,20260606,1\n',
    'trips.txt':
      'route_id,service_id,trip_id\nbus,week,b1\nbus,week,often\ntram,week,t1\ntram,fair,t2\n',
    'stop_times.txt': [
      'trip_id,arrival_time,departure_time,stop_id,stop_sequence',
      // Not in the order of their sequence, and one without times.
      'b1,08:10:00,08:11:00,b,20',
      'b1,08:00:00,08:00:00,a,10',
      'b1,,,d,25',
      'b1,08:40:00,08:40:00,c,30',
      'often,00:00:00,00:00:00,a,1',
      'often,00:10:00,00:10:00,b,2',
      't1,08:16:00,08:16:00,d,1',
      't1,08:22:00,08:22:00,c,2',
      't2,12:00:00,12:00:00,a,1',
      't2,12:10:00,12:10:00,c,2',
      '',
    ].join('\n'),
    'frequencies.txt': 'trip_id,start_time,end_time,headway_secs\noften,10:00:00,11:00:00,1200\n',
  };
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
}

const MONDAY = '2026-06-01';
const at = (hours: number, minutes: number): number => hours * 3_600 + minutes * 60;

t.test('the earliest arrival is found over a change on foot', async (t) => {
  const folder = t.testdir();
  writeFeed(folder);
  const timetable = await readGtfs(folder);
  const scan = new ConnectionScan(timetable);
  const from = [{ stop: 0, seconds: 120 }];
  const to = [{ stop: 2, seconds: 60 }];
  scan.run(timetable.ridesOn(MONDAY), from, at(7, 50));
  const journey = scan.journeyTo(to, from);
  t.match(journey, { leaves: at(7, 58), arrives: at(8, 23) });
  t.match(journey?.rides, [
    { route: '7', fromStop: 'A, street', toStop: 'B' },
    { route: 'Tram', fromStop: 'D', toStop: 'C' },
  ]);
  scan.run(timetable.ridesOn(MONDAY), from, at(7, 59));
  t.equal(scan.journeyTo(to, from), null, 'the bus is missed, and no other goes there');
});

t.test('a change that is too short is not made: the bus goes on', async (t) => {
  const folder = t.testdir();
  writeFeed(folder);
  const tram = '\nt1,08:11:00,08:11:00,d,1\nt1,08:20:00,08:20:00,c,2\n';
  writeFileSync(
    join(folder, 'stop_times.txt'),
    `trip_id,arrival_time,departure_time,stop_id,stop_sequence\nb1,08:00:00,08:00:00,a,10\nb1,08:10:00,08:11:00,b,20\nb1,08:40:00,08:40:00,c,30${tram}`,
  );
  rmSync(join(folder, 'frequencies.txt'));
  const timetable = await readGtfs(folder);
  const scan = new ConnectionScan(timetable);
  const from = [{ stop: 0, seconds: 0 }];
  scan.run(timetable.ridesOn(MONDAY), from, at(7, 50));
  t.match(scan.journeyTo([{ stop: 2, seconds: 0 }], from), { arrives: at(8, 40), rides: [{}] });
});

t.test('trips run on their days only, and repeated ones as often as they say', async (t) => {
  const folder = t.testdir();
  writeFeed(folder);
  const timetable = await readGtfs(folder);
  const departures = (date: string): number[] =>
    [...timetable.ridesOn(date).order].map((ride) => timetable.data.rides.departs[ride] as number);
  t.strictSame(departures(MONDAY), [
    ...[at(8, 0), at(8, 11), at(8, 16)],
    ...[at(10, 0), at(10, 20), at(10, 40)],
  ]);
  t.strictSame(departures('2026-06-06'), [at(12, 0)], 'a day for itself');
  t.strictSame(departures('2026-12-25'), []);
});

t.test('half a timetable is refused, with the file and what is missing', async (t) => {
  const folder = t.testdir();
  writeFeed(folder);
  appendFileSync(join(folder, 'stop_times.txt'), 't1,08:30:00,08:30:00,nowhere,3\n');
  await t.rejects(readGtfs(folder), { code: 'TRAVEL_DATA_REFERENCE', message: /stop nowhere/ });
  writeFeed(folder);
  writeFileSync(join(folder, 'trips.txt'), 'trip_id,route_id\nb1,bus\n');
  await t.rejects(readGtfs(folder), { code: 'TRAVEL_DATA_COLUMN', message: /service_id/ });
  rmSync(join(folder, 'stops.txt'));
  await t.rejects(readGtfs(folder), { code: 'TRAVEL_DATA_UNREADABLE', message: /stops.txt/ });
});

t.test('beyond its days a usual day counts, not the bank holiday at its end', async (t) => {
  const folder = t.testdir();
  writeFeed(folder);
  const timetable = await readGtfs(folder);
  t.equal(timetable.coveredDay('2026-12-25'), '2026-12-25', 'what it says of a day is so');
  t.equal(timetable.coveredDay('2027-01-15'), '2026-12-18', 'a Friday that is not Christmas Day');
  t.equal(timetable.coveredDay('2027-01-14'), '2026-12-31', 'else the nearest');
  t.equal(timetable.coveredDay('2025-12-26'), '2026-01-02');
  t.equal(timetable.ridesOn('2027-01-15').order.length, timetable.ridesOn(MONDAY).order.length);
});

t.test('nobody gets on or off where a bus only sets down or takes up', async (t) => {
  const folder = t.testdir();
  writeFeed(folder);
  rmSync(join(folder, 'frequencies.txt'));
  const times = (b: string): void =>
    writeFileSync(
      join(folder, 'stop_times.txt'),
      [
        'trip_id,arrival_time,departure_time,stop_id,stop_sequence,pickup_type,drop_off_type',
        'b1,08:00:00,08:00:00,a,1,0,0',
        `b1,08:10:00,08:11:00,b,2,${b}`,
        'b1,08:40:00,08:40:00,c,3,0,0\n',
      ].join('\n'),
    );
  const arrives = async (from: number, to: number): Promise<number | undefined> => {
    const timetable = await readGtfs(folder);
    const scan = new ConnectionScan(timetable);
    const access = [{ stop: from, seconds: 0 }];
    scan.run(timetable.ridesOn(MONDAY), access, at(7, 50));
    return scan.journeyTo([{ stop: to, seconds: 0 }], access)?.arrives;
  };
  times('0,1');
  t.equal(await arrives(0, 1), undefined, 'it does not set down there');
  t.equal(await arrives(0, 2), at(8, 40), 'who is on it stays on it');
  t.equal(await arrives(1, 2), at(8, 40));
  times('1,0');
  t.equal(await arrives(0, 1), at(8, 10));
  t.equal(await arrives(1, 2), undefined, 'it takes nobody up there');
});

t.test(
  'a bus of the night before serves the early morning, and that after its last day',
  async (t) => {
    const folder = t.testdir();
    writeFeed(folder);
    appendFileSync(join(folder, 'trips.txt'), 'bus,week,night\nbus,week,nights\n');
    appendFileSync(
      join(folder, 'stop_times.txt'),
      [
        ...[
          'night,23:50:00,23:50:00,b,1',
          'night,29:30:00,29:31:00,a,2',
          'night,29:45:00,29:45:00,c,3',
        ],
        ...['nights,00:00:00,00:00:00,a,1', 'nights,00:05:00,00:05:00,b,2', ''],
      ].join('\n'),
    );
    appendFileSync(join(folder, 'frequencies.txt'), 'nights,27:00:00,29:00:00,3600\n');
    const timetable = await readGtfs(folder);
    const scan = new ConnectionScan(timetable);
    const from = [{ stop: 0, seconds: 0 }];
    const arrival = (day: string, stop: number, leaves: number): number | undefined => {
      scan.run(timetable.ridesOn(day), from, leaves);
      return scan.journeyTo([{ stop, seconds: 0 }], from)?.arrives;
    };
    const [tuesday, saturday] = ['2026-06-02', '2026-06-06'];
    t.equal(arrival(tuesday, 2, at(5, 0)), at(5, 45));
    t.equal(arrival(saturday, 2, at(5, 0)), at(5, 45), "Friday's");
    t.not(arrival(MONDAY, 2, at(5, 0)), at(5, 45), 'none ran on Sunday');
    t.not(arrival('2026-12-26', 2, at(5, 0)), at(5, 45), 'none on Christmas Day');
    t.equal(arrival(tuesday, 1, at(3, 30)), at(4, 5), 'of those that go again and again too');
    t.equal(timetable.to, '2026-12-31', 'the timetable ends when it did');
  },
);
