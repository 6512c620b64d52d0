import t from 'tap';
import { type MllpFrame, MllpReader } from '../../../../edge/hl7/mllp.ts';

const framed = (text: string): Buffer => Buffer.from(`\x0b${text}\x1c\r`);
const told = (frames: readonly MllpFrame[]): string[] =>
  frames.map((frame) => (frame.kind === 'frame' ? frame.bytes.toString() : frame.kind));

t.test('messages are found however the stream was cut', async (t) => {
  const stream = Buffer.concat([
    framed('one'),
    Buffer.from('\r\n '),
    framed('two\rlines'),
    framed(''),
  ]);
  for (const size of [1, 2, 3, 7, stream.length]) {
    const reader = new MllpReader(1_000);
    const frames: string[] = [];
    for (let at = 0; at < stream.length; at += size)
      frames.push(...told(reader.push(stream.subarray(at, at + size))));
    t.strictSame(frames, ['one', 'two\rlines', ''], `in pieces of ${size}`);
    t.equal(reader.isOpen, false);
  }
});

t.test('an end without the carriage return ends a message too', async (t) => {
  const reader = new MllpReader(1_000);
  t.strictSame(told(reader.push(Buffer.from('\x0bone\x1c\x0btwo\x1c'))), ['one', 'two']);
});

t.test('a message that is too long is told once, and the next one is read', async (t) => {
  const reader = new MllpReader(10);
  const frames = [
    Buffer.from('\x0b'),
    Buffer.alloc(1_000, 'x'),
    Buffer.from('\x1c\r'),
    framed('next'),
  ];
  t.strictSame(
    frames.flatMap((chunk) => told(reader.push(chunk))),
    ['too-large', 'next'],
  );
});

t.test('what began and was never ended does not become part of the next message', async (t) => {
  const reader = new MllpReader(1_000);
  t.strictSame(told(reader.push(Buffer.from('\x0bMSH|half'))), []);
  t.equal(reader.isOpen, true);
  t.strictSame(told(reader.push(framed('MSH|whole'))), ['cut', 'MSH|whole']);
});

t.test('a report of 5 MB comes whole', async (t) => {
  const reader = new MllpReader(20_000_000);
  const big = Buffer.alloc(5_000_000, 'r');
  const frames: MllpFrame[] = reader.push(Buffer.from('\x0b'));
  for (let at = 0; at < big.length; at += 65_536)
    frames.push(...reader.push(big.subarray(at, at + 65_536)));
  frames.push(...reader.push(Buffer.from('\x1c\r')));
  const [frame] = frames;
  t.equal(frame?.kind === 'frame' ? frame.bytes.equals(big) : false, true);
});
