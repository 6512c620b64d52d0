/** A source edge's HTTP over real storage, tickets as a hub signs them, and a link to it that can be cut. */

import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import Fastify, { type FastifyInstance } from 'fastify';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import { problemOf } from '../../../../edge/http/problem.ts';
import { serveTransfers } from '../../../../edge/http/routes-transfer.ts';
import { openTransferCounters } from '../../../../edge/http/transfer-counters.ts';
import { acceptObject } from '../../../../edge/index/accept-object.ts';
import type { InstanceAttributes } from '../../../../edge/index/attributes.ts';
import { type Prove, proverWith } from '../../../../edge/transfer/proof.ts';
import { transferSchema } from '../../../../edge/transfer/schema.ts';
import type { UnaidedLog } from '../../../../edge/transfer/unaided-log.ts';
import { UsedTickets } from '../../../../edge/transfer/used-tickets.ts';
import { type Clock, systemClock } from '../../../../shared/clock.ts';
import type { Directory } from '../../../../shared/contract/rpc.ts';
import { encodePart10Head } from '../../../../shared/dicom/part10.ts';
import { keyOfSeed } from '../../../../shared/ed25519.ts';
import { silentLog } from '../../../../shared/log.ts';
import { openMetrics } from '../../../../shared/metrics.ts';
import { openSqlite, type Sqlite } from '../../../../shared/sqlite/open.ts';
import { noPacs } from '../../../support/no-pacs.ts';
import { readPart10 } from '../../../support/part10.ts';
import {
  openStorageFixture,
  type StorageFixture,
  temporaryDirectory,
} from '../../../support/storage-fixture.ts';

export const hubKeys = await generateKeyPair('EdDSA', { crv: 'Ed25519', extractable: true });
export const directory: Directory = {
  trusts: [],
  ticketKeys: { keys: [{ ...(await exportJWK(hubKeys.publicKey)), kid: 'k1', alg: 'EdDSA' }] },
};

export interface TicketFields {
  aud?: string;
  study?: string;
  home?: string;
  series?: readonly string[];
  expiresIn?: number;
  key?: Parameters<SignJWT['sign']>[0];
  jti?: string;
  sub?: string;
  /** Null: it is bound to no key. */
  nkey?: string | null;
}

export const STUDY = '2.999.7.1';

/** The key of the reader RJE, made up for tests; the same in each process of a bench. */
const READER_SEED = 'SUAKMM6D67OMJCP4ZHCJN5TU3J36ZWYSG67G6EEGEPJ7STSMBWGBPMLSQU';
export const READER_NKEY = 'UBLJG3NYX6YPR3QAWWHYMEIRXHFQ7JOIIRYQ4XBQGGZNNNMUISW73MYS';
export const readerKey = keyOfSeed(Buffer.from(READER_SEED));
export const prove = proverWith(() => readerKey);

/** The headers of a request that the reader makes. */
export async function presenting(
  ticket: string,
  url: string,
  { method = 'GET', by = prove }: { method?: string; by?: Prove } = {},
): Promise<Record<string, string>> {
  return { authorization: `Bearer ${ticket}`, 'cdip-proof': await by({ ticket, method, url }) };
}

/** A ticket for RJE to read from RRK. */
export function ticket(over: TicketFields = {}): Promise<string> {
  const { aud = 'RRK', study = STUDY, home = 'RRK', expiresIn = 600, series } = over;
  const { jti = randomUUID(), sub = 'RJE', nkey = READER_NKEY } = over;
  const now = Math.floor(Date.now() / 1000);
  const claims = {
    ...{ study, home, fetch: 'f1', ...(series === undefined ? {} : { series }) },
    ...(nkey === null ? {} : { cnf: { nkey } }),
  };
  return new SignJWT(claims)
    .setProtectedHeader({ alg: 'EdDSA', kid: 'k1' })
    .setIssuer('cdip-hub')
    .setAudience(aud)
    .setSubject(sub)
    .setJti(jti)
    .setIssuedAt(now - 1000)
    .setExpirationTime(now + expiresIn)
    .sign(over.key ?? hubKeys.privateKey);
}

export const noUsedTickets = (): UsedTickets => new UsedTickets(usedTicketTables(), systemClock);
export const usedTicketTables = (): Sqlite => openSqlite(':memory:', transferSchema);

export interface Source extends StorageFixture {
  readonly app: FastifyInstance;
  readonly port: number;
  readonly url: string;
  /** Tickets that were used. */
  readonly usedIn: Sqlite;
}

interface Teardown {
  teardown(done: () => void | Promise<void>): void;
}

export async function startSource(t: Teardown, clock: Clock = systemClock): Promise<Source> {
  const storage = await openStorageFixture({ dataDirectory: temporaryDirectory(t) });
  t.teardown(() => storage.close());
  const usedIn = usedTicketTables();
  return { ...storage, usedIn, ...(await serveStudies(t, 'RRK', storage, { clock, usedIn })) };
}

export interface ServeOptions {
  readonly host?: string;
  readonly clock?: Clock;
  readonly directory?: Directory;
  readonly usedIn?: Sqlite;
  /** What may be read without the hub is written down here; absent: nothing may. */
  readonly unaided?: UnaidedLog;
}

/** The HTTP of an edge with these studies. */
export async function serveStudies(
  t: Teardown,
  trust: string,
  { spool, index }: Pick<StorageFixture, 'spool' | 'index'>,
  { host = '127.0.0.1', clock = systemClock, usedIn, ...options }: ServeOptions = {},
): Promise<Pick<Source, 'app' | 'port' | 'url'>> {
  const told = options.directory ?? directory;
  const app = Fastify({ routerOptions: { maxParamLength: 256 } });
  app.setErrorHandler((error, _request, reply) => {
    const { body } = problemOf(error);
    void reply.status(body.status).send(body);
  });
  serveTransfers(app, {
    ...{ trust, spool, index, pacs: noPacs },
    directory: { current: () => told },
    usedTickets: new UsedTickets(usedIn ?? usedTicketTables(), clock),
    unaided: options.unaided,
    clock,
    log: silentLog,
    transferCounters: openTransferCounters(openMetrics({})),
    line: { admit: () => undefined },
    copies: { markUsed: () => {} },
  });
  await app.listen({ host, port: 0 });
  const { port } = app.server.address() as AddressInfo;
  t.teardown(async () => {
    app.server.closeAllConnections();
    await app.close();
  });
  return { app, port, url: `http://${host}:${port}` };
}

/** Puts real objects into one study, whatever study they came from: only their bytes matter here. */
export async function fillWithFiles(source: Source, files: readonly string[]): Promise<void> {
  for (const [number, file] of files.entries()) {
    const { dataSet, sopClassUID, transferSyntaxUID } = readPart10(file);
    const sopInstanceUID = `2.999.5.${number}`;
    const head = encodePart10Head({ sopClassUID, sopInstanceUID, transferSyntaxUID });
    const writer = source.spool.newWriter(head);
    await writer.write(dataSet);
    const sealed = await writer.seal({ home: 'RRK', receivedAt: 1, callingAETitle: 'CT1' });
    const attributes = { ...attributesOf(sopInstanceUID), sopClassUID };
    acceptObject(source, { sealed, attributes, transferSyntaxUID }, { now: Date.now() });
  }
}

function attributesOf(sopInstanceUID: string): InstanceAttributes {
  return {
    ...{
      sopInstanceUID,
      sopClassUID: '',
      studyInstanceUID: STUDY,
      seriesInstanceUID: `${STUDY}.1`,
    },
    ...{ patientId: 'MRN1', issuer: null, nhsNumber: null, patientName: 'A^B', birthDate: null },
    ...{ sex: null, studyDate: '20260101', studyTime: null, studyId: null, accessionNumber: null },
    ...{ accessionIssuer: null, studyDescription: null, referringPhysician: null },
    ...{ institution: null, modality: 'CT', seriesNumber: 1, seriesDescription: null },
    ...{ bodyPart: null, instanceNumber: null },
  };
}

export const bytesOf = (file: string): Buffer => readFileSync(file);
