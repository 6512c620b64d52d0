/** What a DICOMweb service does when it is sent an object, and what that says of the object, or of the service. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Readable } from 'node:stream';
import t, { type Test } from 'tap';
import type { Peer } from '../../../../edge/config.ts';
import { DestinationError } from '../../../../edge/deliver/destination.ts';
import { stowDestination } from '../../../../edge/route/stow-destination.ts';

const UID = '2.999.1.1';
const DATA_SET = Buffer.alloc(64, 1);
const OBJECT = {
  ...{ sopInstanceUID: UID, sopClassUID: '1.2.840.10008.5.1.4.1.1.2' },
  ...{ transferSyntaxUID: '1.2.840.10008.1.2.1', dataSetBytes: DATA_SET.length },
};
const PEER = { name: 'cloud' } as Peer;
const signal = new AbortController().signal;
type Answering = (request: IncomingMessage, response: ServerResponse) => void;

async function service(t: Test, answering: Answering) {
  const server = createServer((request, response) => {
    request.resume().once('end', () => answering(request, response));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.teardown(() => server.closeAllConnections());
  t.teardown(() => server.close());
  const { port } = server.address() as AddressInfo;
  return stowDestination({ url: `http://127.0.0.1:${port}/dicom-web` });
}

const json = (response: ServerResponse, status: number, body: unknown): void => {
  response.writeHead(status, { 'content-type': 'application/dicom+json' });
  response.end(JSON.stringify(body));
};
const item = (more: object = {}) => ({ '00081155': { vr: 'UI', Value: [UID] }, ...more });
const STORED = { '00081199': { vr: 'SQ', Value: [item()] } };

async function store(destination: ReturnType<typeof stowDestination>): Promise<number> {
  const association = await destination.open(PEER, [], signal);
  return association.store(OBJECT, () => Readable.from([DATA_SET]));
}

for (const [status, isDown] of [
  [401, true],
  [403, true],
  [429, true],
  [503, true],
  [408, false],
  [500, false],
  [502, false],
] as const)
  t.test(
    `${status} blames no object, and ${isDown ? 'stops' : 'does not stop'} the others`,
    async (t) => {
      const destination = await service(t, (_request, response) =>
        response.writeHead(status).end(),
      );
      await t.rejects(store(destination), { code: 'STOW_REFUSED', isDown });
    },
  );

t.test(
  'a service that nobody runs is down; one that breaks off may not like the object',
  async (t) => {
    const gone = stowDestination({ url: 'http://127.0.0.1:1/dicom-web' });
    await t.rejects(store(gone), { code: 'STOW_UNREACHABLE', isDown: true });
    const breaking = await service(t, (request) => request.socket.destroy());
    const error: unknown = await store(breaking).catch((cause: unknown) => cause);
    t.ok(error instanceof DestinationError && !error.isDown);
  },
);

t.test('an object that it refuses has its reason; one that it takes is stored', async (t) => {
  const reason = { '00081197': { vr: 'US', Value: [0x0110] } };
  const refused = { '00081198': { vr: 'SQ', Value: [item(reason)] } };
  t.equal(await store(await service(t, (_, response) => json(response, 409, refused))), 0x0110);
  t.equal(
    await store(await service(t, (_, response) => response.writeHead(409).end('<p>'))),
    0xc000,
  );
  t.equal(await store(await service(t, (_, response) => json(response, 200, STORED))), 0);
});

t.test('a service that answers no query is not taken for one that lost everything', async (t) => {
  const study = { studyInstanceUID: '2.999.7.1', seriesInstanceUIDs: ['2.999.7.1.1'] };
  const storing = await service(t, (_, response) => response.writeHead(404).end());
  t.match(await storing.holding(PEER, study, signal), { kind: 'unknown', code: 'QIDO_404' });
  const asking = await service(t, (request, response) => {
    if (request.url?.includes('/series/')) response.writeHead(404).end();
    else json(response, 200, []);
  });
  t.match(await asking.holding(PEER, study, signal), {
    kind: 'instances',
    sopInstanceUIDs: new Set(),
  });
});
