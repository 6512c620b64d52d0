import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { writeSampleTimetable } from '../../../../../demo/sample-timetable.ts';
import { Postcodes, readPostcodes } from '../../../../../hub/scheduling/travel/postcodes.ts';
import { readGtfs } from '../../../../../hub/scheduling/travel/read-gtfs.ts';
import { Travel } from '../../../../../hub/scheduling/travel/travel.ts';

const EDGBASTON = 'B15 2GW';
const SMETHWICK = 'B66 2QT';
const STOKE = 'ST4 6QG';
const SITES = [EDGBASTON, SMETHWICK, STOKE];
/** A Tuesday, in winter and in summer time. */
const WINTER = '2026-12-01T11:00:00Z';
const SUMMER = '2026-06-02T10:00:00Z';

t.test('without a timetable both ways are estimated, and say so', async (t) => {
  const travel = new Travel({ postcodes: new Postcodes(), timetable: null, sites: SITES });
  const car = travel.to({ from: 'B70 6EF', to: EDGBASTON, by: 'car', start: WINTER });
  t.match(car, {
    basis: 'straight-line',
    leaveAt: null,
    words: /estimated from the straight line/,
  });
  t.ok(Number(car.minutes) > 15 && Number(car.minutes) < 35, `${car.minutes} minutes for 8 km`);
  const bus = travel.to({ from: 'B70 6EF', to: EDGBASTON, by: 'public', start: WINTER });
  t.match(bus, { basis: 'straight-line', words: /No timetable/ });
  t.ok(Number(bus.minutes) > Number(car.minutes));
});

t.test('a near site is walked to; a place that nobody knows has no time', async (t) => {
  const travel = new Travel({ postcodes: new Postcodes(), timetable: null, sites: SITES });
  t.match(travel.to({ from: 'B67 5AA', to: SMETHWICK, by: 'public', start: WINTER }), {
    basis: 'walk',
  });
  t.match(travel.to({ from: 'ZE1 0AA', to: SMETHWICK, by: 'car', start: WINTER }), {
    ...{ minutes: null, basis: 'unknown', words: /postcode of the patient/ },
  });
});

t.test('by the sample timetable', async (t) => {
  const folder = t.testdir();
  writeSampleTimetable(folder, '2026-05-04');
  const timetable = await readGtfs(folder);
  const travel = new Travel({ postcodes: new Postcodes(), timetable, sites: SITES });
  const bus = (from: string, to: string, start: string) =>
    travel.to({ from, to, by: 'public', start });

  t.test('a bus is taken that is there ten minutes before, as late as it may be', async (t) => {
    const found = bus('B70 6EF', SMETHWICK, SUMMER);
    t.match(found, { basis: 'timetable', words: 'S80 from West Bromwich bus station at 10:24' });
    t.ok(Number(found.minutes) >= 14 && Number(found.minutes) < 25, `${found.minutes} minutes`);
    const leaves = Date.parse(found.leaveAt ?? '');
    t.ok(
      leaves < Date.parse('2026-06-02T09:24:00Z'),
      'leaves before the bus, in British summer time',
    );
    t.ok(leaves > Date.parse('2026-06-02T09:15:00Z'));
  });

  t.test('who has to change does', async (t) => {
    const found = bus('B70 6EF', EDGBASTON, SUMMER);
    t.match(found.words, /^S80, then S61 from West Bromwich/);
    t.ok(Number(found.minutes) > 44, `${found.minutes} minutes with the walk between the stops`);
  });

  t.test('no bus runs so early on a Sunday', async (t) => {
    t.match(bus('B70 6EF', SMETHWICK, '2026-06-07T06:00:00Z'), {
      ...{ minutes: null, basis: 'unknown', words: /No bus, tram or train/ },
    });
  });

  t.test('beyond its days the same weekday counts, and that is said', async (t) => {
    const found = bus('B70 6EF', SMETHWICK, '2027-02-02T11:00:00Z');
    t.match(found, { basis: 'timetable', words: /by the timetable of 2026-10-27/ });
  });

  t.test('where no stop is near, the straight line stands', async (t) => {
    t.match(bus('CV37 6AA', SMETHWICK, SUMMER), { basis: 'straight-line' });
  });
});

t.test('a list of postcodes is more exact than districts', async (t) => {
  const file = join(t.testdir(), 'onspd.csv');
  writeFileSync(
    file,
    'pcd,pcds,lat,long\nB15 2GW,B15 2GW,52.4516,-1.9423\nB709ZZ,B70 9ZZ,99.999,0\n',
  );
  const postcodes = await readPostcodes(file);
  t.match(postcodes.find('b152gw'), { latitude: 52.4516, isApproximate: false });
  t.match(postcodes.find('B70 9ZZ'), { isApproximate: true });
  t.equal(postcodes.find('nonsense'), null);
  writeFileSync(file, 'pcd,easting\nB15 2GW,1\n');
  await t.rejects(readPostcodes(file), { code: 'TRAVEL_DATA_COLUMN', message: /latitude/ });
  await t.rejects(readPostcodes(`${file}.gone`), { code: 'TRAVEL_DATA_UNREADABLE' });
});
