/** A source edge's HTTP over real storage, tickets as a hub signs them, and a link to it that can be cut. */

import { readFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import Fastify, { type FastifyInstance } from 'fastify';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import { problemOf } from '../../../../edge/http/problem.ts';
import { serveTransfers } from '../../../../edge/http/routes-transfer.ts';
import { openTransferCounters } from '../../../../edge/http/transfer-counters.ts';
import { acceptObject } from '../../../../edge/index/accept-object.ts';
import type { InstanceAttributes } from '../../../../edge/index/attributes.ts';
import { systemClock } from '../../../../shared/clock.ts';
import type { Directory } from '../../../../shared/contract/rpc.ts';
import { encodePart10Head } from '../../../../shared/dicom/part10.ts';
import { silentLog } from '../../../../shared/log.ts';
import { openMetrics } from '../../../../shared/metrics.ts';
import { noPacs } from '../../../support/no-pacs.ts';
import { readPart10 } from '../../../support/part10.ts';
import {
  openStorageFixture,
  type StorageFixture,
  temporaryDirectory,
} from '../../../support/storage-fixture.ts';

const keys = await generateKeyPair('EdDSA', { crv: 'Ed25519', extractable: true });
export const directory: Directory = {
  trusts: [],
  ticketKeys: { keys: [{ ...(await exportJWK(keys.publicKey)), kid: 'k1', alg: 'EdDSA' }] },
};

export interface TicketFields {
  aud?: string;
  study?: string;
  home?: string;
  series?: readonly string[];
  expiresIn?: number;
  key?: Parameters<SignJWT['sign']>[0];
}

export const STUDY = '2.999.7.1';

/** A ticket for RJE to read from RRK. */
export function ticket(over: TicketFields = {}): Promise<string> {
  const { aud = 'RRK', study = STUDY, home = 'RRK', expiresIn = 600, series } = over;
  const now = Math.floor(Date.now() / 1000);
  const claims = { study, home, fetch: 'f1', ...(series === undefined ? {} : { series }) };
  return new SignJWT(claims)
    .setProtectedHeader({ alg: 'EdDSA', kid: 'k1' })
    .setIssuer('cdip-hub')
    .setAudience(aud)
    .setSubject('RJE')
    .setJti('t1')
    .setIssuedAt(now - 1000)
    .setExpirationTime(now + expiresIn)
    .sign(over.key ?? keys.privateKey);
}

export interface Source extends StorageFixture {
  readonly app: FastifyInstance;
  readonly port: number;
  readonly url: string;
}

interface Teardown {
  teardown(done: () => void | Promise<void>): void;
}

export async function startSource(t: Teardown): Promise<Source> {
  const storage = await openStorageFixture({ dataDirectory: temporaryDirectory(t) });
  t.teardown(() => storage.close());
  return { ...storage, ...(await serveStudies(t, 'RRK', storage)) };
}

/** The HTTP of an edge with these studies. */
export async function serveStudies(
  t: Teardown,
  trust: string,
  { spool, index }: Pick<StorageFixture, 'spool' | 'index'>,
  host = '127.0.0.1',
): Promise<Pick<Source, 'app' | 'port' | 'url'>> {
  const app = Fastify({ routerOptions: { maxParamLength: 256 } });
  app.setErrorHandler((error, _request, reply) => {
    const { body } = problemOf(error);
    void reply.status(body.status).send(body);
  });
  serveTransfers(app, {
    ...{ trust, spool, index, pacs: noPacs },
    directory: { current: () => directory },
    clock: systemClock,
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
    acceptObject(source, { sealed, attributes, transferSyntaxUID }, Date.now());
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
