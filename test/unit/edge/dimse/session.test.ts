/** The performing side over an association in memory. PS3.7 §8, §9. */
import t from 'tap';
import { type CommandFields, encodeCommand } from '../../../../edge/dimse/command-set.ts';
import type { DimseStatus, StoreRequest } from '../../../../edge/dimse/service.ts';
import { ScpSession } from '../../../../edge/dimse/session.ts';
import { silentLog } from '../../../../shared/log.ts';
import { FakeAssociation } from './fake-association.ts';

const CT = '1.2.840.10008.5.1.4.1.1.2';
const STORE: CommandFields = {
  AffectedSOPClassUID: CT,
  CommandField: 0x0001,
  MessageID: 5,
  Priority: 0,
  AffectedSOPInstanceUID: '2.999.1.1',
};
const ECHO: CommandFields = {
  AffectedSOPClassUID: '1.2.840.10008.1.1',
  CommandField: 0x0030,
  MessageID: 6,
};

/** One object on its way into a sink that a test opens and closes by hand. */
interface Stored {
  readonly request: StoreRequest;
  readonly chunks: Buffer[];
  ended: boolean;
  aborted: boolean;
  answer(status: DimseStatus): void;
}

function open(over: { busy?: Promise<void>; store?: () => never } = {}) {
  const association = new FakeAssociation();
  const stored: Stored[] = [];
  const statuses: number[] = [];
  const session = new ScpSession({
    association,
    log: silentLog,
    onStored: (status) => void statuses.push(status),
    services: {
      store(request) {
        over.store?.();
        const { promise, resolve } = Promise.withResolvers<DimseStatus>();
        const object: Stored = {
          request,
          chunks: [],
          ended: false,
          aborted: false,
          answer: resolve,
        };
        stored.push(object);
        return {
          write(chunk) {
            object.chunks.push(chunk);
            return over.busy;
          },
          end() {
            object.ended = true;
            return promise;
          },
          abort: () => void Object.assign(object, { aborted: true }),
        };
      },
    },
  });
  const command = (fields: CommandFields, hasDataSet = true, contextId = 3) =>
    session.onData({
      contextId,
      isCommand: true,
      isLast: true,
      bytes: encodeCommand(fields, hasDataSet),
    });
  const data = (bytes: Buffer, isLast: boolean, contextId = 3) =>
    session.onData({ contextId, isCommand: false, isLast, bytes });
  return { association, session, stored, statuses, command, data };
}

const tick = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

t.test('C-STORE: the data set flows on as it comes, the answer waits for the end', async (t) => {
  const { association, stored, statuses, command, data } = open();
  t.equal(
    command({ ...STORE, MoveOriginatorApplicationEntityTitle: 'PACS', MoveOriginatorMessageID: 9 }),
    undefined,
  );
  const pieces = [Buffer.from('one'), Buffer.from('two'), Buffer.alloc(0), Buffer.from('three')];
  t.equal(data(pieces[0] as Buffer, false), undefined);
  const [object] = stored;
  t.same(object?.chunks, pieces.slice(0, 1), 'the sink has it before more comes');
  t.equal(object?.chunks[0], pieces[0], 'the same bytes, not a copy');
  data(pieces[1] as Buffer, false);
  data(pieces[2] as Buffer, false);
  const finished = data(pieces[3] as Buffer, true);
  await tick();
  t.equal(object?.ended, true);
  t.strictSame(association.written, [], 'no answer before the object is durable');
  object?.answer({ status: 0 });
  await finished;
  const [response] = association.responses();
  t.equal(response?.number('CommandField'), 0x8001);
  t.equal(response?.number('MessageIDBeingRespondedTo'), 5);
  t.equal(response?.number('Status'), 0);
  t.equal(response?.text('AffectedSOPClassUID'), CT);
  t.equal(response?.text('AffectedSOPInstanceUID'), '2.999.1.1');
  t.equal(response?.hasDataSet, false);
  t.match(object?.request, {
    sopClassUID: CT,
    sopInstanceUID: '2.999.1.1',
    transferSyntaxUID: '1.2.840.10008.1.2.1',
    moveOriginator: { aeTitle: 'PACS', messageId: 9 },
    peer: { callingAETitle: 'CT1' },
  });
  t.equal(Buffer.concat(object?.chunks ?? []).toString(), 'onetwothree');
  t.strictSame(statuses, [0]);
  t.strictSame(association.aborts, []);
});

t.test('a sink that is full stops the reading; the end waits for it', async (t) => {
  const { promise: busy, resolve } = Promise.withResolvers<void>();
  const { stored, command, data } = open({ busy });
  command(STORE);
  t.equal(data(Buffer.from('x'), false), busy);
  const finished = data(Buffer.from('y'), true);
  await tick();
  t.equal(stored[0]?.ended, false);
  resolve();
  await tick();
  t.equal(stored[0]?.ended, true);
  stored[0]?.answer({ status: 0 });
  await finished;
});

t.test('a comment fits its element and carries no control character', async (t) => {
  const { association, stored, command, data } = open();
  command(STORE);
  const finished = data(Buffer.from('xx'), true);
  stored[0]?.answer({ status: 0xa900, errorComment: `no\n\\way\u00e9 ${'long '.repeat(40)}` });
  await finished;
  const [response] = association.responses();
  t.equal(response?.number('Status'), 0xa900);
  const comment = response?.text('ErrorComment') ?? '';
  t.ok(comment.length > 50 && comment.length <= 64);
  t.match(comment, /^[\x20-\x5b\x5d-\x7e]+$/);
});

t.test('requests in a row are answered in order, by their own numbers', async (t) => {
  const { association, stored, command, data } = open();
  for (const MessageID of [1, 2, 3]) {
    command({ ...STORE, MessageID });
    const finished = data(Buffer.from('xx'), true);
    stored.at(-1)?.answer({ status: MessageID });
    await finished;
    await command({ ...ECHO, MessageID: MessageID + 100 }, false, 1);
  }
  const got = association
    .responses()
    .map((response) => response.number('MessageIDBeingRespondedTo'));
  t.strictSame(got, [1, 101, 2, 102, 3, 103]);
});

t.test('C-ECHO, C-CANCEL, and what nobody serves', async (t) => {
  const { association, command, data } = open();
  await command(ECHO, false, 1);
  t.equal(command({ CommandField: 0x0fff, MessageIDBeingRespondedTo: 1 }, false), undefined);
  // N-EVENT-REPORT-RQ with a data set, which is passed over.
  command({ RequestedSOPClassUID: '1.2.3', CommandField: 0x0100, MessageID: 8 });
  data(Buffer.alloc(1_000), false);
  await data(Buffer.alloc(10), true);
  // A C-ECHO that says it has a data set is answered once that has come.
  command(ECHO, true, 1);
  await data(Buffer.alloc(2), true, 1);
  const answers = association
    .responses()
    .map((response) => [response.number('CommandField'), response.number('Status')]);
  t.strictSame(answers, [
    [0x8030, 0],
    [0x8100, 0x0211],
    [0x8030, 0],
  ]);
  t.equal(association.responses()[1]?.text('AffectedSOPClassUID'), '1.2.3');
  t.strictSame(association.aborts, []);
});

t.test('a command in fragments of any size', async (t) => {
  const { association, session } = open();
  const bytes = encodeCommand(ECHO, false);
  for (let at = 0; at < bytes.length; at += 1) {
    const isLast = at === bytes.length - 1;
    const done = session.onData({
      contextId: 1,
      isCommand: true,
      isLast,
      bytes: bytes.subarray(at, at + 1),
    });
    t.equal(done === undefined, !isLast);
    await done;
  }
  t.equal(association.responses()[0]?.number('Status'), 0);
});

t.test('B03: a response is cut for a peer that takes little', async (t) => {
  const { association, stored, command, data } = open();
  association.maxPdvBytes = 64;
  command({ ...STORE, AffectedSOPInstanceUID: '1.'.repeat(300) });
  const finished = data(Buffer.from('xx'), true);
  stored[0]?.answer({ status: 0 });
  await finished;
  t.ok(association.written.every(({ bytes }) => bytes.length <= 64));
  t.equal(association.responses()[0]?.number('Status'), 0);
});

t.test('what does not belong there ends the association', async (t) => {
  type Session = ReturnType<typeof open>;
  const cases: [string, (session: Session) => void, string][] = [
    [
      'a context that was not accepted',
      ({ data }) => data(Buffer.from('x'), true, 7),
      'invalid-pdu-parameter-value',
    ],
    ['a data set without a command', ({ data }) => data(Buffer.from('x'), true), 'unexpected-pdu'],
    [
      'a command inside of a data set',
      ({ command }) => {
        command(STORE);
        command(ECHO, false, 1);
      },
      'unexpected-pdu',
    ],
    [
      'a data set of another context',
      ({ command, data }) => {
        command(STORE);
        data(Buffer.from('x'), true, 1);
      },
      'unexpected-pdu',
    ],
    [
      'C-STORE without a data set',
      ({ command }) => command(STORE, false),
      'invalid-pdu-parameter-value',
    ],
    [
      'a data set after a command that has none',
      ({ command, data }) => {
        command(ECHO, false, 1);
        data(Buffer.from('x'), true, 1);
      },
      'unexpected-pdu',
    ],
    ['a response', ({ command }) => command({ ...STORE, CommandField: 0x8001 }), 'unexpected-pdu'],
    ['no message id', ({ command }) => command({ CommandField: 0x0001 }), 'unexpected-pdu'],
    [
      'no command set',
      ({ session }) =>
        session.onData({ contextId: 3, isCommand: true, isLast: true, bytes: Buffer.from('xyz') }),
      'invalid-pdu-parameter-value',
    ],
    [
      'a command without end',
      ({ session }) => {
        const bytes = Buffer.alloc(16_000);
        for (let sent = 0; sent < 5; sent += 1)
          session.onData({ contextId: 3, isCommand: true, isLast: false, bytes });
      },
      'invalid-pdu-parameter-value',
    ],
  ];
  for (const [title, act, reason] of cases) {
    const opened = open();
    act(opened);
    t.strictSame(opened.association.aborts, [reason], title);
    t.ok(
      opened.stored.every(({ aborted, ended }) => aborted && !ended),
      'nothing is stored',
    );
  }
});

t.test('an association that dies drops the object that was coming, and no other', async (t) => {
  const { session, stored, command, data, association } = open();
  command(STORE);
  const finished = data(Buffer.from('xx'), true);
  await tick();
  session.onEnd({ kind: 'closed' });
  t.equal(stored[0]?.aborted, false, 'whole: storage has it');
  stored[0]?.answer({ status: 0 });
  await finished;
  t.strictSame(association.aborts, []);

  const second = open();
  second.command(STORE);
  second.data(Buffer.from('xx'), false);
  second.session.onEnd({ kind: 'aborted-by-peer' });
  t.equal(second.stored[0]?.aborted, true);
  t.equal(second.stored[0]?.ended, false);

  const third = open();
  third.command(STORE);
  third.data(Buffer.from('xx'), false);
  await third.session.onRelease();
  t.equal(third.stored[0]?.aborted, true, 'released in the middle of an object');
});

t.test('a service that fails is answered for, and its data set passed over', async (t) => {
  const { association, command, data } = open({
    store: () => {
      throw new Error('a bug');
    },
  });
  command(STORE);
  data(Buffer.alloc(1_000), false);
  await data(Buffer.alloc(2), true);
  t.equal(association.responses()[0]?.number('Status'), 0x0110);
  t.strictSame(association.aborts, []);
});
