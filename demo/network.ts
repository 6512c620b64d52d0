/**
 * `npm start`: a network on this machine: a hub, three trusts with their own edges and different PACSs,
 * scanners that send. `-- --fresh` forgets what was there, `-- --directory DIR` keeps it elsewhere.
 */
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { stringify } from 'yaml';
import { planBookings } from './bookings.ts';
import { answers, Child } from './child.ts';
import { planMeeting } from './meetings.ts';
import { sendStudy } from './modality.ts';
import { Ports } from './ports.ts';
import { writeSampleTimetable } from './sample-timetable.ts';
import { CDIP, cdip, type Site, startSite } from './site.ts';
import { nextStudy, STUDIES } from './studies.ts';
import { thingsToTry } from './things-to-try.ts';
import { TRUSTS } from './trusts.ts';

const ROOT = join(import.meta.dirname, '..');
const { values: given } = parseArgs({
  options: { fresh: { type: 'boolean', default: false }, directory: { type: 'string' } },
});
const DIRECTORY = resolve(given.directory ?? join(ROOT, '.demo'));
const PHANTOMS = join(DIRECTORY, 'phantoms');
const NEXT_STUDY_MS = 180_000;
const PEOPLE = [
  {
    who: 'Dr Ngozi Okafor, radiologist at RJE',
    name: 'Dr Ngozi Okafor',
    role: 'radiologist',
    trust: 'RJE',
  },
  {
    who: 'Dr Tunde Adeyemi, clinician at RRK',
    name: 'Dr Tunde Adeyemi',
    role: 'clinician',
    trust: 'RRK',
  },
  {
    who: 'Sam Carter, coordinator of the network',
    name: 'Sam Carter',
    role: 'coordinator',
    trust: '',
  },
  {
    who: 'Priya Ellis, booking staff at RRK',
    name: 'Priya Ellis',
    role: 'booker',
    trust: 'RRK',
  },
  {
    who: 'Ruth Hall, privacy officer of RJE',
    name: 'Ruth Hall',
    role: 'privacy',
    trust: 'RJE',
  },
];

const startedAt = performance.now();
const children: Child[] = [];
let isStopping = false;

function say(text: string): void {
  const seconds = ((performance.now() - startedAt) / 1000).toFixed(1).padStart(6);
  process.stderr.write(`${seconds} s  ${text}\n`);
}

async function startHub(ports: Ports): Promise<{ url: string; configFile: string }> {
  const port = await ports.take('hub', 8_000);
  const nats = await ports.take('nats', 4_222);
  const folder = join(DIRECTORY, 'hub');
  const configFile = join(folder, 'hub.yaml');
  mkdirSync(folder, { recursive: true });
  if (!existsSync(configFile)) {
    const trusts = TRUSTS.map(({ ods, name, postcode }) => ({ ods, name, postcode }));
    const dataDirectory = join(folder, 'data');
    const timetableFolder = join(folder, 'timetable');
    writeSampleTimetable(timetableFolder, new Date().toISOString().slice(0, 10));
    const config = {
      ...{ dataDirectory, http: { port }, nats: { embedded: true, port: nats }, trusts },
      // Whoever tries it reads in between.
      signIn: { session: { idleMinutes: 720 } },
      travel: { timetableFolder },
    };
    writeFileSync(configFile, stringify(config));
  }
  const url = `http://127.0.0.1:${port}`;
  const child = new Child({
    name: 'hub',
    command: CDIP,
    args: ['hub', '--config', configFile],
    logFile: join(DIRECTORY, 'logs', 'hub.log'),
    ready: () => answers(`${url}/health/ready`),
    say,
  });
  children.push(child);
  await child.start();
  return { url, configFile };
}

async function sendAll(sites: readonly Site[]): Promise<void> {
  const sent = join(DIRECTORY, 'sent');
  mkdirSync(sent, { recursive: true });
  for (const study of STUDIES) {
    const site = sites.find(({ trust }) => trust.ods === study.ods);
    const mark = join(sent, study.key);
    if (site === undefined || existsSync(mark)) continue;
    say(`the scanner of ${study.ods} sends ${study.key}`);
    await sendStudy(site, study, PHANTOMS);
    writeFileSync(mark, '');
  }
}

function keepSending(sites: readonly Site[]): void {
  let number = 0;
  const timer = setInterval(() => {
    const today = new Date().toISOString().slice(0, 10).replaceAll('-', '');
    const study = nextStudy(Math.floor(Date.now() / NEXT_STUDY_MS) + number, today);
    const site = sites.find(({ trust }) => trust.ods === study.ods);
    number += 1;
    if (site === undefined || isStopping) return;
    void sendStudy(site, study, PHANTOMS)
      .then(() => say(`the scanner of ${study.ods} sent a new study`))
      .catch(() => say(`the scanner of ${study.ods} could not send; it tries the next one later`));
  }, NEXT_STUDY_MS);
  timer.unref();
}

async function signInLinks(configFile: string): Promise<{ who: string; link: string }[]> {
  return Promise.all(
    PEOPLE.map(async ({ who, name, role, trust }) => {
      const at = trust === '' ? [] : ['--trust', trust];
      const args = ['hub', 'user', 'add', name, '--role', role, ...at, '--config', configFile];
      return { who, link: await cdip(...args) };
    }),
  );
}

/** The newest first: edges before their hub. */
async function stop(): Promise<void> {
  if (isStopping) return;
  isStopping = true;
  say('stopping');
  const [hub, ...others] = children;
  await Promise.all(others.map((child) => child.stop()));
  await hub?.stop();
}

async function main(): Promise<void> {
  if (given.fresh) rmSync(DIRECTORY, { recursive: true, force: true });
  mkdirSync(join(DIRECTORY, 'logs'), { recursive: true });
  const ports = new Ports(DIRECTORY);
  say('starting the hub');
  const hub = await startHub(ports);
  const sites: Site[] = [];
  for (const [number, trust] of TRUSTS.entries()) {
    say(`starting ${trust.ods}, ${trust.name}`);
    const site = await startSite({ trust, number, directory: DIRECTORY, ports, hub, say });
    children.push(site.edge, site.pacs.child);
    sites.push(site);
  }
  await sendAll(sites);
  say('diaries are planned, patients wait for an MRI');
  await planBookings(hub);
  await planMeeting(hub);
  keepSending(sites);
  process.stdout.write(
    thingsToTry({
      hubUrl: hub.url,
      hubConfig: relative(process.cwd(), hub.configFile),
      sites,
      people: await signInLinks(hub.configFile),
      logs: relative(process.cwd(), join(DIRECTORY, 'logs')),
      studyInstanceUID: STUDIES[0]?.studyInstanceUID ?? '',
    }),
  );
}

for (const signal of ['SIGINT', 'SIGTERM'])
  process.on(signal, () => {
    void stop().then(() => process.exit(0));
  });
// What runs is never left behind, however this ends.
const failed = async (error: unknown): Promise<void> => {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  await stop();
  process.exit(1);
};
await main().catch(failed);
