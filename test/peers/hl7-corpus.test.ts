/** Every message of the corpus through the HL7 port, and python3-hl7's mllp_send as sender. */
import { execFile } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import t from 'tap';
import { corpusFiles } from '../support/corpus.ts';
import { Hl7Sender, hl7Message, hl7World, PID } from '../support/hl7.ts';
import { missingPeer, programPath } from '../support/missing-peer.ts';

/** What a verdict of the manifest means for a message that nobody may lose. */
const isMessage = (verdict: string): boolean => /^(valid|tolerable)/.test(verdict);
/** Faults of what a valid message says; a message that is one is never told to be none. */
const OF_CONTENT =
  /^HL7_(PATIENT_MISSING|PRIOR_MISSING|NUMBER_MISSING|OTHER_PATIENT|NEEDS_PERSON)$/;

t.test('each message of the corpus is answered by its verdict', { timeout: 240_000 }, async (t) => {
  const files = corpusFiles('hl7');
  t.comment(`${files.length} files`);
  const world = hl7World(t);
  const { port } = await world.listen();
  for (const { path, name, expectedVerdict } of files) {
    const before = world.inbox.log.deadLetters(1_000).length;
    const sender = await Hl7Sender.open(port);
    const first = sender.send(readFileSync(path));
    // An acknowledgement is not answered: what comes then is the answer to this one.
    void sender.send(hl7Message({ type: 'ADT^A08', segments: [PID] }));
    const answer = await first;
    sender.end();
    const letters = world.inbox.log.deadLetters(1_000);
    const reasons = letters.slice(0, letters.length - before).map(({ code }) => code);
    if (isMessage(expectedVerdict)) {
      t.match(answer, /\rMSA\|A?[AC]A?\||\rMSA.[AC]A/, `${name} is accepted`);
      t.strictSame(
        reasons.filter((code) => !OF_CONTENT.test(code)),
        [],
        `${name}: ${reasons.join(' ')}`,
      );
    } else {
      t.match(answer, /\rMSA\|AR\|/, `${name} is rejected`);
      t.equal(reasons.length, 1, `${name}: ${reasons.join(' ')}`);
    }
  }
});

t.test('one byte at a time, and all in one packet', async (t) => {
  const world = hl7World(t);
  const { port } = await world.listen();
  const sender = await Hl7Sender.open(port);
  const frame = (id: string): Buffer =>
    Buffer.from(`\x0b${hl7Message({ type: 'ADT^A08', controlId: id, segments: [PID] })}\x1c\r`);
  for (const byte of frame('slow')) sender.socket.write(Buffer.from([byte]));
  t.match(await sender.answer(), /MSA\|AA\|slow/);
  sender.socket.write(Buffer.concat([frame('one'), frame('two'), frame('three')]));
  for (const id of ['one', 'two', 'three'])
    t.match(await sender.answer(), new RegExp(`MSA\\|AA\\|${id}`));
  sender.end();
});

t.test('a message that never ends costs its own connection and no other', async (t) => {
  const world = hl7World(t, { frameSeconds: 0.5 });
  const { port } = await world.listen();
  const [endless, other] = [await Hl7Sender.open(port), await Hl7Sender.open(port)];
  endless.socket.write('\x0bMSH|^~\\&|never');
  t.match(await other.send(hl7Message({ type: 'ADT^A08', segments: [PID] })), /MSA\|AA/);
  t.equal(await endless.answer(), undefined, 'it was ended');
  t.match(await other.send(hl7Message({ type: 'ADT^A08', segments: [PID] })), /MSA\|AA/);
  other.end();
});

t.test('a report with a document of 5 MB', async (t) => {
  const world = hl7World(t);
  const { port } = await world.listen();
  const sender = await Hl7Sender.open(port);
  const document = Buffer.alloc(3_800_000, 'p').toString('base64');
  const segments = [
    PID,
    'OBR|1|P1|ACC1|X||||||||||||||||||20261125|||F',
    `OBX|1|ED|X||^application^pdf^Base64^${document}||||||F`,
  ];
  t.match(await sender.send(hl7Message({ type: 'ORU^R01', segments })), /MSA\|AA/);
  t.match(world.records.reports.current('ACC1'), { documentBytes: 3_800_000 });
  sender.end();
});

t.test('mllp_send of python3-hl7', { skip: missingPeer('mllp_send') }, async (t) => {
  const world = hl7World(t);
  const { port } = await world.listen();
  const file = join(t.testdir(), 'messages.hl7');
  const message = (id: string): string =>
    hl7Message({ type: 'ADT^A08', controlId: id, segments: [PID] });
  writeFileSync(file, ['P1', 'P2'].map((id) => `\x0b${message(id)}\x1c\r`).join(''));
  const args = ['-p', `${port}`, '-f', file, '127.0.0.1'];
  const { stdout } = await promisify(execFile)(programPath('mllp_send'), args);
  t.match(stdout, /MSA\|AA\|P1/);
  t.match(stdout, /MSA\|AA\|P2/);
  t.match(world.events, [{ kind: 'patient', patient: { patientId: 'MRN1' } }]);
});
