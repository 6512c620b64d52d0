/** Studies of a patient whose numbers were merged, as C-FIND finds them. PIR; edge/scp/query/local-studies.ts. */
import t from 'tap';
import { LocalStudies } from '../../../../../edge/scp/query/local-studies.ts';
import { Tag } from '../../../../../shared/dicom/tag.ts';
import { hl7Message, hl7World } from '../../../../support/hl7.ts';
import { objectRecord } from '../../index/object-record.ts';

const patient = (id: string): string => `PID|1||${id}^^^RRK^MR||Phantom^One||19500102|F`;

t.test(
  'each number finds what both have, under the number asked for, until it is undone',
  async (t) => {
    const world = hl7World(t);
    for (const [at, patientId] of ['OLD', 'NEW', 'OTHER'].entries())
      world.index.recordInstance(
        objectRecord(at, {
          patientId,
          studyInstanceUID: `2.999.8.${at}`,
          seriesInstanceUID: `2.999.9.${at}`,
        }),
        1,
      );
    const studies = new LocalStudies(world.db, 'RRK');
    const found = (patientId: string): string[] =>
      [...studies.candidates(new Map([[Tag.PatientID, patientId]]))]
        .flat()
        .map(({ studyInstanceUID, values }) => `${studyInstanceUID} ${values.get(Tag.PatientID)}`)
        .sort();
    t.strictSame(found('OLD'), ['2.999.8.0 OLD']);
    const merge = { type: 'ADT^A40', segments: [patient('NEW'), 'MRG|OLD^^^RRK^MR'] };
    t.equal(await world.send(hl7Message(merge)), 'AA');
    t.strictSame(found('OLD'), ['2.999.8.0 OLD', '2.999.8.1 OLD']);
    t.strictSame(found('NEW'), ['2.999.8.0 NEW', '2.999.8.1 NEW']);
    t.strictSame(found('OTHER'), ['2.999.8.2 OTHER']);
    t.strictSame(found(''), ['2.999.8.0 NEW', '2.999.8.1 NEW', '2.999.8.2 OTHER'], 'all');
    const unlink = {
      type: 'ADT^A37',
      at: '20261126120000',
      segments: [patient('NEW'), patient('OLD')],
    };
    t.equal(await world.send(hl7Message(unlink)), 'AA');
    t.strictSame(found('OLD'), ['2.999.8.0 OLD']);
    t.strictSame(found('NEW'), ['2.999.8.1 NEW']);
  },
);
