import t from 'tap';
import { Hl7Error } from '../../../../edge/hl7/hl7-error.ts';
import { hl7Message, hl7World, PID } from '../../../support/hl7.ts';

const A08 = (over: { pid?: string; at?: string; controlId?: string } = {}): string =>
  hl7Message({
    type: 'ADT^A08',
    ...(over.at === undefined ? {} : { at: over.at }),
    ...(over.controlId === undefined ? {} : { controlId: over.controlId }),
    segments: [over.pid ?? PID],
  });

t.test('a patient is kept as the PAS tells it, and told to the hub', async (t) => {
  const world = hl7World(t);
  t.equal(await world.send(A08()), 'AA');
  t.match(world.events, [
    {
      kind: 'patient',
      patient: {
        ...{ patientId: 'MRN1', issuer: 'RRK', nhsNumber: '9434765919', name: 'Phantom^One' },
        ...{ birthDate: '19500102', sex: 'F' },
      },
      postcode: 'B1 1AA',
      mergedInto: null,
      asOf: '2026-11-26T11:00:00.000Z',
    },
  ]);
});

t.test(
  'what is empty changes nothing, what is emptied goes, what is the same is not told again',
  async (t) => {
    const world = hl7World(t);
    await world.send(A08());
    await world.send(A08({ pid: 'PID|1||MRN1^^^RRK^MR||||', at: '20261126110100' }));
    t.equal(world.events.length, 1);
    await world.send(A08({ pid: 'PID|1||MRN1^^^RRK^MR||||""', at: '20261126110200' }));
    t.match(world.events.at(-1), { patient: { name: 'Phantom^One', birthDate: null } });
  },
);

t.test('names, numbers and deaths that are emptied go, part by part', async (t) => {
  const world = hl7World(t);
  await world.send(A08({ pid: `${PID}${'|'.repeat(19)}Y` }));
  t.match(world.records.patients.patientOf({ patientId: 'MRN1', issuer: 'RRK' }), {
    nhsNumber: '9434765919',
  });
  const emptied = 'PID|1||MRN1^^^RRK^MR~""^^^NHS^NH||""^""||||||^^^^""';
  await world.send(A08({ pid: `${emptied}${'|'.repeat(18)}""`, at: '20261126110100' }));
  t.match(world.events.at(-1), {
    patient: { nhsNumber: null, name: null, birthDate: '19500102' },
    ...{ nhsNumberStatus: null, postcode: null, deceased: false },
  });
});

t.test('what is rejected is answered under its own number, and kept with it', async (t) => {
  const world = hl7World(t);
  const answerTo = async (text: string): Promise<string> => {
    const [answer = ''] = await world.inbox.take({ bytes: Buffer.from(text), host: 'test' });
    return answer;
  };
  t.match(
    await answerTo('MSH|^~\\&|RIS|RRK|CDIP|RRK|2026||ADT^A28|V3|P|3.0\rPID|1||M1'),
    /^MSH\|\^~\\&\|CDIP\|RRK\|RIS\|RRK\|.*\|P\|2\.5\rMSA\|AR\|V3\|HL7_VERSION\r$/,
  );
  t.match(
    await answerTo('MSH|^~|RIS|RRK|||2026|||N1|P|2.3\rPID|1||M1'),
    /^MSH\|\^~\|.*\rMSA\|AR\|N1\|HL7_TYPE/,
  );
  const text = A08({ controlId: 'BIG' });
  const fault = new Hl7Error('HL7_TOO_LARGE', 'too large');
  const [answer] = await world.inbox.take({ bytes: Buffer.from(text), host: 'test', fault });
  t.match(answer, /MSA\|AR\|BIG\|HL7_TOO_LARGE/);
  t.strictSame(
    world.inbox.log.deadLetters(10).map(({ controlId }) => controlId),
    ['BIG', 'N1', 'V3'],
  );
});

t.test('an older message never replaces a newer one', async (t) => {
  const world = hl7World(t);
  await world.send(A08({ at: '20261126110000' }));
  await world.send(A08({ pid: PID.replace('Phantom', 'Former'), at: '20261126100000' }));
  t.match(world.records.patients.patientOf({ patientId: 'MRN1', issuer: 'RRK' }), {
    name: 'Phantom^One',
  });
});

t.test('the same message again is answered alike and changes nothing', async (t) => {
  const world = hl7World(t);
  const text = A08({ controlId: 'SAME' });
  t.equal(await world.send(text), 'AA');
  await world.send(A08({ pid: PID.replace('Phantom', 'Newer'), at: '20261126113000' }));
  t.equal(await world.send(text), 'AA');
  t.equal(world.events.length, 2);
});

t.test('a sender that counts its control IDs anew is not taken for one that repeats', async (t) => {
  const world = hl7World(t);
  await world.send(A08({ controlId: '1' }));
  await world.send(
    A08({ controlId: '1', pid: PID.replace('Phantom', 'Other'), at: '20261126113000' }),
  );
  t.match(world.events.at(-1), { patient: { name: 'Other^One' } });
});

t.test('a fault of content is a dead letter, and the next message goes on', async (t) => {
  const world = hl7World(t);
  t.equal(await world.send(A08({ pid: 'PID|1||||Nobody' })), 'AA');
  t.equal(await world.send(A08()), 'AA');
  t.match(world.inbox.log.deadLetters(10), [
    { type: 'ADT^A08', code: 'HL7_PATIENT_MISSING', facility: 'RRK' },
  ]);
  t.equal(world.events.length, 1);
});

t.test('where a site wants to be told, a fault of content is answered AE', async (t) => {
  const world = hl7World(t, { onFault: 'refuse' });
  t.equal(await world.send(A08({ pid: 'PID|1||||Nobody' })), 'AE');
});

t.test('what is no HL7 2 is answered AR, and kept', async (t) => {
  const world = hl7World(t);
  t.equal(await world.send('<ADT_A01><MSH/></ADT_A01>'), 'AR');
  t.equal(await world.send('MSH|^~\\&|A|B|||2026||ADT^A01|1|P|3.0\rPID|1||1'), 'AR');
  t.strictSame(
    world.inbox.log.deadLetters(10).map(({ code }) => code),
    ['HL7_VERSION', 'HL7_NOT_A_MESSAGE'],
  );
});

t.test('an enhanced sender is answered with a commit, and then as it wishes', async (t) => {
  const world = hl7World(t);
  const enhanced = (accept: string, application: string): string =>
    hl7Message({ type: 'ADT^A08', segments: [PID] }).replace(
      '|P|2.4',
      `|P|2.4|||${accept}|${application}`,
    );
  const codes = async (text: string): Promise<string[]> =>
    (await world.inbox.take({ bytes: Buffer.from(text), host: '' })).map(
      (one) => /MSA\|(..)/.exec(one)?.[1] ?? '',
    );
  t.strictSame(await codes(enhanced('AL', 'NE')), ['CA']);
  t.strictSame(await codes(enhanced('AL', 'AL')), ['CA', 'AA']);
  t.strictSame(await codes(enhanced('NE', 'AL')), ['AA']);
  t.strictSame(await codes(enhanced('ER', 'NE')), ['AA'], 'nobody is left without an answer');
  t.strictSame(
    await codes('MSH|^~\\&|A|B|||2026||ACK|1|P|2.4\rMSA|AA|1'),
    [],
    'an answer is never answered',
  );
});

t.test('the answer names the sender as receiver, and its control ID', async (t) => {
  const world = hl7World(t);
  const bytes = Buffer.from(
    'MSH|^~\\&|RIS|RRK|CDIP|HUB|20261126||ADT^A08^ADT_A01|ID 7|T|2.5\rPID|1||MRN1',
  );
  const [answer = ''] = await world.inbox.take({ bytes, host: '' });
  t.match(
    answer,
    /^MSH\|\^~\\&\|CDIP\|HUB\|RIS\|RRK\|20261126120000\+0000\|\|ACK\^A08\^ACK\|[^|]+\|T\|2.5\rMSA\|AA\|ID 7\r$/,
  );
});

t.test('a batch is applied message by message and answered as one', async (t) => {
  const world = hl7World(t);
  const batch = [
    'BHS|^~\\&|PAS',
    A08().trim(),
    A08({ pid: 'PID|1||||Nobody' }).trim(),
    'BTS|2',
  ].join('\r');
  const [answer = ''] = await world.inbox.take({ bytes: Buffer.from(batch), host: '' });
  t.match(answer, /^BHS.*\r(MSH.*\rMSA\|AA\|.*\r){2}BTS\|2\r$/);
  t.equal(world.events.length, 1);
  t.equal(world.inbox.log.deadCount(), 1);
});

t.test('a dead letter is applied again once its cause is gone, and is one no longer', async (t) => {
  const world = hl7World(t);
  const order = (pid: string, at: string): string =>
    hl7Message({
      type: 'ORM^O01',
      at,
      segments: [pid, 'ORC|NW|P1|ACC1', 'OBR|1|P1|ACC1|CHEST^Chest'],
    });
  await world.send(order(PID, '20261126110000'));
  await world.send(order('PID|1||MRN2^^^RRK^MR', '20261126111000'));
  const [letter] = world.inbox.log.deadLetters(10);
  t.match(letter, { code: 'HL7_OTHER_PATIENT' });
  t.match(world.inbox.replay(letter?.key ?? 0), { state: 'dead', code: 'HL7_OTHER_PATIENT' });
  await world.send(hl7Message({ type: 'ADT^A40', segments: [PID, 'MRG|MRN2^^^RRK^MR'] }));
  t.match(world.inbox.replay(letter?.key ?? 0), { state: 'applied' });
  t.equal(world.inbox.log.deadCount(), 0);
  t.equal(world.inbox.replay(letter?.key ?? 0), undefined);
});

t.test(
  'a message that could not be committed is answered AR, and nothing of it is kept',
  async (t) => {
    const world = hl7World(t);
    world.db.exec(
      "CREATE TEMP TRIGGER full BEFORE INSERT ON hl7_messages BEGIN SELECT RAISE(ABORT, 'full'); END",
    );
    t.equal(await world.send(A08()), 'AR');
    world.db.exec('DROP TRIGGER full');
    t.strictSame(world.records.patients.keysAfter({ patientId: '', issuer: '' }, 10), []);
    t.equal(await world.send(A08()), 'AA');
  },
);

t.test('a frame that could not be taken whole is a dead letter with its beginning', async (t) => {
  const world = hl7World(t);
  const bytes = Buffer.from(A08({ controlId: 'BIG' }).slice(0, 60));
  const [answer] = await world.inbox.take({
    bytes,
    host: 'h',
    fault: new Hl7Error('HL7_TOO_LARGE', 'x'),
  });
  t.match(answer, /MSA\|AR\|BIG/);
  t.match(world.inbox.log.deadLetters(1), [{ code: 'HL7_TOO_LARGE' }]);
});
