/**
 * A GTFS folder (the unpacked zip of a timetable) as a Timetable. gtfs.org, Schedule Reference.
 *
 *   stops, routes, calendar, calendar_dates ─► trips ─► stop_times ─► after-midnight.ts ─► rides-in-order.ts
 *
 * What a file names and no other has ends the import: half a timetable would send people to buses that do
 * not run.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { withTwins } from './after-midnight.ts';
import { csvRows, type Row } from './csv-rows.ts';
import { ridesInOrder, type StopTime } from './rides-in-order.ts';
import { type Service, type Stop, Timetable, type Trip } from './timetable.ts';
import { TravelDataError } from './travel-data-error.ts';

const WEEKDAYS = ['monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday', 'sunday'];

/** `pickup_type`, `drop_off_type`: an express that only sets down, or only takes up. */
const NOT_HERE = '1';

/** @throws TravelDataError */
export async function readGtfs(folder: string): Promise<Timetable> {
  const services = await readServices(folder);
  const { stops, stopIndex } = await readStops(folder);
  const { trips, tripIndex } = await readTrips(folder, services);
  const times: StopTime[] = [];
  const columns = ['trip_id', 'stop_id', 'stop_sequence', 'arrival_time', 'departure_time'];
  for await (const row of rowsOf(folder, 'stop_times.txt', columns)) {
    // Times between two timed stops may be left out: the ride then goes on to the next that has one.
    if (row['arrival_time'] === '' || row['departure_time'] === '') continue;
    times.push({
      trip: named(tripIndex, row['trip_id'], 'stop_times.txt: trip'),
      stop: named(stopIndex, row['stop_id'], 'stop_times.txt: stop'),
      sequence: Number(row['stop_sequence']),
      arrives: secondsOf(row['arrival_time']),
      departs: secondsOf(row['departure_time']),
      mayBoard: row['pickup_type'] !== NOT_HERE,
      mayAlight: row['drop_off_type'] !== NOT_HERE,
    });
  }
  const repeats = await readRepeats(folder, tripIndex);
  const all = withTwins({ trips, times, repeats, services });
  const inOrder = ridesInOrder(all.times, all.trips, all.repeats);
  if (inOrder.rides.trip.length === 0) throw new TravelDataError('TRAVEL_DATA_EMPTY', folder);
  return new Timetable({ stops, services: all.services, ...inOrder });
}

async function readStops(
  folder: string,
): Promise<{ stops: Stop[]; stopIndex: Map<string, number> }> {
  const stops: Stop[] = [];
  const stopIndex = new Map<string, number>();
  for await (const row of rowsOf(folder, 'stops.txt', ['stop_id', 'stop_lat', 'stop_lon'])) {
    const id = row['stop_id'] ?? '';
    stopIndex.set(id, stops.length);
    stops.push({
      name: row['stop_name'] || id,
      latitude: Number(row['stop_lat']),
      longitude: Number(row['stop_lon']),
    });
  }
  return { stops, stopIndex };
}

async function readTrips(
  folder: string,
  services: ReadonlyMap<string, Service>,
): Promise<{ trips: Trip[]; tripIndex: Map<string, number> }> {
  const routes = new Map<string, string>();
  for await (const row of rowsOf(folder, 'routes.txt', ['route_id']))
    routes.set(row['route_id'] ?? '', row['route_short_name'] || row['route_long_name'] || '');
  const trips: Trip[] = [];
  const tripIndex = new Map<string, number>();
  for await (const row of rowsOf(folder, 'trips.txt', ['trip_id', 'route_id', 'service_id'])) {
    const service = row['service_id'] ?? '';
    if (!services.has(service))
      throw new TravelDataError('TRAVEL_DATA_REFERENCE', `trips.txt: service ${service}`);
    tripIndex.set(row['trip_id'] ?? '', trips.length);
    trips.push({ route: named(routes, row['route_id'], 'trips.txt: route'), service });
  }
  return { trips, tripIndex };
}

/** Days of the week, of calendar.txt; and days for themselves, of calendar_dates.txt. Either may be absent. */
async function readServices(folder: string): Promise<Map<string, Service>> {
  const services = new Map<string, Service>();
  for await (const row of rowsOf(folder, 'calendar.txt', ['service_id', ...WEEKDAYS], 'optional'))
    services.set(row['service_id'] ?? '', {
      weekdays: WEEKDAYS.map((day) => row[day] === '1'),
      from: dayOf(row['start_date']),
      to: dayOf(row['end_date']),
      added: new Set(),
      removed: new Set(),
    });
  const columns = ['service_id', 'date', 'exception_type'];
  for await (const row of rowsOf(folder, 'calendar_dates.txt', columns, 'optional')) {
    const id = row['service_id'] ?? '';
    const service = services.get(id) ?? onlyItsOwnDays();
    const days = row['exception_type'] === '1' ? service.added : service.removed;
    (days as Set<string>).add(dayOf(row['date']));
    services.set(id, service);
  }
  return services;
}

const onlyItsOwnDays = (): Service => ({
  ...{ weekdays: [], from: '', to: '', added: new Set(), removed: new Set() },
});

/** By trip: when it starts, where frequencies.txt says that it starts again and again. */
async function readRepeats(
  folder: string,
  tripIndex: ReadonlyMap<string, number>,
): Promise<Map<number, number[]>> {
  const repeats = new Map<number, number[]>();
  const columns = ['trip_id', 'start_time', 'end_time', 'headway_secs'];
  for await (const row of rowsOf(folder, 'frequencies.txt', columns, 'optional')) {
    const trip = named(tripIndex, row['trip_id'], 'frequencies.txt: trip');
    const starts = repeats.get(trip) ?? [];
    const every = Math.max(60, Number(row['headway_secs']));
    const end = secondsOf(row['end_time']);
    for (let at = secondsOf(row['start_time']); at < end; at += every) starts.push(at);
    repeats.set(trip, starts);
  }
  return repeats;
}

async function* rowsOf(
  folder: string,
  name: string,
  columns: readonly string[],
  presence: 'required' | 'optional' = 'required',
): AsyncGenerator<Row> {
  const file = join(folder, name);
  if (presence === 'optional' && !existsSync(file)) return;
  let isFirst = true;
  for await (const row of csvRows(file)) {
    const missing = isFirst ? columns.find((column) => row[column] === undefined) : undefined;
    if (missing !== undefined)
      throw new TravelDataError('TRAVEL_DATA_COLUMN', `${name}: ${missing}`);
    isFirst = false;
    yield row;
  }
}

function named<T>(known: ReadonlyMap<string, T>, name: string | undefined, where: string): T {
  const found = known.get(name ?? '');
  if (found === undefined) throw new TravelDataError('TRAVEL_DATA_REFERENCE', `${where} ${name}`);
  return found;
}

/** `25:10:00`, after midnight of the day that the trip began, in seconds. */
function secondsOf(time: string | undefined): number {
  const [hours = 0, minutes = 0, seconds = 0] = (time ?? '').split(':').map(Number);
  return hours * 3_600 + minutes * 60 + seconds;
}

/** `20260131` as `2026-01-31`. */
const dayOf = (date: string | undefined): string =>
  (date ?? '').replace(/^(\d{4})(\d{2})(\d{2})$/, '$1-$2-$3');
