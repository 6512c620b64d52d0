/** The invoking side against a peer that answers as it is told. PS3.7 §9.1. */
import { Readable } from 'node:stream';
import t, { type Test } from 'tap';
import { randomFrom } from '../../../../demo/phantom/random.ts';
import { openAssociation } from '../../../../edge/dimse/scu.ts';
import type { ScuAssociation } from '../../../../edge/dimse/scu-association.ts';
import { eventually } from '../../../support/eventually.ts';
import { type Script, type ScriptedScp, startScriptedScp } from './scripted-scp.ts';

const CT = '1.2.840.10008.5.1.4.1.1.2';
const FIND = '1.2.840.10008.5.1.4.1.2.2.1';
const VERIFICATION = '1.2.840.10008.1.1';
const EXPLICIT = '1.2.840.10008.1.2.1';
const DEFLATED = '1.2.840.10008.1.2.1.99';

interface Opened {
  readonly scp: ScriptedScp;
  readonly association: ScuAssociation;
}

async function open(
  t: Test,
  script: Script,
  over: { responseMs?: number; signal?: AbortSignal } = {},
): Promise<Opened> {
  const scp = await startScriptedScp(script);
  t.teardown(() => scp.stop());
  const peer = { host: '127.0.0.1', port: scp.port, aeTitle: 'PEER', callingAETitle: 'CDIP_RRK' };
  const contexts = [
    { abstractSyntaxUID: CT, transferSyntaxUIDs: [EXPLICIT] },
    { abstractSyntaxUID: CT, transferSyntaxUIDs: [DEFLATED] },
    { abstractSyntaxUID: FIND, transferSyntaxUIDs: [EXPLICIT] },
    { abstractSyntaxUID: VERIFICATION, transferSyntaxUIDs: [EXPLICIT] },
  ];
  const association = await openAssociation({ peer, contexts, responseMs: 5_000, ...over });
  t.teardown(() => association.abort());
  return { scp, association };
}

const objectOf = (dataSetBytes: number, transferSyntaxUID = EXPLICIT) => ({
  sopClassUID: CT,
  sopInstanceUID: '2.999.1.1',
  transferSyntaxUID,
  dataSetBytes,
});

const storeBytes = (association: ScuAssociation, pieces: readonly Buffer[], syntax = EXPLICIT) => {
  const length = pieces.reduce((sum, piece) => sum + piece.length, 0);
  return association.store(objectOf(length, syntax), () => Readable.from(pieces));
};

t.test(
  'B03: bytes arrive as they are, however the source is cut and whatever the peer takes',
  async (t) => {
    const random = randomFrom('scu');
    const upTo = (n: number): number => Math.floor(random() * n);
    for (const maxPduBytes of [4_096, 16_383, 131_072]) {
      const { scp, association } = await open(t, {
        maxPduBytes,
        answer: ({ respond }) => respond({ Status: 0 }),
      });
      for (const length of [0, 1, 2, 4_090, 4_091, 300_001, 100_000]) {
        const bytes = Buffer.from(Array.from({ length }, () => upTo(256)));
        const pieces: Buffer[] = [];
        for (let at = 0; at < length; ) {
          const size = 1 + upTo(30_000);
          pieces.push(bytes.subarray(at, at + size));
          at += size;
        }
        scp.pdvs.length = 0;
        t.equal(await storeBytes(association, pieces), 0);
        t.ok(scp.requests.at(-1)?.dataSet.equals(bytes), `${length} bytes at ${maxPduBytes}`);
      }
      await association.release();
      t.match(scp.ends, [{ kind: 'released' }]);
    }
  },
);

t.test('a deflated data set of odd length gets its pad byte', async (t) => {
  const { scp, association } = await open(t, { answer: ({ respond }) => respond({ Status: 0 }) });
  await storeBytes(association, [Buffer.from('abc')], DEFLATED);
  t.equal(scp.requests[0]?.dataSet.toString('latin1'), 'abc\0');
  await storeBytes(association, [Buffer.from('ab'), Buffer.from('cd')], DEFLATED);
  t.equal(scp.requests[1]?.dataSet.toString('latin1'), 'abcd');
});

t.test('the request says what it is; the status is handed on', async (t) => {
  const { scp, association } = await open(t, {
    answer: ({ respond }) => respond({ Status: 0xb007, AffectedSOPInstanceUID: '2.999.1.1' }),
  });
  t.equal(await storeBytes(association, [Buffer.from('xx')]), 0xb007);
  const [request] = scp.requests;
  t.equal(request?.command.number('CommandField'), 1);
  t.equal(request?.command.text('AffectedSOPClassUID'), CT);
  t.equal(request?.command.text('AffectedSOPInstanceUID'), '2.999.1.1');
  t.equal(await association.echo(), 0xb007);
  t.equal(scp.requests[1]?.command.hasDataSet, false);
});

t.test('a source that ends early, goes on too long, or fails: nothing whole is sent', async (t) => {
  const sources: [string, () => Readable][] = [
    ['short', () => Readable.from([Buffer.alloc(999)])],
    ['long by a piece', () => Readable.from([Buffer.alloc(1_000), Buffer.alloc(2)])],
    ['long in one piece', () => Readable.from([Buffer.alloc(1_002)])],
    ['nothing', () => Readable.from([])],
    [
      'failing',
      () =>
        Readable.from(
          (async function* () {
            yield Buffer.alloc(500);
            throw Object.assign(new Error('read'), { code: 'EIO' });
          })(),
        ),
    ],
  ];
  for (const [title, source] of sources) {
    const { scp, association } = await open(t, { answer: ({ respond }) => respond({ Status: 0 }) });
    await t.rejects(association.store(objectOf(1_000), source), { code: 'SOURCE_FAILED' }, title);
    await eventually('the association is aborted', () => scp.ends.length === 1);
    t.match(scp.ends, [{ kind: 'aborted-by-peer' }]);
    t.strictSame(scp.requests, [], 'no whole request');
  }
});

t.test('a peer that is slow holds the source back', async (t) => {
  const { promise: go, resolve } = Promise.withResolvers<void>();
  let taken = 0;
  const { association } = await open(t, {
    onData: () => go,
    answer: ({ respond }) => respond({ Status: 0 }),
  });
  const length = 64 * 1_048_576;
  const source = async function* (): AsyncGenerator<Buffer> {
    for (; taken < length; taken += 65_536) yield Buffer.alloc(65_536);
  };
  const stored = association.store(objectOf(length), () => Readable.from(source()));
  await new Promise((wait) => setTimeout(wait, 300));
  t.ok(taken < length / 2, `${taken} of ${length} bytes were read`);
  resolve();
  t.equal(await stored, 0);
});

t.test(
  'a peer that takes nothing, or does not answer, is not waited for without end',
  async (t) => {
    const { promise: never, resolve } = Promise.withResolvers<void>();
    const deaf = await open(t, { onData: () => never }, { responseMs: 200 });
    const pieces = Array.from({ length: 200 }, () => Buffer.alloc(1_048_576));
    await t.rejects(storeBytes(deaf.association, pieces), {
      code: 'RESPONSE_TIMEOUT',
      retry: 'unsure',
    });
    resolve();
    const mute = await open(t, {}, { responseMs: 200 });
    await t.rejects(mute.association.echo(), { code: 'RESPONSE_TIMEOUT' });
    await eventually('it is aborted', () => mute.scp.ends.length === 1);
    await t.rejects(
      mute.association.echo(),
      { code: 'RESPONSE_TIMEOUT' },
      'and of no use any more',
    );
  },
);

t.test('answers that are none end the association', async (t) => {
  const scripts: [string, Script['answer']][] = [
    ['of another request', ({ respond }) => respond({ Status: 0, MessageIDBeingRespondedTo: 99 })],
    ['of another kind', ({ respond }) => respond({ Status: 0, CommandField: 0x8001 })],
    ['without a status', ({ respond }) => respond({})],
    [
      'no command set',
      ({ association, contextId }) =>
        void association.write([
          { contextId, isCommand: true, isLast: true, bytes: Buffer.from('rubbish') },
        ]),
    ],
    [
      'a command without end',
      ({ association, contextId }) => {
        const bytes = Buffer.alloc(16_000);
        for (let sent = 0; sent < 6; sent += 1)
          association.write([{ contextId, isCommand: true, isLast: false, bytes }]);
      },
    ],
    [
      'a data set that nobody asked for',
      ({ association, contextId }) =>
        void association.write([
          { contextId, isCommand: false, isLast: true, bytes: Buffer.alloc(2) },
        ]),
    ],
    [
      'in a context that was not accepted',
      ({ association }) =>
        void association.write([
          { contextId: 99, isCommand: true, isLast: true, bytes: Buffer.alloc(2) },
        ]),
    ],
    [
      'twice begun',
      ({ respond, association, contextId }) => {
        respond({ Status: 0xff00 }, undefined);
        association.write([{ contextId, isCommand: true, isLast: false, bytes: Buffer.alloc(2) }]);
        association.write([{ contextId, isCommand: false, isLast: true, bytes: Buffer.alloc(2) }]);
      },
    ],
  ];
  for (const [title, answer] of scripts) {
    const { scp, association } = await open(t, answer === undefined ? {} : { answer });
    await t.rejects(association.find(FIND, Buffer.alloc(2)), { code: 'RESPONSE_MALFORMED' }, title);
    await eventually('it is aborted', () => scp.ends.length === 1);
  }
});

t.test('a peer that goes away: at once, in the middle, politely', async (t) => {
  const abort = await open(t, { answer: ({ association }) => association.abort() });
  await t.rejects(storeBytes(abort.association, [Buffer.alloc(2)]), { code: 'ASSOCIATION_ENDED' });
  const middle = await open(t, {
    onData: (pdv, association) => {
      if (!pdv.isCommand) association.abort();
      return undefined;
    },
  });
  const pieces = Array.from({ length: 50 }, () => Buffer.alloc(1_048_576));
  await t.rejects(storeBytes(middle.association, pieces), { code: 'ASSOCIATION_ENDED' });
  const polite = await open(t, { answer: ({ association }) => void association.release() });
  await t.rejects(polite.association.echo(), { code: 'ASSOCIATION_ENDED' });
  await polite.association.release();
});

t.test('a signal ends what is under way', async (t) => {
  const stop = new AbortController();
  const { scp, association } = await open(t, {}, { signal: stop.signal });
  const stored = association.store(objectOf(10), () => Readable.from([Buffer.alloc(10)]));
  await eventually('it was sent', () => scp.requests.length === 1);
  stop.abort();
  await t.rejects(stored, { code: 'ASSOCIATION_ENDED' });
});

t.test('C-FIND: matches in order, in fragments; as many as there are', async (t) => {
  const { scp, association } = await open(t, {
    answer({ respond, dataSet }) {
      t.equal(dataSet.toString(), 'question');
      for (let number = 0; number < 1_000; number += 1)
        respond(
          { Status: number % 2 === 0 ? 0xff00 : 0xff01 },
          Buffer.from(`match ${number}`.repeat(9)),
        );
      respond({ Status: 0 });
    },
  });
  const { status, identifiers } = await association.find(FIND, Buffer.from('question'));
  t.equal(status, 0);
  t.strictSame(
    identifiers.map(String),
    Array.from({ length: 1_000 }, (_, number) => `match ${number}`.repeat(9)),
  );
  await association.release();
  t.match(scp.ends, [{ kind: 'released' }]);
});

t.test('an identifier, or all of them, beyond any reason ends the association', async (t) => {
  const big = await open(t, {
    answer: ({ respond }) => respond({ Status: 0xff00 }, Buffer.alloc(2_000_000)),
  });
  await t.rejects(big.association.find(FIND, Buffer.alloc(2)), { code: 'RESPONSE_MALFORMED' });
  const many = await open(t, {
    answer({ respond }) {
      for (let number = 0; number < 100; number += 1)
        respond({ Status: 0xff00 }, Buffer.alloc(1_000_000));
    },
  });
  await t.rejects(many.association.find(FIND, Buffer.alloc(2)), { code: 'RESPONSE_MALFORMED' });
});

t.test('what the peer does not take is told before anything is sent', async (t) => {
  const { scp, association } = await open(t, {
    accepts: (abstractSyntaxUID) => abstractSyntaxUID !== FIND,
    answer: ({ respond }) => respond({ Status: 0 }),
  });
  t.equal(association.contextFor(FIND), undefined);
  t.equal(association.contextFor(CT, DEFLATED)?.transferSyntaxUID, DEFLATED);
  await t.rejects(association.find(FIND, Buffer.alloc(2)), { code: 'CONTEXT_NOT_ACCEPTED' });
  await t.rejects(storeBytes(association, [Buffer.alloc(2)], '1.2.840.10008.1.2.4.90'), {
    code: 'CONTEXT_NOT_ACCEPTED',
  });
  t.equal(await association.echo(), 0, 'and the association goes on');
  t.equal(scp.requests.length, 1);
});
