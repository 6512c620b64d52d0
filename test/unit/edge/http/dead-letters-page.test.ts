/** Dead letters, seen and decided on in the edge's page. */
import Fastify from 'fastify';
import t from 'tap';
import { serveDeadLetters } from '../../../../edge/http/dead-letters-page.ts';
import { takeForms } from '../../../../edge/http/own-page.ts';
import { silentLog } from '../../../../shared/log.ts';
import { hl7Message, hl7World, PID } from '../../../support/hl7.ts';

t.test(
  'a dead letter is shown with its reason, applied again from the page, or given up',
  async (t) => {
    const world = hl7World(t);
    const app = Fastify();
    t.teardown(() => app.close());
    takeForms(app);
    serveDeadLetters(app, {
      ...{ trust: 'RRK', log: silentLog, deadLetters: world.inbox.log },
      replayHl7: (key) => world.inbox.replay(key),
    });
    const get = async (): Promise<string> => (await app.inject('/hl7')).body;
    const post = (url: string, headers: Record<string, string> = {}) =>
      app.inject({
        ...{ method: 'POST', url, payload: '' },
        headers: { 'content-type': 'application/x-www-form-urlencoded', ...headers },
      });
    t.match(await get(), 'None: every message was applied.');

    // A merge of a patient who is not named; and an order that is held under another patient.
    await world.send(hl7Message({ type: 'ADT^A40', segments: [PID, 'MRG|'] }));
    const order = ['ORC|NW|P1|A1', 'OBR|1|P1|A1|CT^CT'];
    await world.send(hl7Message({ type: 'ORM^O01', segments: [PID, ...order] }));
    const other = PID.replace('MRN1', 'MRN2').replace('9434765919', '4010232137');
    await world.send(
      hl7Message({ type: 'ORM^O01', controlId: '<b>', segments: [other, ...order] }),
    );
    const shown = await get();
    t.match(shown, '2 messages could not be applied');
    t.match(shown, /HL7_PRIOR_MISSING: [^<]+/);
    t.match(shown, /HL7_OTHER_PATIENT: [^<]+/);
    t.match(shown, '&lt;b&gt;', 'what a sender wrote is text');
    t.notMatch(shown, /Phantom|MRN2|9434765919/, 'no patient');
    const [second, first] = world.inbox.log.deadLetters(10).map(({ key }) => key);

    t.equal((await post(`/hl7/${second}/replay`)).headers['location'], '/hl7?applied=no');
    const merge = hl7Message({
      ...{ type: 'ADT^A40', at: '20261126120000' },
      segments: [PID, 'MRG|MRN2^^^RRK^MR'],
    });
    t.equal(await world.send(merge), 'AA');
    t.equal((await post(`/hl7/${second}/replay`)).headers['location'], '/hl7?applied=yes');
    t.equal((await post(`/hl7/${first}/drop`)).headers['location'], '/hl7?applied=dropped');
    t.match(await get(), 'None: every message was applied.');
    t.not((await post(`/hl7/${first}/drop`)).statusCode, 303, 'only once');

    for (const headers of [{ 'sec-fetch-site': 'same-site' }, { 'x-forwarded-for': '192.0.2.1' }])
      t.not((await post('/hl7/1/replay', headers)).statusCode, 303, 'from this page only');
  },
);
