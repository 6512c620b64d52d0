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

t.test(
  'of the hour that comes twice a time is the first, of the one that is left out the clock went on',
  async (t) => {
    t.equal(readTime('20261025013000', london), '2026-10-25T00:30:00.000Z');
    t.equal(readTime('20261025013000+0000', london), '2026-10-25T01:30:00.000Z');
    t.equal(readTime('20261025005900', london), '2026-10-24T23:59:00.000Z');
    t.equal(readTime('20261025020000', london), '2026-10-25T02:00:00.000Z');
    t.equal(readTime('20260329013000', london), '2026-03-29T01:30:00.000Z');
    t.equal(readTime('20260329005900', london), '2026-03-29T00:59:00.000Z');
    t.equal(readTime('20260329020000', london), '2026-03-29T01:00:00.000Z');
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

t.test('a component that is two quotation marks goes, its field does not', async (t) => {
  const [, pid] = readMessage(
    'MSH|^~\\&|||||||ADT^A08|1|P|2.4\rPID|||||||||||1 High St^^Town^^""',
  ).segments;
  t.equal(pid?.given(11, 5), null);
  t.equal(pid?.given(11), '1 High St');
});

t.test('a delimiter that MSH-2 leaves out separates nothing', async (t) => {
  const [header, pid] = readMessage(
    'MSH|^~|RIS|A|||||ADT^A28|7|P|2.3\rPID|1||M1^^^RRK^MR~M2||ROBERTS & CO \\T\\^RITA\rsecond line',
  ).segments;
  t.equal(header?.text(3), 'RIS');
  t.equal(pid?.text(5), 'ROBERTS & CO \\T\\');
  t.equal(pid?.text(5, 2), 'RITA second line');
  t.equal(pid?.repetitions(3), 2);
  const [short] = readMessage('MSH|^|RIS|A|||||ADT|7|P|2.3').segments;
  t.equal(short?.text(10), '7');
  const [seven] = readMessage('MSH|^~\\&#|RIS|A|||||ADT|8|P|2.7').segments;
  t.equal(seven?.text(10), '8', 'the truncation character of HL7 2.7');
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
  t.equal(of('8859/5', Buffer.from([0xb8, 0xd2, 0xd0, 0xdd])), 'Иван');
  t.equal(of('8859/2~UNICODE UTF-8', Buffer.from('\xa3ukasz', 'latin1')), 'Łukasz');
  t.equal(of('GB 18030-2000', Buffer.from([0xc0, 0xee])), '李');
  t.equal(of('UNICODE UTF-16', Buffer.from('Zoë')), 'Zoë', 'MLLP carries no UTF-16');
  t.equal(of('8859/7', Buffer.from([0xff, 0xfe])), 'ÿþ', 'what the set does not have');
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
