/**
 * Every part of the edge, in the order in which it is needed.
 *
 *   database ─► storage ─► records ─► deliver ─► commands ─► HTTP ─► uplink ─► HL7 ─► DICOM
 */
import { join } from 'node:path';
import { readPair } from '../shared/client-pair.ts';
import { type HubAccess, openHubAccess } from '../shared/hub-access.ts';
import type { Lifecycle } from '../shared/lifecycle.ts';
import { keptFor, paced } from '../shared/paced.ts';
import type { Sqlite } from '../shared/sqlite/open.ts';
import { zoneOf } from '../shared/time-zone.ts';
import { openBroughtCounters } from './commands/brought-counters.ts';
import { CommandInbox } from './commands/command-inbox.ts';
import { FetchRunner } from './commands/fetch-runner.ts';
import { FetchStore } from './commands/fetch-store.ts';
import { openUnaided, type UnaidedFetches } from './commands/unaided-fetch.ts';
import { httpUrlOf, natsSeedFile } from './config.ts';
import { crawlProgress } from './crawl/progress.ts';
import { openEdgeDatabase } from './database.ts';
import { Deliverer } from './deliver/deliverer.ts';
import { type DeliveryCounters, openDeliveryCounters } from './deliver/delivery-counters.ts';
import { DeliveryQueue } from './deliver/delivery-queue.ts';
import { dimseDestinations } from './deliver/dimse-destination.ts';
import { PeerStates } from './deliver/peer-states.ts';
import { MadeAhead } from './dicomweb/made-ahead.ts';
import { openDicomWeb } from './dicomweb/open.ts';
import { type DicomListener, startDicomListener } from './dimse/listener.ts';
import { Doctor } from './doctor/doctor.ts';
import { openGauges } from './health/gauges.ts';
import { heartbeat } from './health/heartbeat.ts';
import { type HealthDetails, Vitals, type VitalsOptions } from './health/vitals.ts';
import { Hl7Inbox } from './hl7/inbox.ts';
import { openHl7Counter, startHl7Listener } from './hl7/listener.ts';
import { startHttp } from './http/server.ts';
import { openTransferCounters } from './http/transfer-counters.ts';
import { KnownPatients } from './index/records/known-patients.ts';
import { Records } from './index/records/records.ts';
import { joinHub } from './join-hub.ts';
import type { RejectionNotes } from './notes/rejection-notes.ts';
import { Operations } from './operations.ts';
import { openRemoteWork } from './remote-work.ts';
import { ObjectReports, reportInlet } from './reports/object-reports.ts';
import { Retriever } from './retrieve/retriever.ts';
import { RisBookings } from './ris/ris-bookings.ts';
import { allDestinations, deliveryPeers } from './route/destinations.ts';
import { explain } from './route/explain.ts';
import {
  deliveredObjects,
  openRouteTables,
  type RouteTables,
  recoverResults,
  routeInlet,
  startRouting,
} from './route/start-routing.ts';
import { furtherParts } from './schema-parts.ts';
import { dicomReading } from './scp/dicom-reading.ts';
import { type OpenStorage, openStorage } from './scp/open-storage.ts';
import { refile, releaseFromQuarantine } from './scp/refile.ts';
import type { SetAside } from './scp/storage-parts.ts';
import { startAudit } from './start-audit.ts';
import { type MadeDocuments, startFollowing, startRetention } from './start-following.ts';
import type { StartOptions } from './start-options.ts';
import { type Services, startServices } from './start-services.ts';
import { openTeaching, startTeaching, type Teaching } from './start-teaching.ts';
import { statusView } from './status-view.ts';
import { CodecThreads } from './transcode/codec-threads.ts';
import { Transcoder } from './transcode/transcoder.ts';
import { DirectoryCache } from './transfer/directory.ts';
import { Line } from './transfer/line.ts';
import { proverWithFile } from './transfer/proof.ts';
import { SourceClient } from './transfer/source-client.ts';
import { SourcePaths } from './transfer/source-paths.ts';
import { UsedTickets } from './transfer/used-tickets.ts';
import type { Uplink } from './uplink/uplink.ts';
import { UplinkError } from './uplink/uplink-error.ts';

/** A response of another edge of which nothing comes for so long is given up. */
const STALL_MS = 30_000;
/** Records that are told again in one transaction. */
const ANNOUNCED_TOGETHER = 200;

/** @returns where it listens */
export async function startParts(
  given: StartOptions,
): Promise<{ dicom: string; hl7: string; http: string }> {
  const { trust, dataDirectory } = given.config;
  const db = openEdgeDatabase(dataDirectory, furtherParts);
  given.lifecycle.add('database', () => void db.close());
  const { trail, audit, subjects, observe, log } = startAudit(given, db);
  const options = { ...given, log };
  const { config, clock, metrics, lifecycle } = options;
  const startedAt = clock.now();
  const routes = openRouteTables(db, config);
  // Each is told of the other when it is there.
  const late: {
    uplink?: Uplink;
    unaided?: UnaidedFetches;
    listener?: DicomListener;
    pacs?: Retriever;
    services?: Services;
    made?: MadeDocuments;
    vitals?: () => HealthDetails;
  } = {};
  const isBringing = (study: string): boolean => late.pacs?.isBringing(study) ?? false;
  const isMade: SetAside = (spool, object) => late.made?.takeBack(spool, object) ?? false;
  const now = (): number => clock.now();
  const ahead = new MadeAhead({ quietMs: config.storage.quietSeconds * 1000, now });
  const storage = await openRoutedStorage(options, {
    db,
    routes,
    ahead,
    isBringing,
    isMade,
  });
  const { index, spool, outbox, quarantine } = storage;
  lifecycle.add('spool', () => spool.stop());
  outbox.start();
  lifecycle.add('outbox', () => outbox.stop());

  const { records, hl7Inbox } = startRecords(options, { db, storage });
  const line = new Line(config.transfer, () => clock.now());
  const directory = new DirectoryCache(dataDirectory);
  const hub = openHubAccess({
    url: () => directory.current()?.edgesUrl ?? config.hub?.url,
    pair: () => readPair(dataDirectory),
  });
  lifecycle.add('hub access', () => hub.close());
  const decoder = startDecoder(lifecycle);
  const teaching = await openTeaching(options, { db, storage, decoder });
  const fetching = startFetching(options, { db, storage, routes, late, line, hub, teaching });
  const { store, queue, states, inbox, deliverer } = fetching;
  const pacs = startRetriever(options, { db, storage, late });
  startTeaching(options, { ...teaching, db, storage, pacs, transcoder: fetching.transcoder });
  const copies = startRetention(options, { db, storage, notes: fetching.notes });

  const doctor = startDoctor(options, { db, inlet: pacs });
  const remote = openRemoteWork({ ...options, audit: trail, hub }, late);
  const operations = new Operations({ ...options, deliverer, quarantine, ...remote });
  const notReady = (): string | null =>
    late.listener === undefined ? 'the DICOM port is not open yet' : operations.closedBecause;
  const withoutHub = openUnaided({
    ...{ config, clock, db, directory },
    isHubAnswering: async () => (await late.uplink?.isHubAnswering()) ?? false,
    take: (command) => inbox.take(command),
  });
  late.unaided = withoutHub.fetches;
  const dicomWeb = openDicomWeb({ db, index, spool, log, decoder });
  ahead.start({ ...dicomWeb, log });
  lifecycle.add('made ahead', () => ahead.stop());
  const http = await startHttp({
    ...{ config, metrics, log, clock, trust, index, spool, directory, pacs, line, copies },
    ...{ usedTickets: new UsedTickets(db, clock), audit, subjects },
    unaided: config.transfer.withoutHub ? withoutHub.opens : undefined,
    fetchUnaided: (wish) => withoutHub.fetches.begin(wish),
    status: () =>
      statusView({
        ...{ ...options, db, startedAt, storage, store, queue, states, routes, late, copies },
        hl7: hl7Inbox.log,
        doctor,
        drainingSince: () => operations.drainingSince,
        upgrade: () => remote.upgrades.told(),
      }),
    transferCounters: openTransferCounters(metrics),
    ...{ notReady, operate: operations },
    stow: { store: storage.store, index },
    ...{ dicomWeb, teachingWeb: teaching.collection.web },
    examine: () => doctor.examine(),
    rotateKey: async () => {
      if (late.uplink === undefined)
        throw new UplinkError('HUB_UNAVAILABLE', 'this edge is not joined to a hub');
      await late.uplink.rotateKey();
    },
    replayHl7: (key) => hl7Inbox.replay(key),
    deadLetters: hl7Inbox.log,
    explainRoute: (uid) => explain(routes.store, uid),
    releaseQuarantined: (id) => releaseFromQuarantine(storage, id),
  });
  lifecycle.add('http', () => http.stop());

  const vitals = startVitals(options, { db, storage, hl7: hl7Inbox.log, directory, late });
  late.vitals = vitals;
  const counted = countedSlowly(options, db, index);
  const beat = () =>
    heartbeat({
      ...{ trust, startedAt, outbox, quarantine, clock, ...counted, vitals },
      pushedConfiguration: () => options.pushed.last(),
      upgrade: () => remote.upgrades.told(),
      isReady: () => notReady() === null,
      httpUrl: httpUrlOf(config, http.port),
      associations: () => late.listener?.associations() ?? 0,
      fetches: () => store.openCount(),
    });
  openGauges(metrics, beat);
  const uplink =
    config.hub &&
    joinHub(options, config.hub, {
      ...{ directory, outbox, inbox, ...remote, beat, http, audit: trail, hub },
      unaided: withoutHub.written,
    });
  if (uplink !== undefined) late.uplink = uplink;

  const hl7 = await startHl7Listener({ config: config.hl7, inbox: hl7Inbox, log, metrics });
  lifecycle.add('hl7', () => hl7.stop());
  const { transcoder, deliveryCounters } = fetching;
  const further = { db, storage, records, store, pacs, copies, uplink, transcoder };
  late.services = startServices({ ...options, ...further, deliveryCounters });
  const services = { store: pacs.store, served: late.services.served };
  const isDraining = (): boolean => operations.drainingSince !== null;
  const listener = await startDicomListener({
    ...{ config, services, observe, log, metrics, clock, isDraining },
  });
  late.listener = listener;
  lifecycle.add('dicom', () => listener.stop());
  remote.start();
  return {
    dicom: `${config.dicom.host}:${listener.port}`,
    hl7: `${config.hl7.host}:${hl7.port}`,
    http: `${config.http.host}:${http.port}`,
  };
}

function startDoctor(options: StartOptions, parts: { db: Sqlite; inlet: Retriever }): Doctor {
  const doctor = new Doctor({ ...options, ...parts });
  doctor.start();
  options.lifecycle.add('doctor', () => doctor.stop());
  return doctor;
}

/** Not the threads of the deliveries: who looks at an image does not wait behind them. */
function startDecoder(lifecycle: Lifecycle): CodecThreads {
  const decoder = new CodecThreads();
  lifecycle.add('decoder', () => decoder.stop());
  return decoder;
}

/** What is watched all the time. @returns what is told of it */
function startVitals(
  options: StartOptions,
  {
    storage: { index, spool },
    directory,
    late,
    ...parts
  }: Pick<VitalsOptions, 'db' | 'hl7'> & {
    storage: OpenStorage;
    directory: DirectoryCache;
    late: { uplink?: Uplink; listener?: DicomListener };
  },
): () => HealthDetails {
  const vitals = new Vitals({
    ...{ ...options, ...parts, index, spool },
    directory: () => directory.current(),
    troubledCallers: () => late.listener?.troubledCallers() ?? [],
    clockOffsetMs: () => late.uplink?.clockOffsetMs() ?? null,
    keyEndsAt: () => late.uplink?.keyEndsAt() ?? null,
  });
  vitals.start();
  options.lifecycle.add('vitals', () => vitals.stop());
  // Asked for by each gauge of /metrics.
  return keptFor(1_000, () => vitals.details(), options.clock);
}

/** What is counted over all studies, for a heartbeat every few seconds. */
function countedSlowly({ config, clock }: StartOptions, db: Sqlite, index: OpenStorage['index']) {
  const counts = paced(() => index.counts(), clock);
  return { index: { counts }, crawl: paced(() => crawlProgress(db, config), clock) };
}

/** Brings what only the PACS holds. */
function startRetriever(
  options: StartOptions,
  { db, storage, late }: { db: Sqlite; storage: OpenStorage; late: { pacs?: Retriever } },
): Retriever {
  const { index, spool, store } = storage;
  const pacs = new Retriever({ ...options, db, index, spool, store });
  late.pacs = pacs;
  options.lifecycle.add('retrieves', () => pacs.stop());
  return pacs;
}

/** What RIS and PAS tell, and the messages by which they do. */
function startRecords(
  { config, clock, log, metrics, lifecycle }: StartOptions,
  { db, storage: { index, spool, outbox } }: { db: Sqlite; storage: OpenStorage },
): { records: Records; hl7Inbox: Hl7Inbox } {
  const records = new Records(db, (body) => outbox.appendRecord(body));
  const objectReports = new ObjectReports({
    ...{ trust: config.trust, db, index, spool, records, log, now: () => clock.now() },
    tellDose: (body) => outbox.appendRecord(body),
    zone: zoneOf(config.hl7.timeZone),
  });
  outbox.alsoAnnounce(function* () {
    yield* records.everything(ANNOUNCED_TOGETHER);
    yield* objectReports.everyDose(ANNOUNCED_TOGETHER);
  });
  objectReports.start();
  lifecycle.add('reports among objects', () => objectReports.stop());
  const onOutcome = openHl7Counter(metrics);
  const inbox = new Hl7Inbox({ config, db, records, clock, log, onOutcome });
  inbox.start();
  lifecycle.add('hl7 inbox', () => inbox.stop());
  return { records, hl7Inbox: inbox };
}

/** Storage that tells routing of what it files, and sets results aside. */
async function openRoutedStorage(
  { config, clock, log, metrics }: StartOptions,
  {
    db,
    routes,
    ahead,
    isBringing,
    isMade,
  }: {
    db: Sqlite;
    routes: RouteTables;
    ahead: MadeAhead;
    isBringing: (study: string) => boolean;
    isMade: SetAside;
  },
): Promise<OpenStorage> {
  const route = routeInlet(routes, config, isBringing);
  const noteReport = reportInlet(db, config.trust);
  const patients = new KnownPatients(db);
  const storage = await openStorage({
    ...{ config, db, clock, log, metrics, reading: dicomReading },
    inForce: (key) => patients.inForce(key),
    onStored: (record, now) => {
      route(record, now);
      noteReport(record, now);
      ahead.note(record, now);
    },
    setAside: (into, object, now) => routes.inbox.take(into, object) || isMade(into, object, now),
  });
  await recoverResults(routes, storage.spool, (file) =>
    refile(storage, file, { byDecision: false }),
  );
  return storage;
}

interface FetchingParts {
  readonly db: Sqlite;
  readonly storage: OpenStorage;
  readonly routes: RouteTables;
  readonly late: { uplink?: Uplink; unaided?: UnaidedFetches; made?: MadeDocuments };
  readonly line: Line;
  readonly hub: HubAccess;
  readonly teaching: Teaching;
}

interface Fetching {
  readonly store: FetchStore;
  readonly queue: DeliveryQueue;
  readonly states: PeerStates;
  readonly inbox: CommandInbox;
  readonly deliverer: Deliverer;
  readonly transcoder: Transcoder;
  readonly deliveryCounters: DeliveryCounters;
  readonly notes: RejectionNotes;
}

/** Commands, fetches, deliveries and routes; what was under way goes on. */
function startFetching(
  options: StartOptions,
  { db, storage, routes, late, line, hub, teaching }: FetchingParts,
): Fetching {
  const { config, clock, log, metrics, lifecycle } = options;
  const { trust, peers, patientIds } = config;
  const { index, spool, outbox } = storage;
  const now = (): number => clock.now();
  const queue = new DeliveryQueue(db);
  const states = new PeerStates(db);
  const transcoder = new Transcoder({ directory: join(config.dataDirectory, 'transcoding') });
  lifecycle.add('transcoder', () => transcoder.stop());
  const objects = deliveredObjects(db, storage);
  const deliveryCounters = openDeliveryCounters(metrics, states);
  const deliverer = new Deliverer({
    ...{ queue, states, spool, transcoder, log, now },
    index: {
      findInstance: (uid, home) => objects.findInstance(uid, home) ?? late.made?.findInstance(uid),
    },
    peers: deliveryPeers(config),
    destinations: allDestinations(config, dimseDestinations(config.dicom.aeTitle)),
    counters: deliveryCounters,
    random: Math.random,
  });
  const store = new FetchStore({
    ...{ db, now },
    appendReceipt: (body) => outbox.appendReceipt(body),
    deliveryFailures: (fetchId) => queue.failures(fetchId),
    onState: ({ fetchId, state, reason, studyInstanceUID, home, sourceTrust, instancesDone }) =>
      log.info('fetch.state', {
        ...{ fetchId, state, code: reason?.code ?? '', studyInstanceUID, home },
        ...{ source: sourceTrust, instances: instancesDone },
      }),
  });
  const paths = new SourcePaths({
    hubUrl: hub.url,
    now,
    onChange: (change) => log.info('transfer.path', change),
  });
  const prove = proverWithFile(natsSeedFile(config.dataDirectory));
  const client = new SourceClient({
    ...{ stallMs: STALL_MS, prove, paths },
    pair: hub.pair,
  });
  lifecycle.add('source client', () => client.close());
  const runner = new FetchRunner({
    ...{ trust, patientIds, peers, store, index, spool, client, deliverer, now, log },
    counters: openBroughtCounters(metrics),
    line,
    reading: dicomReading,
    deliveries: queue,
    random: Math.random,
    requestTicket: async (fetchId) =>
      (await late.unaided?.renew(fetchId)) ??
      late.uplink?.requestTicket(fetchId) ??
      Promise.reject(new UplinkError('HUB_UNAVAILABLE', 'this edge is not joined to a hub')),
  });
  const following = startFollowing(options, { db, storage, queue, deliverer, store, runner });
  late.made = following.made;
  const { reports, notes } = following;
  const ris = new RisBookings({
    ...{ trust, db, clock, log, ris: config.ris },
    tell: (body) => outbox.appendBooking(body),
  });
  ris.start();
  lifecycle.add('ris', () => ris.stop());
  const inbox = new CommandInbox({
    ...{ db, store, runner, outbox, reports, ris, now, log },
    teaching: teaching.store,
  });
  deliverer.onChange(() => runner.wake());
  deliverer.start();
  lifecycle.add('deliverer', () => deliverer.stop());
  startRouting({
    ...{ ...options, db, tables: routes, index, spool, deliveries: queue, deliverer },
    transcoder,
    reading: dicomReading,
  });
  runner.start();
  lifecycle.add('fetches', () => runner.stop());
  inbox.start();
  lifecycle.add('commands', () => inbox.stop());
  return { store, queue, states, inbox, deliverer, transcoder, deliveryCounters, notes };
}
