/**
 * The hub, put together. HTTP listens before the log is reached: who asks gets what is held, and which
 * of it is old. What is started is stopped in reverse, so that HTTP's last answers are whole.
 *
 *   data directory ─► access ─► projection ─► alerts ─► fetches ─► HTTP ─► log
 */
import { generateKeyPairSync } from 'node:crypto';
import { collectDefaultMetrics } from 'prom-client';
import type { ClientPair } from '../shared/client-pair.ts';
import { type Clock, rfc3339, systemClock } from '../shared/clock.ts';
import type { EnrolReply, EnrolRequest } from '../shared/contract/enrol.ts';
import type { Directory } from '../shared/contract/rpc.ts';
import { HUB_READER } from '../shared/contract/ticket.ts';
import { publicKeyOf } from '../shared/ed25519.ts';
import { Lifecycle, untilSignal } from '../shared/lifecycle.ts';
import { type Log, openLog } from '../shared/log.ts';
import { openMetrics } from '../shared/metrics.ts';
import { holdDirectory } from '../shared/sqlite/hold-directory.ts';
import { VERSION } from '../shared/version.ts';
import { Access, openAccessDatabase } from './access/access.ts';
import {
  type CertificateAuthority,
  openCertificateAuthority,
} from './access/certificate-authority.ts';
import { EdgeAdmission } from './access/edge-admission.ts';
import { EdgeCredentials, KEY_MS } from './access/edge-credentials.ts';
import { IdentityProvider } from './access/oidc-provider.ts';
import { openTicketSigner } from './access/tickets.ts';
import { Alerts } from './alerts/alerts.ts';
import { answerEdges } from './answer-edges.ts';
import { exchangeAnchors } from './audit/exchange.ts';
import { type HubConfig, httpUrlOf } from './config.ts';
import { EdgeCaller } from './dicomweb/call-edge.ts';
import { FetchOrders } from './fetch/fetch-orders.ts';
import { Fleet } from './fleet/fleet.ts';
import { FleetStore } from './fleet/fleet-store.ts';
import { startHttp } from './http/server.ts';
import { decideIdentity } from './identity/decide.ts';
import { applyIdentityDecision } from './identity/decisions.ts';
import { LateLog } from './log/late-log.ts';
import { openNetworkLog } from './log/open-log.ts';
import { Measures } from './measures/measures.ts';
import { openSubscriptions } from './measures/subscriptions/open-subscriptions.ts';
import { bringTo } from './prefetch/bring-to.ts';
import { Projection } from './projection/projection.ts';
import { Disclosure } from './relations/disclosure.ts';
import { Relations } from './relations/relations.ts';
import { Relay } from './relay/relay.ts';
import { openRemoteWork } from './remote-work.ts';
import { applyReportCopy } from './reports/copied.ts';
import { messagePorts } from './scheduling/message-ports.ts';
import { Scheduling } from './scheduling/scheduling.ts';
import type { BringPriors } from './scheduling/transfers.ts';
import { LoadedTravel } from './scheduling/travel/loaded-travel.ts';
import { startAudit } from './start-audit.ts';
import { startFollowers } from './start-followers.ts';
import { Teaching } from './teaching/teaching.ts';

/** Longer than a hub runs. */
const OWN_PAIR_MS = 5 * 365 * 86_400_000;
/** A broker that is not reached within this is worth a line. */
const PATIENCE_MS = 5_000;

/** Runs until SIGTERM or SIGINT. @returns the exit code */
export async function runHub(config: HubConfig): Promise<number> {
  const log = openLog('hub');
  const lifecycle = new Lifecycle(log);
  const signal = untilSignal();
  lifecycle.add('data directory', holdDirectory(config.dataDirectory));
  let isReached = false;
  try {
    const started = startParts(config, { log, lifecycle }).then((where) => {
      isReached = true;
      log.info('program.started', { version: VERSION, ...where });
    });
    await Promise.race([started, signal]);
    log.info('program.stopping', { signal: await signal });
  } finally {
    await lifecycle.stop();
  }
  log.info('program.stopped', {});
  // A connection that was never made can't be closed, and would keep the program for ever.
  if (!isReached) process.exit(0);
  return 0;
}

async function startParts(
  config: HubConfig,
  { log, lifecycle }: { log: Log; lifecycle: Lifecycle },
): Promise<{ http: string; nats: string }> {
  const { dataDirectory, trusts } = config;
  const clock = systemClock;
  const metrics = openMetrics({});
  collectDefaultMetrics({ register: metrics });

  const accessDb = openAccessDatabase(dataDirectory);
  lifecycle.add('access', () => void accessDb.close());
  const { session, links } = config.signIn;
  const access = new Access(accessDb, clock, { ...session, links });
  const credentials = new EdgeCredentials(accessDb, clock);
  const authority = openCertificateAuthority(accessDb, clock);
  const pair = ownPair(authority, clock);
  const tickets = await openTicketSigner(accessDb, clock);
  const { oidc } = config.signIn;
  const network = trusts.map(({ ods }) => ods);
  const provider =
    oidc === undefined ? null : new IdentityProvider({ config: oidc, trusts: network, clock, log });

  const audit = startAudit({ config, clock, log, metrics, lifecycle });

  const fleetStore = new FleetStore({ dataDirectory, bankHolidays: config.alerts.bankHolidays });
  lifecycle.add('fleet', () => fleetStore.close());

  const networkLog = new LateLog();
  lifecycle.add('log', () => networkLog.stop());
  const projection = new Projection({ dataDirectory, trusts, networkLog, clock, log, metrics });
  lifecycle.add('projection', () => projection.stop());
  const enrolledUrl = (ods: string): string | null => credentials.enrolledUrl(ods);
  const fleet = new Fleet({ db: projection.db, trusts, clock, enrolledUrl });
  projection.onHeartbeat((health, heardAt) => fleetStore.take(health, heardAt));
  const hubUrl = (): string => httpUrlOf(config, http.port);
  const alerts = new Alerts({
    ...{ config: config.alerts, trusts, projection, networkLog, clock, log, metrics },
    ...{ store: fleetStore, links: { hubUrl } },
  });
  lifecycle.add('alerts', () => alerts.stop());
  const relations = new Relations({ projection, networkLog, clock });
  const teaching = new Teaching({ projection, networkLog, clock, log });
  lifecycle.add('teaching files', () => teaching.stop());
  const disclosure = new Disclosure({ db: projection.db, clock, config: config.access });
  const fetches = new FetchOrders({
    ...{ trusts, projection, networkLog, edges: fleet, tickets, clock, log },
    keyOf: (ods) => credentials.keyInUse(ods),
  });
  lifecycle.add('fetches', () => fetches.stop());
  const measures = await Measures.open({
    ...{ dataDirectory, config: config.measures, trusts, db: projection.db, clock, log, metrics },
    audit,
  });
  lifecycle.add('measures', () => measures.stop());
  const subscriptions = openSubscriptions(dataDirectory, {
    ...{ config: config.measures.email, measures, audit, hubUrl, clock, log },
    people: {
      find: (name) => access.accounts.find(name),
      refusal: (person) => access.refuse(person, 'measure'),
    },
  });
  lifecycle.add('subscriptions', () => subscriptions.stop());
  const directory = (): Directory => ({
    trusts: trusts.map(({ ods, name }) => ({ ods, name, httpUrl: fleet.urlOf(ods) })),
    ticketKeys: tickets.publicKeys(),
    revokedKeys: credentials.endedLately(),
    ...(config.http.edges === undefined ? {} : { edgesUrl: config.http.edges.publicUrl }),
  });
  const travel = new LoadedTravel(trusts.flatMap(({ postcode }) => postcode ?? []));
  let publicUrl = '';
  const scheduling = new Scheduling({
    trusts,
    projection,
    networkLog,
    travel,
    clock,
    log,
    bringPriors: referredPriors({ config, db: projection.db, fetches, disclosure }),
    messages: { ports: messagePorts(config), publicUrl: () => publicUrl },
  });
  lifecycle.add('scheduling', () => scheduling.stop());
  projection.registerHubAggregate('identity', applyIdentityDecision);
  projection.registerHubAggregate('report-copy', applyReportCopy);
  const deciding = {
    ...{ networkLog, clock, db: projection.db },
    untilDecided: (streamSeq: number) => projection.untilDecided(streamSeq),
  };
  const remote = openRemoteWork({
    ...{ config, projection, networkLog, fleet, alerts, audit, tickets, credentials, clock, log },
    lifecycle,
  });
  networkLog.answer('anchors', (ods, request) =>
    exchangeAnchors({ audit, signAnchor: tickets.signAnchor, clock, log }, ods, request),
  );
  const isEnrolled = (ods: string): boolean => credentials.keyInUse(ods) !== null;
  const relay = new Relay({ tickets, metrics, isEnrolled });
  const admission = new EdgeAdmission({
    ...{ credentials, networkLog, clock, log },
    dropRelayed: (ods) => relay.waiting.drop(ods),
  });
  lifecycle.add('admission', () => admission.stop());
  networkLog.answer('relay', (ods) => relay.passFor(ods));
  const edges = new EdgeCaller({
    ...{ urlOf: (ods: string) => fleet.urlOf(ods), tickets, clock, relay, pair },
  });
  lifecycle.add('edge calls', () => edges.close());
  const { db } = projection;
  answerEdges(networkLog, {
    ...{ audit, db, disclosure, relations, fleet, fetches, callEdge: edges.call },
    async directoryFor(ods) {
      const nkey = credentials.keyInUse(ods);
      if (nkey === null) return directory();
      return { ...directory(), delegation: await tickets.signDelegation(ods, nkey) };
    },
    tellKeys: async (ods, keys) => {
      if (keys.next !== undefined) networkLog.requireAdmissible(ods, keys.next);
      const endsAt = credentials.tellKeys(ods, keys);
      await admission.apply();
      const certificate = authority.issue(ods, publicKeyOf(keys.current), endsAt);
      const issued = { certificate, authority: authority.certificate };
      return { endsAt: rfc3339(endsAt), at: rfc3339(clock.now()), ...issued };
    },
  });
  const http = await startHttp({
    callEdge: edges.call,
    decideIdentity: (given) => decideIdentity(deciding, given),
    ...{
      config,
      log,
      metrics,
      clock,
      projection,
      access,
      provider,
      audit,
      disclosure,
      relations,
      fleet,
      fetches,
      relay,
      scheduling,
      ...remote,
      teaching,
    },
    measures,
    subscriptions,
    ...{ alerts, fleetStore },
    edgeCertificates: { authority: authority.certificate, isEnrolled },
    ticketKeys: () => tickets.publicKeys(),
    async revokeEdge(trust: string): Promise<void> {
      credentials.revoke(trust);
      await admission.apply();
    },
    async enrol(request: EnrolRequest): Promise<EnrolReply> {
      const { natsUrl } = networkLog;
      networkLog.requireAdmissible(request.trust, request.natsPublicKey);
      credentials.enrol(request);
      await admission.apply();
      log.info('edge.enrolled', { trust: request.trust, version: request.version });
      const key = publicKeyOf(request.natsPublicKey);
      const certificate = authority.issue(request.trust, key, clock.now() + KEY_MS);
      return {
        ...{ trust: request.trust, hubUrl: hubUrl(), natsUrl, directory: directory() },
        ...{ certificate, authority: authority.certificate },
      };
    },
  });
  lifecycle.add('http', () => http.stop());
  publicUrl = httpUrlOf(config, http.port);

  const impatience = setTimeout(() => log.warn('log.not-reached', {}), PATIENCE_MS);
  const edgeKeys = credentials.keys();
  const opened = await openNetworkLog({
    ...{ config, edgeKeys, clock, log, metrics },
    clients: { authority: authority.certificate, pair },
  }).finally(() => clearTimeout(impatience));
  networkLog.reached(opened);
  admission.start(edgeKeys);
  projection.start();
  measures.start();
  subscriptions.start();
  alerts.start();
  startFollowers(config, {
    ...{ projection, networkLog, fetches, disclosure, audit, clock, log, lifecycle },
  });
  fetches.start();
  teaching.start();
  scheduling.start();
  void travel.load(config.travel, log);
  remote.start();
  return { http: `${config.http.host}:${http.port}`, nats: networkLog.natsUrl };
}

/** The key lives in memory alone, for as long as the hub runs. */
function ownPair(authority: CertificateAuthority, clock: Clock): ClientPair {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519');
  const key = privateKey.export({ type: 'pkcs8', format: 'pem' }) as string;
  return { key, cert: authority.issue(HUB_READER, publicKey, clock.now() + OWN_PAIR_MS) };
}

/** The relevant studies of a patient follow the referral to the trust where the examination is booked. */
function referredPriors({
  config: { prefetch },
  ...parts
}: {
  config: HubConfig;
  db: Projection['db'];
  fetches: FetchOrders;
  disclosure: Disclosure;
}): BringPriors {
  return async ({ trust, patient, examination }, booking) => {
    if (!prefetch.enabled) return;
    const { patientId, issuer } = patient;
    await bringTo(
      { ...parts, rules: prefetch },
      {
        patient: { trust, patientId, issuer },
        ...{ to: booking.trust, modality: examination.modality, on: booking.start },
        reason: `booking ${booking.bookingId}`,
      },
    );
  };
}
