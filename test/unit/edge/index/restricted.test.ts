/** What a trust keeps closer than others does not leave it without the hub. */
import t from 'tap';
import { openUnaided } from '../../../../edge/commands/unaided-fetch.ts';
import { parseEdgeConfig } from '../../../../edge/config.ts';
import { isRestricted } from '../../../../edge/index/restricted.ts';
import { type Hl7World, hl7Message, hl7World, PID } from '../../../support/hl7.ts';
import { objectRecord } from './object-record.ts';

const STUDY = '1.2.7';

function put({ db }: Hl7World, given: { patientId?: string; nhsNumber?: string | null }): void {
  const { patientId = 'MRN1', nhsNumber = null } = given;
  db.prepare(
    `INSERT INTO studies (study_uid, home, rev, patient_id, issuer, nhs_number, accession_number,
       series, instances, bytes, set_hash, conflicts, first_at, last_at)
     VALUES (?, 'RRK', 1, ?, 'RRK', ?, 'ACC1', 1, 1, 1, '', 0, 0, 0)`,
  ).run(STUDY, patientId, nhsNumber);
}

const adt = (segments: string[], type = 'ADT^A31'): string =>
  hl7Message({ type, at: '20261126080000', segments });
const flag = (value: 'Y' | 'N'): string => adt([PID, `PD1${'|'.repeat(12)}${value}`]);

t.test('by the flag of the patient, of the number in force, of the NHS number', async (t) => {
  const world = hl7World(t);
  put(world, {});
  await world.send(flag('N'));
  t.equal(isRestricted(world.db, STUDY), false);
  await world.send(flag('Y'));
  t.equal(isRestricted(world.db, STUDY), true);

  const merged = hl7World(t);
  put(merged, { patientId: 'OLD' });
  await merged.send(flag('Y'));
  t.equal(isRestricted(merged.db, STUDY), false, 'of somebody else');
  await merged.send(adt([PID, 'MRG|OLD^^^RRK^MR'], 'ADT^A40'));
  t.equal(isRestricted(merged.db, STUDY), true);

  const elsewhere = hl7World(t);
  put(elsewhere, { patientId: 'OTHER', nhsNumber: '9434765919' });
  await elsewhere.send(flag('Y'));
  t.equal(isRestricted(elsewhere.db, STUDY), true);
});

t.test('by its own objects: the strictest word of any of them, whatever comes later', async (t) => {
  const world = hl7World(t);
  const { db, index } = world;
  const told = (): string | null | undefined => index.studyState(STUDY, 'RRK')?.confidentiality;
  const file = { place: () => {}, isThere: () => false };
  for (const [number, confidentiality, level] of [
    [1, undefined, null],
    [2, 'R', 'R'],
    [3, undefined, 'R'],
    [4, 'V', 'V'],
    [5, 'R', 'V'],
  ] as const) {
    const says = confidentiality === undefined ? {} : { confidentiality };
    const record = objectRecord(number, { studyInstanceUID: STUDY, ...says }, { home: 'RRK' });
    index.recordInstance(record, number, file);
    t.equal(told(), level, `object ${number}`);
    t.equal(isRestricted(db, STUDY), level !== null);
  }
});

t.test('by its order; and then no other edge opens it without the hub', async (t) => {
  const world = hl7World(t);
  const { db } = world;
  put(world, {});
  const config = parseEdgeConfig({ trust: 'RRK', dataDirectory: '/tmp/none' });
  const clock = { now: () => Date.now(), monotonicMs: () => 0 };
  const { opens, written } = openUnaided({
    ...{ config, db, clock, directory: { current: () => undefined } as never },
    ...{ isHubAnswering: async () => false, take: async () => {} },
  });
  const ticket = {
    ...{ aud: 'RRK', sub: 'RJE', study: STUDY, home: 'RRK', fetch: 'unaided-1' },
    ...{ by: 'Dr Ito', reason: 'theatre' },
  } as never;
  const order = ['ORC|NW|P1|ACC1|||||||||C1', 'OBR|1|P1|ACC1|CTCHE^CT chest^NICIP'];
  await world.send(adt([PID, `${order[0]}${'|'.repeat(16)}R`, order[1] ?? ''], 'ORM^O01'));
  t.equal(isRestricted(db, STUDY), true);
  t.throws(() => opens.opened(ticket), { code: 'TICKET_UNAIDED' });
  t.strictSame(written.untold(), [], 'nothing was read');
  db.prepare(`UPDATE orders SET confidentiality = 'N'`).run();
  opens.opened(ticket);
  t.equal(written.untold().length, 1);
});
