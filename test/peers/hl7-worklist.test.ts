/** An order of the RIS on the modality's worklist, by mllp_send's wire and DCMTK's findscu; patients of the PAS. */
import t from 'tap';
import { runTool } from '../support/dcmtk.ts';
import { startEdge } from '../support/edge.ts';
import { Hl7Sender, hl7Message, PID } from '../support/hl7.ts';
import { missingPeer } from '../support/missing-peer.ts';

/** HL7 time of a moment, UTC. */
const stamp = (ms: number): string =>
  `${new Date(ms).toISOString().replace(/[-:T]/g, '').slice(0, 14)}+0000`;

t.test(
  "an order is on the modality's worklist until it is cancelled",
  { skip: missingPeer('findscu') },
  async (t) => {
    const edge = await startEdge({ directory: t.testdir(), trust: 'RRK' });
    t.teardown(() => edge.stop());
    const sender = await Hl7Sender.open(edge.hl7Port);
    t.teardown(() => sender.end());
    const now = Date.now();
    const order = (control: string, at: number, pid = PID): string =>
      hl7Message({
        type: 'ORM^O01',
        at: stamp(at),
        segments: [
          pid,
          `ORC|${control}|P1|ACC1||||^^^${stamp(now + 3_600_000)}^^S|||||C1^Ref^Erer`,
          'OBR|1|P1|ACC1|CTCHE^CT chest^NICIP||||||||||||||||||||CT',
        ],
      });
    const find = async (): Promise<string> => {
      const step = 'ScheduledProcedureStepSequence[0]';
      const keys = [
        ...[
          'PatientID',
          'PatientName',
          'AccessionNumber',
          'StudyInstanceUID',
          'RequestedProcedurePriority',
        ],
        ...[
          'RequestedProcedureDescription',
          `${step}.Modality=CT`,
          `${step}.ScheduledProcedureStepStartDate`,
        ],
      ];
      const given = keys.flatMap((key) => ['-k', key]);
      const called = ['-aec', edge.aeTitle, '127.0.0.1', `${edge.dicomPort}`];
      return (await runTool('findscu', ['-v', '-W', ...given, ...called])).output;
    };
    t.match(await sender.send(order('NW', now - 3_000)), /MSA\|AA/);
    const listed = await find();
    for (const value of ['MRN1', 'Phantom^One', 'ACC1', 'STAT', 'CT chest', '2.25.'])
      t.match(listed, `[${value}`, value);

    await t.test('a merged patient is listed under the number in force', async (t) => {
      const survivor = PID.replace('MRN1', 'MRN9').replace('Phantom^One', 'Phantom^Uno');
      await sender.send(
        hl7Message({
          type: 'ADT^A40',
          at: stamp(now - 2_000),
          segments: [survivor, 'MRG|MRN1^^^RRK^MR'],
        }),
      );
      const after = await find();
      t.match(after, '[MRN9');
      t.match(after, '[Phantom^Uno');
      t.notMatch(after, '[MRN1');
    });

    await t.test(
      'what is cancelled is gone, and an older order does not bring it back',
      async (t) => {
        await sender.send(order('CA', now - 1_000));
        t.notMatch(await find(), 'ACC1');
        await sender.send(order('XO', now - 2_500));
        t.notMatch(await find(), 'ACC1');
      },
    );
  },
);
