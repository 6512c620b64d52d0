import t from 'tap';
import { hl7Message, hl7World, PID } from '../../../support/hl7.ts';
import { objectRecord } from './object-record.ts';

const NHS = '9434765919';
const merge = (survivor: string, prior: string): string =>
  hl7Message({ type: 'ADT^A40', segments: [survivor, `MRG|${prior}^^^RRK^MR`] });

t.test(
  'a patient whom only the PAS knows is matched as one of whom there are images',
  async (t) => {
    const world = hl7World(t);
    await world.send(hl7Message({ type: 'ADT^A28', segments: [PID] }));
    world.index.recordInstance(objectRecord(1, { patientId: 'MRN5', nhsNumber: '9000000009' }), 1);
    t.match(world.index.localPatientsByNhsNumber(NHS, '19500102'), [{ patientId: 'MRN1' }]);
    t.match(world.index.localPatientsByNhsNumber('9000000009', '19500102'), [
      { patientId: 'MRN5' },
    ]);
    t.strictSame(world.index.localPatientsByNhsNumber(NHS, '19500103'), [], 'another birth date');
  },
);

t.test(
  'what the PAS says counts over what images say, and what it emptied is not taken from them',
  async (t) => {
    const world = hl7World(t);
    world.index.recordInstance(
      objectRecord(1, { patientId: 'MRN1', nhsNumber: NHS, birthDate: '19490101' }),
      1,
    );
    await world.send(
      hl7Message({ type: 'ADT^A08', segments: ['PID|1||MRN1^^^RRK^MR||New^Name||19500102'] }),
    );
    t.match(world.index.localPatient('MRN1', 'RRK'), {
      patientName: 'New^Name',
      birthDate: '19500102',
      nhsNumber: NHS,
    });
    await world.send(
      hl7Message({
        type: 'ADT^A08',
        at: '20261126113000',
        segments: ['PID|1||MRN1^^^RRK^MR||||""'],
      }),
    );
    t.match(world.index.localPatient('MRN1', 'RRK'), { birthDate: null });
  },
);

t.test('two numbers of one person are ambiguous until they are merged', async (t) => {
  const world = hl7World(t);
  await world.send(hl7Message({ type: 'ADT^A28', segments: [PID] }));
  await world.send(hl7Message({ type: 'ADT^A28', segments: [PID.replace('MRN1', 'MRN2')] }));
  t.equal(world.index.localPatientsByNhsNumber(NHS, '19500102').length, 2);
  await world.send(merge(PID.replace('MRN1', 'MRN2'), 'MRN1'));
  t.match(world.index.localPatientsByNhsNumber(NHS, '19500102'), [{ patientId: 'MRN2' }]);
  t.match(world.index.localPatient('MRN1', 'RRK'), { patientId: 'MRN2' }, 'the number in force');
});

t.test('whom the PAS deleted nobody is matched with', async (t) => {
  const world = hl7World(t);
  await world.send(hl7Message({ type: 'ADT^A28', segments: [PID] }));
  await world.send(hl7Message({ type: 'ADT^A29', at: '20261126113000', segments: [PID] }));
  t.strictSame(world.index.localPatientsByNhsNumber(NHS, '19500102'), []);
});
