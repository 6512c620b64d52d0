/** Command sets and identifiers that nobody meant: a typed error or a value, never a crash. */
import t from 'tap';
import { randomFrom } from '../../../../demo/phantom/random.ts';
import { CommandAssembler, pdvsOf } from '../../../../edge/dimse/command-pdvs.ts';
import { DimseError, decodeCommand, encodeCommand } from '../../../../edge/dimse/command-set.ts';
import { decodeIdentifier, encodeIdentifier } from '../../../../edge/dimse/identifier.ts';

const IMPLICIT = '1.2.840.10008.1.2';
const EXPLICIT = '1.2.840.10008.1.2.1';
const command = encodeCommand(
  {
    AffectedSOPClassUID: '1.2.840.10008.5.1.4.1.1.2',
    CommandField: 1,
    MessageID: 7,
    AffectedSOPInstanceUID: '2.999.1',
    ErrorComment: 'odd',
  },
  true,
);

/** @returns whether it could be read; anything else than a DimseError goes on */
function survives(read: () => void): boolean {
  try {
    read();
    return true;
  } catch (error) {
    if (error instanceof DimseError) return false;
    throw error;
  }
}

t.test('random and damaged bytes', async (t) => {
  const random = randomFrom('commands');
  const upTo = (n: number): number => Math.floor(random() * n);
  const identifier = encodeIdentifier(EXPLICIT, [{ tag: 0x0020_000d, vr: 'UI', value: '1.2.3' }]);
  let readable = 0;
  for (let round = 0; round < 20_000; round += 1) {
    const whole = round % 2 === 0 ? command : identifier;
    const bytes =
      round % 3 === 0
        ? Buffer.from(Array.from({ length: upTo(80) }, () => upTo(256)))
        : Buffer.from(whole.subarray(0, whole.length - (round % 5 === 0 ? upTo(20) : 0)));
    for (let flips = upTo(4); flips > 0 && bytes.length > 0; flips -= 1)
      bytes[upTo(bytes.length)] = upTo(256);
    const isRead = survives(() => {
      const read = decodeCommand(bytes);
      read.text('AffectedSOPInstanceUID');
      read.number('MessageID');
    });
    if (isRead) readable += 1;
    for (const syntax of [IMPLICIT, EXPLICIT]) survives(() => decodeIdentifier(syntax, bytes));
  }
  t.ok(readable > 1_000, 'and not all was refused');
});

t.test('a command set as other programs write it', async (t) => {
  const element = (number: number, value: Buffer): Buffer => {
    const head = Buffer.alloc(8);
    head.writeUInt16LE(number, 2);
    head.writeUInt32LE(value.length, 4);
    return Buffer.concat([head, value]);
  };
  // No group length, out of order, UIDs of odd length or padded with spaces, an element that nobody knows.
  const read = decodeCommand(
    Buffer.concat([
      element(0x0110, Buffer.from([7, 0])),
      element(0x0002, Buffer.from('1.2.840.10008.1.1')),
      element(0x1000, Buffer.from('2.999.1 \0 ')),
      element(0x0100, Buffer.from([0x30, 0])),
      element(0x4010, Buffer.from('x')),
      element(0x0900, Buffer.alloc(0)),
      element(0x0800, Buffer.from([2, 1])),
    ]),
  );
  t.equal(read.text('AffectedSOPClassUID'), '1.2.840.10008.1.1');
  t.equal(read.text('AffectedSOPInstanceUID'), '2.999.1');
  t.equal(read.number('MessageID'), 7);
  t.equal(read.number('Status'), undefined, 'an empty number is none');
  t.equal(read.hasDataSet, true, 'anything but 0101H says so');
});

t.test('fragments, and how many bytes of them are held', async (t) => {
  for (const size of [1, 7, 64, command.length, 10_000]) {
    const assembler = new CommandAssembler();
    const pdvs = pdvsOf({ contextId: 1, isCommand: true, bytes: command }, size);
    t.ok(pdvs.every(({ bytes }) => bytes.length <= size));
    t.strictSame(pdvs.map(({ isLast }) => isLast).indexOf(true), pdvs.length - 1);
    const read = pdvs.map((pdv) => assembler.take(pdv)).at(-1);
    t.equal(read?.number('MessageID'), 7);
  }
  const assembler = new CommandAssembler();
  const endless = { contextId: 1, isCommand: true, isLast: false, bytes: Buffer.alloc(65_536) };
  t.equal(assembler.take(endless), undefined);
  t.throws(() => assembler.take({ ...endless, bytes: Buffer.alloc(1) }), {
    code: 'COMMAND_MALFORMED',
  });
  const [nothing] = pdvsOf({ contextId: 1, isCommand: false, bytes: Buffer.alloc(0) }, 100);
  t.match(nothing, { isLast: true });
});

t.test('identifiers: there and back, padding removed, in both syntaxes', async (t) => {
  const elements = [
    { tag: 0x0020_000d, vr: 'UI', value: '1.2.3' },
    { tag: 0x0008_0052, vr: 'CS', value: 'IMAGE' },
    { tag: 0x0008_0018, vr: 'UI', value: '' },
  ];
  for (const syntax of [IMPLICIT, EXPLICIT]) {
    const bytes = encodeIdentifier(syntax, elements);
    t.equal(bytes.length % 2, 0);
    t.equal(bytes.readUInt16LE(2), 0x0018, 'in the order of the tags');
    t.strictSame(
      [...decodeIdentifier(syntax, bytes)],
      [
        [0x0008_0018, ''],
        [0x0008_0052, 'IMAGE'],
        [0x0020_000d, '1.2.3'],
      ],
    );
  }
  t.strictSame([...decodeIdentifier(IMPLICIT, Buffer.alloc(0))], []);
});
