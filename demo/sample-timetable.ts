/**
 * A small timetable of made-up bus and rail lines between the places of the demo, as a GTFS folder. It is
 * no real one: it shows what a real one, imported in its place, does for patients without a car.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

interface Line {
  readonly route: string;
  /** Stops with the minutes from the one before. */
  readonly stops: readonly (readonly [stop: string, minutes: number])[];
  readonly everyMinutes: number;
  /** Hours of the first and the last departure. */
  readonly hours: readonly [number, number];
  readonly service: 'weekdays' | 'weekend';
}

const STOPS: Readonly<
  Record<string, readonly [name: string, latitude: number, longitude: number]>
> = {
  'west-bromwich': ['West Bromwich bus station', 52.519, -1.996],
  'smethwick-hospital': ['Smethwick, hospital', 52.491, -1.969],
  'city-north': ['Birmingham, Snow Hill', 52.483, -1.899],
  'city-south': ['Birmingham, New Street', 52.478, -1.899],
  'edgbaston-hospital': ['Edgbaston, hospital', 52.459, -1.931],
  'selly-oak': ['Selly Oak', 52.441, -1.937],
  'stoke-station': ['Stoke-on-Trent station', 53.008, -2.181],
  'stoke-hospital': ['Stoke, hospital', 52.991, -2.183],
};

const BOTH_WAYS: readonly Line[] = [
  {
    ...{ route: 'S80', everyMinutes: 12, hours: [5, 23], service: 'weekdays' },
    stops: [
      ['west-bromwich', 0],
      ['smethwick-hospital', 14],
      ['city-north', 17],
    ],
  },
  {
    ...{ route: 'S80', everyMinutes: 30, hours: [7, 22], service: 'weekend' },
    stops: [
      ['west-bromwich', 0],
      ['smethwick-hospital', 13],
      ['city-north', 15],
    ],
  },
  {
    ...{ route: 'S61', everyMinutes: 10, hours: [5, 23], service: 'weekdays' },
    stops: [
      ['city-south', 0],
      ['edgbaston-hospital', 13],
      ['selly-oak', 8],
    ],
  },
  {
    ...{ route: 'S61', everyMinutes: 20, hours: [7, 22], service: 'weekend' },
    stops: [
      ['city-south', 0],
      ['edgbaston-hospital', 12],
      ['selly-oak', 7],
    ],
  },
  {
    ...{ route: 'Sample Rail', everyMinutes: 60, hours: [6, 21], service: 'weekdays' },
    stops: [
      ['city-south', 0],
      ['stoke-station', 51],
    ],
  },
  {
    ...{ route: 'S23', everyMinutes: 15, hours: [6, 22], service: 'weekdays' },
    stops: [
      ['stoke-station', 0],
      ['stoke-hospital', 9],
    ],
  },
];

/** @param from YYYY-MM-DD: the first day that it is for; it holds for half a year */
export function writeSampleTimetable(folder: string, from: string): void {
  mkdirSync(folder, { recursive: true });
  const to = new Date(Date.parse(from) + 182 * 86_400_000).toISOString().slice(0, 10);
  const days = `${from.replaceAll('-', '')},${to.replaceAll('-', '')}`;
  const lines = BOTH_WAYS.flatMap((line) => [line, backwards(line)]);
  const trips = lines.flatMap((line, at) => tripsOf(line, at));
  const files: Readonly<Record<string, readonly string[]>> = {
    'agency.txt': [
      'agency_id,agency_name,agency_url,agency_timezone',
      'sample,Sample lines (made up),https://example.org,Europe/London',
    ],
    'stops.txt': [
      'stop_id,stop_name,stop_lat,stop_lon',
      ...Object.entries(STOPS).map(([id, [name, lat, lon]]) => `${id},"${name}",${lat},${lon}`),
    ],
    'routes.txt': [
      'route_id,agency_id,route_short_name,route_type',
      ...[...new Set(lines.map(({ route }) => route))].map((route) => `${route},sample,${route},3`),
    ],
    'calendar.txt': [
      'service_id,monday,tuesday,wednesday,thursday,friday,saturday,sunday,start_date,end_date',
      `weekdays,1,1,1,1,1,0,0,${days}`,
      `weekend,0,0,0,0,0,1,1,${days}`,
    ],
    'trips.txt': [
      'route_id,service_id,trip_id',
      ...trips.map(({ id, line }) => `${line.route},${line.service},${id}`),
    ],
    'stop_times.txt': [
      'trip_id,arrival_time,departure_time,stop_id,stop_sequence',
      ...trips.flatMap(({ id, line, departs }) => stopTimesOf(id, line, departs)),
    ],
  };
  for (const [name, rows] of Object.entries(files))
    writeFileSync(join(folder, name), `${rows.join('\n')}\n`);
}

/** The same stops from the end, with the minutes between them. */
function backwards(line: Line): Line {
  const { stops } = line;
  const minutes = [
    0,
    ...stops
      .slice(1)
      .map(([, between]) => between)
      .toReversed(),
  ];
  return {
    ...line,
    stops: stops.toReversed().map(([stop], at): [string, number] => [stop, minutes[at] ?? 0]),
  };
}

function tripsOf(line: Line, at: number): { id: string; line: Line; departs: number }[] {
  const [first, last] = line.hours;
  const count = Math.floor(((last - first) * 60) / line.everyMinutes) + 1;
  return Array.from({ length: count }, (_, n) => ({
    ...{ id: `${at}-${n}`, line, departs: first * 60 + n * line.everyMinutes },
  }));
}

function stopTimesOf(id: string, { stops }: Line, departs: number): string[] {
  let minutes = departs;
  return stops.map(([stop, between], sequence) => {
    minutes += between;
    const time = `${String(Math.floor(minutes / 60)).padStart(2, '0')}:${String(minutes % 60).padStart(2, '0')}:00`;
    return `${id},${time},${time},${stop},${sequence}`;
  });
}
