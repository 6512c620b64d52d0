import t from 'tap';
import { encodeAbort, encodePdvHeader, RELEASE_RQ } from '../../../../edge/ul/pdu.ts';
import { PduReader } from '../../../../edge/ul/pdu-reader.ts';

interface Seen {
  readonly pdus: string[];
  readonly data: { contextId: number; isCommand: boolean; isLast: boolean; text: string }[];
  readonly faults: string[];
}

function reader(): Seen & { write(bytes: Buffer): void } {
  const seen: Seen = { pdus: [], data: [], faults: [] };
  const pdus = new PduReader(1_000, {
    pdu: (type, body) => void seen.pdus.push(`${type}:${body.toString('hex')}`),
    data: ({ bytes, ...pdv }) => void seen.data.push({ ...pdv, text: bytes.toString() }),
    fault: (reason) => void seen.faults.push(reason),
  });
  return { ...seen, write: (bytes) => void pdus.write(bytes) };
}

const pdv = (text: string, isLast = true): Buffer => {
  const bytes = Buffer.from(text);
  return Buffer.concat([encodePdvHeader({ contextId: 3, isCommand: false, isLast, bytes }), bytes]);
};

/** What came of all pieces together. */
function joined({ data }: Seen): string {
  return data.map(({ text, isLast }) => (isLast ? `${text}|` : text)).join('');
}

t.test('the same, however the bytes arrive', async (t) => {
  const stream = Buffer.concat([pdv('first', false), pdv('second'), pdv(''), RELEASE_RQ]);
  for (let size = 1; size <= stream.length; size += 1) {
    const seen = reader();
    for (let at = 0; at < stream.length; at += size) seen.write(stream.subarray(at, at + size));
    t.equal(joined(seen), 'firstsecond||', `in pieces of ${size}`);
    t.strictSame(seen.pdus, ['5:00000000']);
    t.strictSame(seen.faults, []);
  }
});

t.test('several PDVs in one PDU', async (t) => {
  const [one, two] = [pdv('ab'), pdv('cd')];
  const header = Buffer.from('040000000000', 'hex');
  const body = Buffer.concat([one.subarray(6), two.subarray(6)]);
  header.writeUInt32BE(body.length, 2);
  const seen = reader();
  seen.write(Buffer.concat([header, body]));
  t.equal(joined(seen), 'ab|cd|');
});

t.test('what can not be a PDU', async (t) => {
  const cases: Readonly<Record<string, [hex: string, fault: string]>> = {
    'an unknown type': ['630000000000', 'unrecognized-pdu'],
    HTTP: [Buffer.from('GET / HTTP/1.1').toString('hex'), 'unrecognized-pdu'],
    'an abort of a megabyte': ['070000100000', 'invalid-pdu-parameter-value'],
    'a request of four gigabytes': ['0100ffffffff', 'invalid-pdu-parameter-value'],
    'a PDV that is longer than its PDU': [
      '04000000000a000000ff0302',
      'invalid-pdu-parameter-value',
    ],
    'a PDV without its header': ['04000000000a000000010302', 'invalid-pdu-parameter-value'],
  };
  for (const [what, [hex, fault]] of Object.entries(cases)) {
    const seen = reader();
    seen.write(Buffer.from(hex, 'hex'));
    seen.write(pdv('more'));
    t.strictSame(seen.faults, [fault], what);
    t.strictSame(seen.data, [], 'nothing behind it is read');
  }
});

t.test(
  'B03: a P-DATA-TF of more than was agreed is a fault before its bytes are taken',
  async (t) => {
    const agreed = reader();
    agreed.write(pdv('x'.repeat(994)));
    t.equal(joined(agreed), `${'x'.repeat(994)}|`);
    t.strictSame(agreed.faults, []);
    for (const bytes of [1_007, 2_000, 0xffff_ffff]) {
      const header = Buffer.from([4, 0, 0, 0, 0, 0]);
      header.writeUInt32BE(bytes, 2);
      const seen = reader();
      seen.write(Buffer.concat([header, pdv('text').subarray(6)]));
      t.strictSame(seen.faults, ['invalid-pdu-parameter-value'], `${bytes} bytes`);
      t.strictSame(seen.data, []);
    }
  },
);

t.test('a promise of the user stops the reading', async (t) => {
  const order: string[] = [];
  let open = (): void => {};
  const gate = new Promise<void>((resolve) => {
    open = resolve;
  });
  const pdus = new PduReader(1_000, {
    pdu: (type) => void order.push(`pdu ${type}`),
    data: ({ bytes }) => {
      order.push(bytes.toString());
      return order.length === 1 ? gate : undefined;
    },
    fault: () => {},
  });
  const done = pdus.write(Buffer.concat([pdv('one'), pdv('two'), encodeAbort()]));
  t.strictSame(order, ['one']);
  open();
  await done;
  t.strictSame(order, ['one', 'two', 'pdu 7']);
});
