/** Requests of ours over an association of the peer. */
import t from 'tap';
import { decodeCommand, encodeCommand } from '../../../../edge/dimse/command-set.ts';
import { OwnRequests } from '../../../../edge/dimse/own-requests.ts';
import { FakeAssociation } from './fake-association.ts';

const report = { contextId: 1, fields: { CommandField: 0x0100 }, dataSet: Buffer.from('ab') };
const answer = (messageId: number, Status: number) =>
  decodeCommand(
    encodeCommand({ CommandField: 0x8100, MessageIDBeingRespondedTo: messageId, Status }, false),
  );

t.test('each answer goes to its own request', async (t) => {
  const own = new OwnRequests(new FakeAssociation());
  const [first, second] = [own.request(report), own.request(report)];
  t.equal(own.take(answer(2, 0x0110)), true);
  t.equal(own.take(answer(1, 0)), true);
  t.strictSame(await Promise.all([first, second]), [0, 0x0110]);
  t.equal(own.take(answer(1, 0)), false, 'an answer again is none');
});

t.test(
  'a peer that does not answer keeps its association, and may still answer late',
  async (t) => {
    const association = new FakeAssociation();
    const own = new OwnRequests(association, 10);
    await t.rejects(own.request(report), { code: 'RESPONSE_TIMEOUT' });
    t.strictSame(association.aborts, []);
    t.equal(own.take(answer(1, 0)), true);
  },
);

t.test('the end of the association ends them', async (t) => {
  const own = new OwnRequests(new FakeAssociation());
  const open = own.request(report);
  own.end();
  await t.rejects(open, { code: 'ASSOCIATION_ENDED' });
  await t.rejects(own.request(report), { code: 'ASSOCIATION_ENDED' });
});
