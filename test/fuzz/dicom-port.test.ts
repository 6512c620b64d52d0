/** Damaged streams at the DICOM port: no crash, no hang, nothing left open, and the next sender is served. */
import { connect } from 'node:net';
import t from 'tap';
import { randomFrom } from '../../demo/phantom/random.ts';
import { startDicomPort } from '../support/dicom-port.ts';
import { eventually } from '../support/eventually.ts';
import { associateRQ, contextsOf, openSender, pdu } from '../support/sender.ts';
import { dataSetOf, smallObject } from '../support/storage-fixture.ts';

const ROUNDS = 400;

const object = {
  sopClassUID: '1.2.840.10008.5.1.4.1.1.2',
  sopInstanceUID: '2.999.1.1',
  transferSyntaxUID: '1.2.840.10008.1.2.1',
  dataSet: dataSetOf(smallObject(1)),
};

/** Writes in pieces, then closes its half; resolves when the port has closed too. */
function talk(port: number, bytes: Buffer, pieceBytes: number): Promise<void> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => {
      for (let at = 0; at < bytes.length; at += pieceBytes)
        socket.write(bytes.subarray(at, at + pieceBytes));
      socket.end();
    });
    socket.on('error', () => {});
    socket.on('close', () => resolve());
    socket.resume();
  });
}

t.test('mutated conversations', { timeout: 120_000 }, async (t) => {
  const port = await startDicomPort({ artimSeconds: 1 });
  t.teardown(() => port.stop());
  const random = randomFrom('port');
  const upTo = (n: number): number => Math.floor(random() * n);
  const contexts = contextsOf([object]);
  const sender = await openSender({ port: port.port, contexts });
  const whole = Buffer.concat([
    associateRQ({ contexts }),
    sender.encode(object),
    sender.encode(object),
    pdu(5, Buffer.alloc(4)),
  ]);
  await sender.release();
  for (let round = 0; round < ROUNDS; round += 1) {
    const bytes = Buffer.from(whole.subarray(0, 1 + upTo(whole.length)));
    for (let flips = upTo(6); flips > 0; flips -= 1) bytes[upTo(bytes.length)] = upTo(256);
    await talk(port.port, bytes, 1 + upTo(2_000));
  }
  await eventually('nothing is left open', () => port.associations() === 0);
  const before = port.received.length;
  const next = await openSender({ port: port.port, contexts });
  t.equal(await next.store(object), 0, 'the next sender is served');
  await next.release();
  t.equal(port.received.length, before + 1);
});
