import { connect, createServer, type Socket } from 'node:net';
import t from 'tap';
import { UlError } from '../../../../edge/ul/ul-error.ts';
import { certificateAuthority } from '../../../support/certificates.ts';
import { eventually } from '../../../support/eventually.ts';
import { associateRQ, pdu } from '../../../support/sender.ts';
import { Collector, request, startEcho, VERIFICATION } from './fixture.ts';

const codeOf = (error: unknown): string => (error instanceof UlError ? error.code : String(error));

t.test('associate, exchange, release', async (t) => {
  const acceptor = await startEcho();
  t.teardown(() => acceptor.stop());
  const user = new Collector();
  const association = await request(acceptor.port, user);
  t.strictSame([...association.contexts.keys()], [1], 'the other context was refused');
  t.equal(association.contexts.get(1)?.abstractSyntaxUID, VERIFICATION);
  t.match(acceptor.list(), [{ peer: { callingAETitle: 'TESTS', calledAETitle: 'CDIP_RRK' } }]);
  const bytes = Buffer.alloc(300_000, 'ab');
  for (let at = 0; at < bytes.length; at += association.maxPdvBytes)
    await association.write([
      {
        contextId: 1,
        isCommand: false,
        isLast: at + association.maxPdvBytes >= bytes.length,
        bytes: bytes.subarray(at, at + association.maxPdvBytes),
      },
    ]);
  t.ok((await user.until(bytes.length)).equals(bytes));
  await association.release();
  t.strictSame(user.end, { kind: 'released' });
  await eventually('the acceptor has forgotten it', () => acceptor.count() === 0);
  t.match(acceptor.ends, [{ kind: 'released' }]);
});

t.test('both ask for release at once', async (t) => {
  const acceptor = await startEcho();
  t.teardown(() => acceptor.stop());
  const user = new Collector();
  const association = await request(acceptor.port, user);
  await Promise.all([association.release(), association.release()]);
  t.match(user.end, { kind: 'released' });
});

t.test('an abort is told to the other side', async (t) => {
  const acceptor = await startEcho();
  t.teardown(() => acceptor.stop());
  const association = await request(acceptor.port, new Collector());
  association.abort();
  await eventually('it is known', () => acceptor.ends.length === 1);
  t.match(acceptor.ends, [{ kind: 'aborted-by-peer' }]);
});

t.test('refusals say why', async (t) => {
  const cases = [
    [{ acceptUnknownCallers: false }, /calling-ae-title-not-recognized/],
    [{ acceptAnyCalledAETitle: false, aeTitle: 'OTHER' }, /called-ae-title-not-recognized/],
  ] as const;
  for (const [dicom, words] of cases) {
    const acceptor = await startEcho(dicom);
    const error = await request(acceptor.port, new Collector()).catch((caught: unknown) => caught);
    t.equal(codeOf(error), 'ASSOCIATION_REJECTED');
    t.match((error as Error).message, words);
    await acceptor.stop();
  }
  const known = await startEcho(
    { acceptUnknownCallers: false },
    { knownCallers: new Set(['TESTS']) },
  );
  t.teardown(() => known.stop());
  await (await request(known.port, new Collector())).release();
});

t.test('at a limit the association that was idle for longest makes way', async (t) => {
  for (const limits of [
    { maxAssociations: 5, maxAssociationsPerCaller: 50 },
    // A modality that crashed has its own old associations in its way.
    { maxAssociations: 50, maxAssociationsPerCaller: 5 },
  ]) {
    const acceptor = await startEcho(limits);
    t.teardown(() => acceptor.stop());
    const idle = await Promise.all(
      Array.from({ length: 5 }, () => request(acceptor.port, new Collector())),
    );
    t.equal(idle.length, 5);
    await eventually('they are idle', async () => {
      const association = await request(acceptor.port, new Collector()).catch(() => undefined);
      await association?.release();
      return association !== undefined;
    });
    await eventually('one has made way', () => acceptor.count() === 4);
    for (const association of idle) association.abort();
  }
});

t.test('limits in all and per caller', async (t) => {
  const acceptor = await startEcho(
    { maxAssociations: 3, maxAssociationsPerCaller: 2 },
    { isAtWork: true },
  );
  t.teardown(() => acceptor.stop());
  const open = [
    await request(acceptor.port, new Collector()),
    await request(acceptor.port, new Collector()),
  ];
  const refused = await request(acceptor.port, new Collector()).catch(codeOf);
  t.equal(refused, 'ASSOCIATION_REJECTED', 'two of one caller');
  open.push(await request(acceptor.port, new Collector(), { callingAETitle: 'OTHER' }));
  const full = await request(acceptor.port, new Collector(), { callingAETitle: 'THIRD' }).catch(
    codeOf,
  );
  t.equal(full, 'ASSOCIATION_REJECTED', 'three in all');
  await Promise.all(open.map((association) => association.release()));
  await (await request(acceptor.port, new Collector())).release();
});

t.test('whoever does not ask in time is closed; so is whoever falls silent', async (t) => {
  const acceptor = await startEcho({ artimSeconds: 0.2, idleSeconds: 0.4 });
  t.teardown(() => acceptor.stop());
  const silent = connect(acceptor.port, '127.0.0.1');
  await new Promise((resolve) => silent.once('close', resolve).resume());
  const user = new Collector();
  await request(acceptor.port, user);
  await user.until(1);
  t.match(user.end, { kind: 'aborted-by-peer' });
  t.equal(acceptor.count(), 0);
});

t.test('a peer that does not answer', async (t) => {
  const sockets: Socket[] = [];
  const mute = createServer((socket) => void sockets.push(socket));
  await new Promise<void>((resolve) => mute.listen(0, '127.0.0.1', resolve));
  t.teardown(() => {
    for (const socket of sockets) socket.destroy();
    mute.close();
  });
  const { port } = mute.address() as { port: number };
  const late = await request(port, new Collector(), { artimMs: 200 }).catch(codeOf);
  t.equal(late, 'ASSOCIATION_TIMEOUT');
  const ending = new AbortController();
  setTimeout(() => ending.abort(), 100);
  const cancelled = await request(port, new Collector(), { signal: ending.signal }).catch(codeOf);
  t.equal(cancelled, 'CANCELLED');
  const nobody = await request(1, new Collector()).catch(codeOf);
  t.equal(nobody, 'CONNECT_FAILED');
});

t.test('a PDU that is out of place ends the association', async (t) => {
  const acceptor = await startEcho();
  t.teardown(() => acceptor.stop());
  const contexts = [{ sopClassUID: VERIFICATION, transferSyntaxUID: '1.2.840.10008.1.2' }];
  for (const [what, bytes, reason] of [
    ['a second request', associateRQ({ contexts }), 2],
    ['an answer to nothing', pdu(6, Buffer.alloc(4)), 2],
    ['an unknown PDU', pdu(99, Buffer.alloc(0)), 1],
  ] as const) {
    const socket = connect(acceptor.port, '127.0.0.1');
    const got: Buffer[] = [];
    socket.on('data', (chunk: Buffer) => got.push(chunk));
    socket.write(Buffer.concat([associateRQ({ contexts }), bytes]));
    await new Promise((resolve) => socket.once('close', resolve));
    const abort = Buffer.concat(got).subarray(-10);
    t.equal(abort.toString('hex'), `07000000000400000${2}0${reason}`, what);
  }
});

t.test('a slow user stops the sender', async (t) => {
  let taken = 0;
  let open = (): void => {};
  const gate = new Promise<void>((resolve) => {
    open = resolve;
  });
  const acceptor = await startEcho(
    {},
    {
      onData: ({ bytes }) => {
        taken += bytes.length;
        return gate;
      },
    },
  );
  t.teardown(() => acceptor.stop());
  const association = await request(acceptor.port, new Collector());
  const bytes = Buffer.alloc(association.maxPdvBytes);
  let sent = 0;
  let isFull = false;
  while (!isFull && sent < 200_000_000) {
    const pending = association.write([{ contextId: 1, isCommand: false, isLast: false, bytes }]);
    sent += bytes.length;
    isFull =
      pending !== undefined &&
      (await Promise.race([
        pending.then(() => false),
        new Promise<boolean>((resolve) => setTimeout(() => resolve(true), 200)),
      ]));
  }
  t.ok(isFull && sent < 200_000_000, `${sent} bytes were sent before it had to wait`);
  t.ok(taken < 1_000_000, `${taken} bytes were handed on`);
  open();
  association.abort();
});

t.test('over TLS', async (t) => {
  const authority = certificateAuthority(t.testdir());
  const { caFile } = authority;
  const own = { caFile, ...authority.issue('localhost') };
  const acceptor = await startEcho({ tls: { port: 0, ...own, requireClientCertificate: true } });
  t.teardown(() => acceptor.stop());
  const port = acceptor.tlsPort ?? 0;
  const association = await request(port, new Collector(), { tls: own });
  t.match(acceptor.list(), [{ peer: { tls: true } }]);
  await association.release();
  const stranger = request(port, new Collector(), { tls: { caFile } });
  await t.rejects(stranger, { code: /TLS_FAILED|ASSOCIATION_ABORTED/ }, 'without a certificate');
});
