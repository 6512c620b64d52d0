/** How long a workstation waits for what another trust has. PS3.4 C.4.2.3.1. */
import t from 'tap';
import { type BringParts, bring } from '../../../../../edge/scp/query/bring.ts';
import type { FetchStand } from '../../../../../edge/scp/query/network.ts';

const STUCK_MS = 600;
// The product's timers let a program end; this one is to wait for them.
const alive = setInterval(() => {}, 1_000);
t.teardown(() => clearInterval(alive));

function parts(standAfter: (ms: number) => Partial<FetchStand>): BringParts {
  const begunAt = performance.now();
  const nobody = (): never => {
    throw new Error('not asked');
  };
  return {
    index: { trust: 'RRK', instancesOf: () => [] },
    local: { *candidates() {} } as unknown as BringParts['local'],
    pacs: { isWanted: () => false } as unknown as BringParts['pacs'],
    ...{ waitMs: 5_000, stuckMs: STUCK_MS },
    network: {
      ...{ query: nobody, contents: nobody, brought: () => new Set<string>() },
      orderFetch: async () => ({ v: 1, fetchId: 'f1' }),
      fetchStand: () => ({
        ...{ state: 'transferring', isOver: false, instancesDone: 0, instancesExpected: 9 },
        ...{ reason: null, failed: [], ...standAfter(performance.now() - begunAt) },
      }),
    },
  };
}

const bringFrom = (of: BringParts) =>
  bring(
    of,
    { studyInstanceUIDs: ['2.25.1'] },
    {
      ...{ callingAETitle: 'WS', signal: new AbortController().signal },
      onWaiting: async () => {},
    },
  );

const away = { code: 'SOURCE_UNREACHABLE', detail: 'no answer' };

t.test('a source that is away ends the waiting, and is named', async (t) => {
  const begunAt = performance.now();
  const { fault } = await bringFrom(parts(() => ({ state: 'retrieving', reason: away })));
  t.equal(fault, 'still retrieving: SOURCE_UNREACHABLE');
  t.ok(performance.now() - begunAt < 4_000);
});

t.test('a source that comes back in time is waited for', async (t) => {
  const of = parts((ms) => {
    if (ms > STUCK_MS * 3) return { state: 'available', isOver: true };
    return ms < STUCK_MS * 0.6 ? { reason: away } : { instancesDone: Math.floor(ms / 100) };
  });
  t.equal((await bringFrom(of)).fault, undefined);
});

t.test('a source that retrieves the study from its PACS first is waited for', async (t) => {
  const reason = { code: 'SOURCE_RETRIEVING', detail: 'of 9' };
  const of = parts((ms) =>
    ms > STUCK_MS * 3 ? { state: 'available', isOver: true } : { state: 'retrieving', reason },
  );
  t.equal((await bringFrom(of)).fault, undefined);
});

/** One object of a copy is here; the hub answers the order with an error. */
function refusedWith(code: string): BringParts {
  const of = parts(() => ({}));
  const study = { studyInstanceUID: '2.25.1', home: 'RJE' };
  const object = { sopInstanceUID: '2.25.2' };
  return {
    ...of,
    index: { trust: 'RRK', instancesOf: () => [object] } as unknown as BringParts['index'],
    local: {
      *candidates() {
        yield [study];
      },
    } as unknown as BringParts['local'],
    network: {
      ...(of.network as NonNullable<BringParts['network']>),
      orderFetch: async () => ({ error: { code, detail: 'no' } }),
    },
  };
}

for (const code of ['NO_SOURCE', 'SERIES_UNKNOWN', 'HOME_AMBIGUOUS', 'EDGE_NOT_ENROLLED'])
  t.test(`what is here of a copy is given where no more can be had: ${code}`, async (t) => {
    const { instances, fault } = await bringFrom(refusedWith(code));
    t.equal(instances.length, 1);
    t.equal(fault, `not brought: ${code}`);
  });

t.test('who may not see the study is given nothing of it', async (t) => {
  for (const code of ['RELATIONSHIP_NEEDED', 'RESTRICTED', 'WHATEVER_COMES_LATER']) {
    const { instances, fault } = await bringFrom(refusedWith(code));
    t.strictSame([instances, fault], [[], `not brought: ${code}`]);
  }
});
