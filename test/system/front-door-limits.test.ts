/** Connections that do nothing, up to every limit: a modality still gets in within two seconds. */
import { writeFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { eventually } from '../support/eventually.ts';
import { openFrontDoor, TRANSPORTS } from '../support/front-door.ts';
import { missingPeer } from '../support/missing-peer.ts';
import { writePart10 } from '../support/part10.ts';
import { associateRQ, openSender, type Sender } from '../support/sender.ts';
import { dataSetOf, smallObject } from '../support/storage-fixture.ts';

const skip = missingPeer('storescu');
const WITHIN_MS = 2_000;
const CT = '1.2.840.10008.5.1.4.1.1.2';
const EXPLICIT = '1.2.840.10008.1.2.1';
const CONTEXTS = [{ sopClassUID: CT, transferSyntaxUID: EXPLICIT }];

/** What connections say before they fall silent. */
const SILENT = {
  'say nothing': Buffer.alloc(0),
  'stop within their A-ASSOCIATE-RQ': associateRQ({ contexts: CONTEXTS }).subarray(0, 60),
  'stop within a TLS handshake': Buffer.from('16030100c8010000c40303', 'hex'),
  'speak HTTP': Buffer.from('GET / HTTP/1.1\r\n\r\n'),
  'send noise': Buffer.alloc(2_000, 0xee),
};

function silentConnections(t: Test, port: number, count: number, says: Buffer): void {
  const sockets: Socket[] = Array.from({ length: count }, () => {
    const socket = connect(port, '127.0.0.1', () => socket.write(says));
    socket.on('error', () => {});
    return socket.resume();
  });
  t.teardown(() => {
    for (const socket of sockets) socket.destroy();
  });
}

t.test('a modality among connections that do nothing', { skip, timeout: 180_000 }, async (t) => {
  // Everything would stay open for the length of the test.
  const dicom = { artimSeconds: 300, maxAssociations: 30, maxAssociationsPerCaller: 30 };
  const door = await openFrontDoor(t, dicom);
  const file = join(door.directory, 'ct.dcm');
  const head = { sopClassUID: CT, sopInstanceUID: '2.999.1.1', transferSyntaxUID: EXPLICIT };
  writeFileSync(file, writePart10({ ...head, dataSet: dataSetOf(smallObject(1)) }));
  const modalityGetsIn = async (t: Test, among: string): Promise<void> => {
    for (const transport of TRANSPORTS) {
      let took = Infinity;
      // A machine that is busy with other tests gets a second and a third chance, a refusal does not.
      for (let attempt = 0; attempt < 3 && took > WITHIN_MS; attempt += 1) {
        const before = performance.now();
        const { code, output } = await door.run('storescu', transport, [file]);
        took = performance.now() - before;
        t.equal(code, 0, output);
      }
      t.ok(took < WITHIN_MS, `over ${transport}, among ${among}: ${Math.round(took)} ms`);
    }
  };

  for (const [what, says] of Object.entries(SILENT)) {
    await t.test(`300 on each port that ${what}`, async (t) => {
      for (const port of [door.edge.dicomPort, door.tlsPort]) silentConnections(t, port, 300, says);
      await modalityGetsIn(t, what);
    });
  }

  await t.test('as many idle associations as there may be', async (t) => {
    const idle: Sender[] = [];
    t.teardown(() => {
      for (const sender of idle) sender.destroy();
    });
    for (let count = 0; count < 30; count += 1)
      idle.push(await openSender({ port: door.edge.dicomPort, contexts: CONTEXTS }));
    // The youngest has to have been idle for a moment to be told from one at work.
    await new Promise((resolve) => setTimeout(resolve, 600));
    await modalityGetsIn(t, 'idle associations');
  });

  await t.test('and what they held is free again', async () => {
    await eventually('no association is left', async () => {
      const metrics = await (await fetch(`${door.edge.url}/metrics`)).text();
      return /^cdip_associations\{[^}]*\} 0$/m.test(metrics);
    });
  });
});
