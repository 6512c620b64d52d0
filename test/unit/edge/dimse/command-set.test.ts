import t from 'tap';
import {
  CommandField,
  DimseError,
  decodeCommand,
  encodeCommand,
} from '../../../../edge/dimse/command-set.ts';
import { negotiator } from '../../../../edge/dimse/negotiate.ts';

t.test('there and back', async (t) => {
  const fields = {
    AffectedSOPClassUID: '1.2.840.10008.5.1.4.1.1.2',
    CommandField: CommandField.cStoreRQ,
    MessageID: 7,
    Priority: 0,
    AffectedSOPInstanceUID: '2.999.1',
    MoveOriginatorApplicationEntityTitle: 'PACS',
    MoveOriginatorMessageID: 3,
  };
  const bytes = encodeCommand(fields, true);
  t.equal(bytes.readUInt32LE(8), bytes.length - 12, 'the group length');
  const command = decodeCommand(bytes);
  t.equal(command.hasDataSet, true);
  t.equal(command.number('CommandField'), 1);
  t.equal(command.number('MessageID'), 7);
  t.equal(command.text('AffectedSOPInstanceUID'), '2.999.1', 'without its padding');
  t.equal(command.text('MoveOriginatorApplicationEntityTitle'), 'PACS');
  t.equal(command.text('ErrorComment'), '');
  t.equal(command.number('Status'), undefined);
  t.equal(decodeCommand(encodeCommand(fields, false)).hasDataSet, false);
});

t.test('what is no command set is refused', async (t) => {
  for (const hex of ['00', '0000000004000000', '0800050002000000aabb', '000000ffffffffff'])
    t.throws(() => decodeCommand(Buffer.from(hex, 'hex')), DimseError, hex);
});

t.test('any storage class in the syntax that was named first, no other service', async (t) => {
  const of = (abstractSyntaxUID: string, ...transferSyntaxUIDs: string[]) =>
    negotiator()({ id: 1, abstractSyntaxUID, transferSyntaxUIDs });
  for (const storage of [
    '1.2.840.10008.5.1.4.1.1.2',
    '1.2.840.10008.5.1.4.1.1.88.67',
    '1.2.840.10008.5.1.4.34.7',
    '1.2.840.10008.5.1.4.38.1',
    '1.2.840.10008.5.1.1.27',
    '1.3.46.670589.11.0.0.12.1',
    '1.2.840.10008.1.1',
  ])
    t.strictSame(of(storage, '1.2.840.10008.1.2.4.90', '1.2.840.10008.1.2'), {
      result: 'accept',
      transferSyntaxUID: '1.2.840.10008.1.2.4.90',
    });
  for (const other of [
    '1.2.840.10008.5.1.4.1.2.2.1',
    '1.2.840.10008.5.1.4.31',
    '1.2.840.10008.1.20.1',
    '1.2.840.10008.3.1.2.3.3',
    '1.2.840.10008.5.1.1.9',
    '1.2.840.10008.5.1.4.34.6.1',
    '',
  ])
    t.match(of(other, '1.2.840.10008.1.2'), { result: 'abstract-syntax-not-supported' }, other);
  t.match(of('1.2.840.10008.5.1.4.1.1.2', '../x', ''), {
    result: 'transfer-syntaxes-not-supported',
  });
});
