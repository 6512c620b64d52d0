import t from 'tap';
import { decodeMessage } from '../../../../edge/hl7/decode.ts';
import { readMessage, splitBatch } from '../../../../edge/hl7/message.ts';
import { readDate, readTime } from '../../../../edge/hl7/time.ts';
import { zoneOf } from '../../../../shared/time-zone.ts';

const london = zoneOf('Europe/London');

t.test(
  'a local time is British summer or winter time, one with an offset is what it says',
  async (t) => {
    t.equal(readTime('202606010030', london), '2026-05-31T23:30:00.000Z');
    t.equal(readTime('20261201003015', london), '2026-12-01T00:30:15.000Z');
    t.equal(readTime('20260601003015.1234+0100', london), '2026-05-31T23:30:15.123Z');
    t.equal(readTime('2026', london), '2026-01-01T00:00:00.000Z');
    for (const wrong of ['', 'now', '20261301', '202606012561', '12'])
      t.equal(readTime(wrong, london), null, wrong);
  },
);

t.test('a date that is not whole, or is none, is none', async (t) => {
  t.equal(readDate('19500229'), null);
  t.equal(readDate('1950'), null);
  t.equal(readDate('195001020000'), '19500102');
});

t.test('delimiters are those of MSH, and escapes become what they stand for', async (t) => {
  const message = readMessage(
    'MSH*:?!%*A*B***2026**ORU:R01*1*P*2.4\rOBX*1*TX*X**a!F!b!S!c!T!d!R!e!E!f!.br!g!X41!h!Zz!i\r',
  );
  const [, obx] = message.segments;
  t.equal(message.type, 'ORU');
  t.equal(message.event, 'R01');
  t.equal(obx?.text(5), 'a*b:c%d?e!f\ngAh!Zz!i');
});

t.test('an empty field says nothing, two quotation marks empty it', async (t) => {
  const [, pid] = readMessage('MSH|^~\\&|||||||ADT^A08|1|P|2.4\rPID|1||MRN1|||||""').segments;
  t.equal(pid?.given(7), undefined);
  t.equal(pid?.given(8), null);
});

t.test("a report's own line ends do not cut the message", async (t) => {
  const message = readMessage(
    'MSH|^~\\&|||||||ORU^R01|1|P|2.4\nOBX|1|FT|X||first line\nsecond | line\n\nlast||||||F\nNTE|1||note\n',
  );
  const [, obx, nte] = message.segments;
  t.equal(obx?.name, 'OBX');
  t.equal(obx?.free(5)[0], 'first line\nsecond ');
  t.equal(nte?.text(3), 'note');
});

t.test('text is read in the character set that is declared, else as what it is', async (t) => {
  const of = (declared: string, name: Buffer): string => {
    const head = `MSH|^~\\&|||||||ADT^A08|1|P|2.4||||||${declared}\rPID|1||MRN1||`;
    return (
      decodeMessage(Buffer.concat([Buffer.from(head), name]), 'windows-1252')
        .split('||')
        .at(-1) ?? ''
    );
  };
  t.equal(of('', Buffer.from('Müller')), 'Müller');
  t.equal(of('', Buffer.from('M\xfcller’', 'latin1')), 'Müller\u0019');
  t.equal(of('8859/1', Buffer.from('M\xfcller \x80', 'latin1')), 'Müller €');
  t.equal(of('UNICODE UTF-8', Buffer.from('Zoë')), 'Zoë');
  t.equal(of('8859/1', Buffer.from('Zoë')), 'ZoÃ«', 'what is declared counts');
});

t.test('a batch is its messages, each whole; a single one stays as it is', async (t) => {
  const batch = 'FHS|^~\\&|A\rBHS|^~\\&|A\rMSH|^~\\&|1\rPID|1\rMSH|^~\\&|2\rBTS|2\rFTS|1\r';
  t.strictSame(
    splitBatch(Buffer.from(batch)).map((one) => one.toString().trim()),
    ['MSH|^~\\&|1\rPID|1', 'MSH|^~\\&|2'],
  );
  const single = Buffer.from('MSH|^~\\&|1\rOBX|1|TX|||MSH is a word');
  t.strictSame(splitBatch(single), [single]);
});
