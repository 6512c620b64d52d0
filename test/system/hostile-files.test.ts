/**
 * Damaged and hostile objects at the DICOM port: refused or kept aside with the reason, nothing is
 * written outside the spool, and the edge goes on.
 */
import { globSync, readFileSync } from 'node:fs';
import { connect } from 'node:net';
import t from 'tap';
import { cdipDone } from '../support/cdip.ts';
import { corpusFiles, isPart10 } from '../support/corpus.ts';
import { startEdge } from '../support/edge.ts';
import { eventually } from '../support/eventually.ts';
import { type Part10, readPart10 } from '../support/part10.ts';
import { contextsOf, openSender, pdu } from '../support/sender.ts';
import { dataSetOf, smallObject } from '../support/storage-fixture.ts';

const CT_IMAGE_STORAGE = '1.2.840.10008.5.1.4.1.1.2';
const EXPLICIT = '1.2.840.10008.1.2.1';

function part10(sopInstanceUID: string, dataSet: Buffer, transferSyntaxUID = EXPLICIT): Part10 {
  return { sopClassUID: CT_IMAGE_STORAGE, sopInstanceUID, transferSyntaxUID, dataSet };
}

/** Each with what must come of it: the status, or `kept` for any of the failures that keep it aside. */
const HOSTILE: Readonly<Record<string, { object: Part10; status: number }>> = {
  'a cut data set': { object: part10('2.999.1.1', good(1).subarray(0, 300)), status: 0xc000 },
  'no data set at all': { object: part10('2.999.1.2', Buffer.alloc(0)), status: 0xc000 },
  noise: {
    object: part10('2.999.1.3', Buffer.from('GET / HTTP/1.1\r\nHost: x\r\n\r\n')),
    status: 0xc000,
  },
  'a path for a UID': {
    object: part10('../../../../tmp/x', good(4, { SOPInstanceUID: '../../../../tmp/x' })),
    status: 0xa900,
  },
  'a UID of 300 characters': {
    object: part10('1.2', good(5, { SOPInstanceUID: `1.${'2'.repeat(298)}` })),
    status: 0xa900,
  },
  'an empty UID': { object: part10('2.999.1.6', good(6, { SOPInstanceUID: '' })), status: 0xa900 },
  'no study': {
    object: part10('2.999.1.7', good(7, { StudyInstanceUID: '' })),
    status: 0xa900,
  },
  'a path for a study': {
    object: part10('2.999.1.8', good(8, { StudyInstanceUID: '1.2/../../x' })),
    status: 0xa900,
  },
  'another UID than announced': { object: part10('2.999.1.999', good(9)), status: 0xa900 },
  'a broken deflated stream': {
    object: part10('2.999.1.10', Buffer.from('deadbeefdeadbeef', 'hex'), '1.2.840.10008.1.2.1.99'),
    status: 0xc000,
  },
  'a sequence that never ends': {
    object: part10(
      '2.999.1.11',
      Buffer.concat([good(11), Buffer.from('400060a753510000ffffffff', 'hex')]),
    ),
    status: 0xc000,
  },
};

function good(number: number, over: Parameters<typeof smallObject>[1] = {}): Buffer {
  return dataSetOf(smallObject(number, over));
}

async function statusOf(port: number, object: Part10): Promise<number> {
  const sender = await openSender({ port, contexts: contextsOf([object]) });
  try {
    return await sender.store(object);
  } finally {
    sender.destroy();
  }
}

t.test('what can not be filed is refused, kept, and shown', async (t) => {
  const directory = t.testdir();
  const edge = await startEdge({ directory, trust: 'RRK' });
  t.teardown(() => edge.stop());
  const sender = await openSender({
    port: edge.dicomPort,
    contexts: contextsOf(Object.values(HOSTILE).map(({ object }) => object)),
  });
  for (const [what, { object, status }] of Object.entries(HOSTILE)) {
    t.equal((await sender.store(object)).toString(16), status.toString(16), what);
    // On the same association: its neighbour is unharmed.
    const uid = `2.999.2.${Object.keys(HOSTILE).indexOf(what)}`;
    t.equal(await sender.store(part10(uid, good(0, { SOPInstanceUID: uid }))), 0, `after ${what}`);
  }
  await sender.release();
  t.equal(edge.spoolFiles().length, Object.keys(HOSTILE).length, 'only the good ones are filed');
  const outside = globSync('**/*', { cwd: directory }).filter((path) => /x$/.test(path));
  t.strictSame(outside, [], 'nothing lies where a UID pointed');
  const listed = JSON.parse(
    await cdipDone(['edge', 'quarantine', '--json', '--config', edge.configFile]),
  ) as { code: string; id: string; isKept: boolean }[];
  t.equal(listed.length, Object.keys(HOSTILE).length);
  t.ok(listed.every(({ code, isKept }) => code !== '' && isKept));

  await t.test('a person files one, and drops another', async (t) => {
    const mismatch = listed.find(({ code }) => code === 'UID_MISMATCH');
    const config = ['--config', edge.configFile];
    t.equal(
      await cdipDone(['edge', 'quarantine', 'release', mismatch?.id ?? '', ...config]),
      'stored',
    );
    const other = listed.find(({ code }) => code === 'UNREADABLE');
    await cdipDone(['edge', 'quarantine', 'drop', other?.id ?? '', ...config]);
    const left = JSON.parse(
      await cdipDone(['edge', 'quarantine', '--json', ...config]),
    ) as unknown[];
    t.equal(left.length, listed.length - 2);
  });
});

t.test('the damaged files of the corpus', async (t) => {
  const damaged = corpusFiles('dicom').filter(
    ({ path, expectedVerdict }) => /^damaged/.test(expectedVerdict) && isPart10(path),
  );
  const edge = await startEdge({ directory: t.testdir(), trust: 'RRK' });
  t.teardown(() => edge.stop());
  const residentKB = (): number =>
    Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${edge.program.pid}/status`, 'utf8'))?.[1]);
  const before = residentKB();
  for (const { path, name } of damaged) {
    const object = readPart10(path);
    if (object.sopClassUID === '' || object.transferSyntaxUID === '') continue;
    const status = await statusOf(edge.dicomPort, object);
    t.ok([0, 0xa900, 0xc000].includes(status), `${name}: ${status.toString(16)}`);
    t.equal(edge.program.ended, false, 'the edge runs');
  }
  const uid = '2.999.9.1';
  t.equal(await statusOf(edge.dicomPort, part10(uid, good(0, { SOPInstanceUID: uid }))), 0);
  t.ok(residentKB() - before < 100_000, 'memory is flat');
});

t.test('a port that is no DICOM peer', async (t) => {
  const edge = await startEdge({ directory: t.testdir(), trust: 'RRK' });
  t.teardown(() => edge.stop());
  const noises = [
    Buffer.from('GET / HTTP/1.1\r\nHost: x\r\n\r\n'),
    pdu(1, Buffer.alloc(10)),
    pdu(4, Buffer.alloc(20)),
    pdu(99, Buffer.alloc(0)),
    Buffer.from('0100ffffffff0001', 'hex'),
    Buffer.from('160301020001000001fc0303', 'hex'),
  ];
  for (const noise of noises) {
    const answer = await talk(edge.dicomPort, noise);
    t.match(
      answer.subarray(0, 1).toString('hex'),
      /^(07|03|)$/,
      noise.subarray(0, 6).toString('hex'),
    );
  }
  const uid = '2.999.9.2';
  t.equal(await statusOf(edge.dicomPort, part10(uid, good(0, { SOPInstanceUID: uid }))), 0);
  await eventually('nothing is left open', async () => {
    const metrics = await (await fetch(`${edge.url}/metrics`)).text();
    return /cdip_associations\{[^}]*\} 0\n/.test(metrics);
  });
});

/** What comes back until the peer closes, or for 40 s. */
function talk(port: number, bytes: Buffer): Promise<Buffer> {
  return new Promise((resolve) => {
    const got: Buffer[] = [];
    const socket = connect(port, '127.0.0.1', () => socket.write(bytes));
    socket.setTimeout(40_000, () => socket.destroy());
    socket.on('data', (chunk: Buffer) => got.push(chunk));
    socket.on('error', () => {});
    socket.on('close', () => resolve(Buffer.concat(got)));
  });
}
