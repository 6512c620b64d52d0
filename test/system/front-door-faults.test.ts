/** What broke other gateways, at our DICOM port. Each title begins with the number of the report in the domain notes. */
import { readFileSync } from 'node:fs';
import { connect } from 'node:net';
import t from 'tap';
import { logEvents } from '../support/cdip.ts';
import { certificateAuthority } from '../support/certificates.ts';
import { runTool } from '../support/dcmtk.ts';
import { eventually } from '../support/eventually.ts';
import { dcmtkTls, type FrontDoor, openFrontDoor } from '../support/front-door.ts';
import { missingPeer } from '../support/missing-peer.ts';
import type { Part10 } from '../support/part10.ts';
import { associateRQ, contextsOf, openSender } from '../support/sender.ts';
import { dataSetOf, smallObject } from '../support/storage-fixture.ts';

const CT = '1.2.840.10008.5.1.4.1.1.2';
const EXPLICIT = '1.2.840.10008.1.2.1';

const ct = (number: number, over: Partial<Part10> = {}, pixelBytes = 4_000): Part10 => ({
  ...{ sopClassUID: CT, sopInstanceUID: `2.999.1.${number}`, transferSyntaxUID: EXPLICIT },
  dataSet: dataSetOf(smallObject(number, { pixels: Buffer.alloc(pixelBytes, number) })),
  ...over,
});

async function associationsOf({ edge }: FrontDoor): Promise<number> {
  const metrics = await (await fetch(`${edge.url}/metrics`)).text();
  return Number(/^cdip_associations\{[^}]*\} (\d+)$/m.exec(metrics)?.[1]);
}

t.test('a door that many go through', { skip: missingPeer('echoscu') }, async (t) => {
  const door = await openFrontDoor(t);
  const port = door.edge.dicomPort;
  const open = (object: Part10, callingAETitle = 'CT1') =>
    openSender({ port, callingAETitle, contexts: contextsOf([object]) });

  await t.test('B01: associations that died are freed', async (t) => {
    for (let number = 0; number < 60; number += 1) {
      const object = ct(number);
      const sender = await open(object);
      if (number % 5 === 0) {
        sender.socket.write(sender.encode(object).subarray(0, 2_000));
        sender.destroy();
      } else if (number % 5 === 1) sender.destroy();
      else {
        t.equal(await sender.store(object), 0);
        await sender.release();
      }
    }
    t.equal((await door.run('echoscu', 'plain')).code, 0);
    await eventually('none is left', async () => (await associationsOf(door)) === 0);
    t.equal(door.edge.spoolFiles().length, 36);
  });

  await t.test('B02: memory stays flat under large objects in parallel', async (t) => {
    const objects = [1, 2, 3, 4].map((number) =>
      ct(100 + number, { dataSet: dataSetOf(smallObject(100 + number, LARGE)) }),
    );
    const send = async (object: Part10): Promise<void> => {
      const sender = await open(object, 'XA1');
      t.equal(await sender.store(object), 0);
      await sender.release();
    };
    await Promise.all(objects.map(send));
    const status = readFileSync(`/proc/${door.edge.program.pid}/status`, 'utf8');
    const peakMB = Number(/VmHWM:\s+(\d+)/.exec(status)?.[1]) / 1000;
    t.ok(peakMB < 250, `${Math.round(peakMB)} MB at most`);
  });

  await t.test('B05: an object after a long pause joins its study', async (t) => {
    const [first, late] = [ct(201), ct(202)];
    const sender = await open(first);
    t.equal(await sender.store(first), 0);
    // Longer than a study counts as growing here (quietSeconds: 1).
    await new Promise((resolve) => setTimeout(resolve, 3_000));
    t.equal(await sender.store(late), 0);
    await sender.release();
    const keys = ['-S', '-k', 'QueryRetrieveLevel=STUDY', '-k', 'StudyInstanceUID=2.999.7.1'];
    const { output } = await door.run('findscu', 'plain', keys);
    t.equal(output.match(/Find Response: \d+ \(Pending\)/g)?.length ?? 1, 1, 'one study');
  });

  await t.test(
    'B07: private classes, and JPEG baseline only, are stored as they are',
    async (t) => {
      const before = door.edge.spoolFiles().length;
      for (const object of [
        ct(301, { sopClassUID: '1.3.12.2.1107.5.9.1' }),
        ct(302, {
          sopClassUID: '1.2.840.10008.5.1.4.1.1.3.1',
          transferSyntaxUID: '1.2.840.10008.1.2.4.50',
        }),
      ]) {
        const sender = await open(object, 'US1');
        t.equal(await sender.store(object), 0, object.sopClassUID);
        await sender.release();
      }
      t.equal(door.edge.spoolFiles().length, before + 2);
    },
  );

  await t.test('B08: padded UIDs and AE titles mean what they mean without', async (t) => {
    for (const pad of ['\0', ' ', '\0\0']) {
      const padded = ct(401, {
        sopClassUID: `${CT}${pad}`,
        transferSyntaxUID: `${EXPLICIT}${pad}`,
      });
      const sender = await open(padded, 'CT01 ');
      t.equal(await sender.store(padded), 0);
      await sender.release();
    }
    await (await open(ct(402), 'CT01')).release();
    const opened = logEvents(door.edge.program).filter(
      ({ event }) => event === 'association.opened',
    );
    // Of a caller that edge.yaml does not list the log has a word of its own, the same for the same title.
    t.equal(new Set(opened.slice(-4).map(({ calling }) => calling)).size, 1);
  });

  await t.test('a padded Implementation Class UID is no fault', async () => {
    const rq = associateRQ({ contexts: contextsOf([ct(1)]) });
    rq.write('2.25. ', rq.lastIndexOf('2.25.1'), 'latin1');
    const socket = connect(port, '127.0.0.1', () => socket.write(rq));
    const [type] = await new Promise<Buffer>((resolve) => socket.once('data', resolve));
    socket.destroy();
    t.equal(type, 2, 'A-ASSOCIATE-AC');
  });
});

/** In all 240 MB: held whole they would show. */
const LARGE = { pixels: Buffer.alloc(60_000_000, 7) };

/** The codes of connections from here that failed, as the log tells them. */
const failures = ({ edge }: FrontDoor): string[] =>
  logEvents(edge.program)
    .filter(({ event, host }) => event === 'association.failed' && host === '127.0.0.1')
    .map(({ code }) => String(code));

t.test(
  'B06: TLS that does not fit is closed at once, and the log names the cause',
  {
    skip: missingPeer('echoscu'),
  },
  async (t) => {
    const door = await openFrontDoor(t);
    const { edge, tls, tlsPort, directory, authority } = door;
    const { caFile } = authority;
    const stranger = certificateAuthority(directory, 'other').issue('stranger');
    const ended = authority.issue('ended', -1);
    const cases: [what: string, options: readonly string[], port: number, cause: RegExp][] = [
      ['a plain caller at the TLS port', [], tlsPort, /TLS_HANDSHAKE: ERR_SSL/],
      ['a TLS caller at the plain port', dcmtkTls(tls), edge.dicomPort, /TLS on the plain port/],
      ['no certificate', ['+tla', '+cf', caFile], tlsPort, /TLS_HANDSHAKE: .*CERTIFICATE/],
      ["another authority's", dcmtkTls({ ...stranger, caFile }), tlsPort, /TLS_HANDSHAKE: /],
      ['one that has ended', dcmtkTls({ ...ended, caFile }), tlsPort, /CERT_HAS_EXPIRED/],
    ];
    for (const [what, options, port, cause] of cases) {
      const before = failures(door).length;
      const { code } = await runTool('echoscu', ['-v', ...options, '127.0.0.1', `${port}`]);
      t.not(code, 0, what);
      const said = await eventually(
        `the log tells of ${what}`,
        () => failures(door).slice(before)[0],
      );
      t.match(said, cause, what);
    }
    t.equal((await door.run('echoscu', 'TLS')).code, 0, 'and the right one gets in');
  },
);
