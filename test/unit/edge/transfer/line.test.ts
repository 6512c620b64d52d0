/** What the line carries, and who has it. edge/transfer/line.ts. */
import t from 'tap';
import { parseEdgeConfig } from '../../../../edge/config.ts';
import { Line } from '../../../../edge/transfer/line.ts';

const configOf = (transfer: object) =>
  parseEdgeConfig({ trust: 'RRK', dataDirectory: '/none', transfer }).transfer;
const [IMMEDIATE, SCHEDULED, BULK] = [0, 2, 3] as const;

/** Takes chunks as long as it may. @returns bytes that passed */
async function use(line: Line, priority: number, until: number): Promise<number> {
  let bytes = 0;
  while (performance.now() < until) {
    await line.admit('out', 10_000, priority);
    bytes += 10_000;
    if (bytes % 100_000 === 0) await new Promise((resolve) => setImmediate(resolve));
  }
  return bytes;
}

t.test('a ceiling holds, and without one nothing waits', async (t) => {
  const line = new Line(configOf({ maxMbitPerSecond: 8 }), () => performance.now());
  const seconds = 1;
  const bytes = await use(line, SCHEDULED, performance.now() + seconds * 1_000);
  t.ok(bytes > 100_000 && bytes < 1_400_000, `${bytes} bytes in a second of 1,000,000`);
  const free = new Line(configOf({}), () => performance.now());
  t.equal(free.admit('in', 1_000_000_000, BULK), undefined);
});

t.test('who is urgent has the line, and bulk its share', async (t) => {
  const line = new Line(configOf({}), () => performance.now());
  const order: number[] = [];
  const asked = Array.from({ length: 640 }, () => [IMMEDIATE, BULK]).flat();
  await Promise.all(
    asked.map(async (priority) => {
      await line.admit('out', 100_000, priority);
      order.push(priority);
    }),
  );
  const meanwhile = order.slice(0, order.lastIndexOf(IMMEDIATE)).filter((one) => one === BULK);
  t.ok(meanwhile.length > 0 && meanwhile.length < 40, `${meanwhile.length} of bulk meanwhile`);
});

t.test('bulk goes on as soon as nobody urgent uses the line', async (t) => {
  const line = new Line(configOf({}), () => performance.now());
  await use(line, IMMEDIATE, performance.now() + 50);
  await line.admit('out', 1_000_000, BULK);
  const start = performance.now();
  await line.admit('out', 1_000_000, BULK);
  t.ok(performance.now() - start < 5_000);
});

t.test(
  'hours have ceilings of their own, over midnight too, and may be without bulk',
  async (t) => {
    const at = (time: string): Line =>
      new Line(
        configOf({
          hours: [
            { from: '07:30', to: '19:00', maxMbitPerSecond: 10, bulk: false },
            { from: '23:00', to: '02:00', bulk: false },
          ],
        }),
        () => new Date(`2026-03-02T${time}:00`).getTime(),
      );
    t.same(
      ['07:29', '07:30', '18:59', '19:00', '23:30', '01:00', '02:00'].map((time) =>
        at(time).isOpenTo(BULK),
      ),
      [true, false, false, true, false, false, true],
    );
    t.ok(at('12:00').isOpenTo(SCHEDULED));
  },
);

t.test('a time that is none is refused', async (t) => {
  t.throws(() => configOf({ hours: [{ from: '25:00', to: '1:00' }] }), /HH:MM/);
});
