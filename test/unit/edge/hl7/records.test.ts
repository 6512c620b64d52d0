import t from 'tap';
import { hl7Message, hl7World, PID } from '../../../support/hl7.ts';

const key = (patientId: string) => ({ patientId, issuer: 'RRK' });
const merge = (survivor: string, prior: string, at: string, type = 'ADT^A40'): string =>
  hl7Message({ type, at, segments: [`PID|1||${survivor}^^^RRK^MR`, `MRG|${prior}^^^RRK^MR`] });

t.test('merges of merges lead to the number in force, in whatever order they came', async (t) => {
  const world = hl7World(t);
  await world.send(merge('C', 'B', '20261126110100'));
  await world.send(merge('B', 'A', '20261126110000'));
  t.strictSame(world.records.patients.inForce(key('A')), key('C'));
  t.match(world.events.at(-1), { kind: 'patient', patient: key('A'), mergedInto: key('B') });
});

t.test(
  'an unlink takes a merge back, and what is older than it does not bring it again',
  async (t) => {
    const world = hl7World(t);
    await world.send(merge('B', 'A', '20261126110000'));
    const unlink = hl7Message({
      type: 'ADT^A37',
      at: '20261126110500',
      segments: ['PID|1||A^^^RRK^MR', 'PID|2||B^^^RRK^MR'],
    });
    await world.send(unlink);
    t.strictSame(world.records.patients.inForce(key('A')), key('A'));
    t.match(world.events.at(-1), { patient: key('A'), mergedInto: null });
    await world.send(merge('B', 'A', '20261126110100', 'ADT^A34'));
    t.strictSame(world.records.patients.inForce(key('A')), key('A'));
  },
);

t.test(
  'a merge the other way round undoes the earlier one, and never makes a circle',
  async (t) => {
    const world = hl7World(t);
    await world.send(merge('B', 'A', '20261126110000'));
    await world.send(merge('A', 'B', '20261126110100'));
    t.strictSame(world.records.patients.inForce(key('B')), key('A'));
    t.strictSame(world.records.patients.inForce(key('A')), key('A'));
    await world.send(merge('B', 'C', '20261126110200'));
    await world.send(merge('C', 'A', '20261126110300'));
    for (const one of ['A', 'B', 'C'])
      t.strictSame(world.records.patients.inForce(key(one)), key('C'));
  },
);

t.test('an order is kept by its accession number and follows its status', async (t) => {
  const world = hl7World(t);
  const order = (control: string, at: string, more = ''): string =>
    hl7Message({
      type: 'ORM^O01',
      at,
      segments: [
        PID,
        `ORC|${control}|P1|ACC1^RIS|||||||||C1^Ref^Erer`,
        `OBR|1|P1|ACC1|CTCHE^CT chest^NICIP|R||${more}|||||||||||||||||CT|||^^^20261127093000^^U`,
        'ZDS|1.2.3.4^Application^DICOM',
      ],
    });
  await world.send(order('NW', '20261126110000'));
  t.match(world.events.at(-1), {
    ...{ kind: 'order', orderId: 'ACC1', accessionNumber: 'ACC1', accessionIssuer: 'RIS' },
    ...{ status: 'requested', modality: 'CT', studyInstanceUID: '1.2.3.4', referrer: 'Ref^Erer' },
    procedure: { code: 'CTCHE', text: 'CT chest', system: 'NICIP' },
  });
  await world.send(order('CA', '20261126120000'));
  t.match(world.events.at(-1), { status: 'cancelled' });
  await world.send(order('XO', '20261126113000'));
  t.equal(
    world.records.orders.find('ACC1')?.status,
    'cancelled',
    'an older change does not revive it',
  );
});

t.test(
  'an order that comes behind a newer word of it is told as what it said, and adds what nobody said since',
  async (t) => {
    const world = hl7World(t);
    const order = (at: string, orc: string, obr = 'OBR|1|P1|ACC1'): Promise<string> =>
      world.send(hl7Message({ type: 'ORM^O01', at, segments: [PID, `ORC|${orc}`, obr] }));
    await order('20261126100000', 'SC|P1|ACC1||CM');
    const told = world.events.length;
    const restricted = `NW|P1|ACC1||||||20261120090000${'|'.repeat(19)}V`;
    await order('20261120090500', restricted, 'OBR|1|P1|ACC1|CTCHE^CT chest^NICIP|R');
    const requestedAt = '2026-11-20T09:00:00.000Z';
    t.match(world.events.slice(told), [
      {
        ...{ kind: 'order', overtaken: true, status: 'requested', requestedAt },
        ...{ asOf: '2026-11-20T09:05:00.000Z', confidentiality: 'V', startedAt: null },
      },
      {
        ...{ kind: 'order', overtaken: undefined, status: 'completed', requestedAt },
        ...{ asOf: '2026-11-26T10:00:00.000Z', confidentiality: 'V', priority: 'R' },
        procedure: { code: 'CTCHE' },
      },
    ]);
    await order('20261121090500', 'XO|P1|ACC1', 'OBR|1|P1|ACC1|MHEAD^MR^NICIP');
    t.match(
      world.records.orders.find('ACC1'),
      { status: 'completed', procedureCode: 'CTCHE' },
      'what was said is not said otherwise by an older word',
    );
  },
);

t.test('a time that was given before it was moved is told, also when it comes later', async (t) => {
  const world = hl7World(t);
  const booking = (event: string, at: string, starts: string): Promise<string> => {
    const segments = [`SCH|B1|B1|||||||30|min|^^^${starts}`, PID, 'AIG|1||MR1'];
    return world.send(hl7Message({ type: `SIU^${event}`, at, segments }));
  };
  await booking('S13', '20261126110000', '20261203093000');
  const told = world.events.length;
  await booking('S12', '20261126100000', '20261201093000');
  t.match(world.events.slice(told), [
    { kind: 'appointment', overtaken: true, startsAt: '2026-12-01T09:30:00.000Z' },
    { kind: 'appointment', overtaken: undefined, startsAt: '2026-12-03T09:30:00.000Z' },
  ]);
});

t.test('the site of an order is the facility of its visit, which stands before it', async (t) => {
  const world = hl7World(t);
  const segments = [PID, 'PV1|1|O|CT^^^RRK02', 'ORC|NW|P1|ACC1', 'OBR|1|P1|ACC1|CTCHE'];
  await world.send(hl7Message({ type: 'ORM^O01', segments }));
  t.match(world.events.at(-1), { kind: 'order', location: 'RRK02', patientClass: 'O' });
});

t.test(
  'each examination of an order is one, and the accession number stands where the site says',
  async (t) => {
    const world = hl7World(t, {
      sources: [{ sendingFacility: 'ORTHO', accession: ['OBR-18'] }],
    });
    const segments = [
      PID,
      'ORC|NW|P1',
      'OBR|1|P1||A^Knee||||||||||||||A1',
      'OBR|2|P1||B^Hip||||||||||||||A2',
    ];
    await world.send(hl7Message({ type: 'ORM^O01', facility: 'ORTHO', segments }));
    t.strictSame(world.records.orders.idsAfter('', 10), ['A1', 'A2']);
  },
);

const report = (
  status: string,
  issued: string,
  text: string,
  more: { at?: string; obr?: string } = {},
): string =>
  hl7Message({
    type: 'ORU^R01',
    at: more.at ?? '20261126110000',
    segments: [
      PID,
      `OBR|1|P1|ACC1|CTCHE^CT chest||||||||||||||||||${issued}|||${status}`,
      ...(text === ''
        ? []
        : text.split('\n').map((line, at) => `OBX|${at + 1}|TX|X||${line}||||||${status}`)),
      ...(more.obr === undefined ? [] : [more.obr]),
    ],
  });

t.test('the version in force is the newest by its issue, whatever came last', async (t) => {
  const world = hl7World(t);
  await world.send(report('F', '20261125100000', 'Normal.'));
  await world.send(report('C', '20261125110000', 'A nodule.\nSee CT.'));
  await world.send(report('P', '20261125120000', 'Draft.'));
  await world.send(report('F', '20261125093000', 'Older.'));
  t.match(world.records.reports.current('ACC1'), {
    status: 'corrected',
    text: 'A nodule.\nSee CT.',
  });
  t.equal(world.records.reports.versionsOf('ACC1').length, 4, 'every version is kept');
});

t.test('a preliminary report counts only while there is no other', async (t) => {
  const world = hl7World(t);
  await world.send(report('P', '20261125120000', 'Draft.'));
  t.match(world.records.reports.current('ACC1'), { status: 'preliminary' });
  await world.send(report('F', '20261125110000', 'Final.'));
  t.match(world.records.reports.current('ACC1'), { status: 'final' });
});

t.test('a withdrawn report stays as that, and its versions can be read', async (t) => {
  const world = hl7World(t);
  await world.send(report('F', '20261125100000', 'Of another patient.'));
  await world.send(report('X', '20261125110000', ''));
  t.match(world.records.reports.current('ACC1'), { status: 'withdrawn', text: '' });
  t.match(world.events.at(-1), { kind: 'report', version: 2, status: 'withdrawn' });
});

t.test('examinations that were reported together have one report', async (t) => {
  const world = hl7World(t);
  const text = report('F', '20261125100000', 'Both normal.', {
    obr: 'OBR|2|P2|ACC2|CTABD^CT abdomen',
  });
  await world.send(text);
  t.match(world.events.at(-1), { reportId: 'ACC1', accessionNumbers: ['ACC1', 'ACC2'] });
});

t.test('a document that comes with a report is kept whole, and only told of', async (t) => {
  const world = hl7World(t);
  const pdf = Buffer.from('%PDF-1.4 …');
  const segments = [
    PID,
    'OBR|1|P1|ACC1|X||||||||||||||||||20261125|||F',
    `OBX|1|ED|X||^application^pdf^Base64^${pdf.toString('base64')}||||||F`,
  ];
  await world.send(hl7Message({ type: 'ORU^R01', segments }));
  t.match(world.events.at(-1), {
    text: '',
    document: { mediaType: 'application/pdf', bytes: pdf.length },
  });
});

t.test(
  'an addendum that comes alone is put behind what it adds to, where the site says so',
  async (t) => {
    const world = hl7World(t, { sources: [{ addenda: 'append' }] });
    await world.send(report('F', '20261125100000', 'Normal.'));
    const segments = [
      PID,
      'OBR|1|P1|ACC1|X||||||||||||||||||20261125120000|||C',
      'OBX|1|TX|X&ADT||Addendum: a nodule.||||||C',
    ];
    await world.send(hl7Message({ type: 'ORU^R01', segments }));
    t.match(world.records.reports.current('ACC1'), { text: 'Normal.\n\nAddendum: a nodule.' });
  },
);

t.test('a booking follows its status', async (t) => {
  const world = hl7World(t);
  const booking = (event: string, at: string): string =>
    hl7Message({
      type: `SIU^${event}`,
      at,
      segments: [
        'SCH|B1|B2|||||CT^CT chest||30|min|^^^20261201093000',
        PID,
        'AIL|1||ROOM1^^^RRK01',
      ],
    });
  await world.send(booking('S12', '20261126110000'));
  t.match(world.events.at(-1), {
    ...{
      kind: 'appointment',
      appointmentId: 'B2',
      status: 'booked',
      minutes: 30,
      location: 'RRK01',
    },
    startsAt: '2026-12-01T09:30:00.000Z',
  });
  await world.send(booking('S15', '20261126113000'));
  t.match(world.events.at(-1), { status: 'cancelled' });
});

t.test('how long a booking is, is read wherever it is told', async (t) => {
  const world = hl7World(t);
  const AT_TEN = '20261201100000';
  const told: Record<string, string[]> = {
    'the end of its timing': ['SCH|B1|E1|||||||||^^^20261201100000^20261201104500'],
    'the duration of its timing': [`SCH|B1|E2|||||||||^^M45^${AT_TEN}`],
    'the end in TQ1': ['SCH|B1|E3', `TQ1|1||||||${AT_TEN}|20261201104500`],
    'the service duration in TQ1': ['SCH|B1|E4', `TQ1|1|||||45^min|${AT_TEN}`],
    'its resource': [`SCH|B1|E5|||||||||^^^${AT_TEN}`, `AIG|1||MR1|||||${AT_TEN}|||45|min`],
    'its room': [`SCH|B1|E6|||||||||^^^${AT_TEN}`, `AIL|1||ROOM1|||${AT_TEN}|||2700|s`],
    'two services, one behind the other': [
      `SCH|B1|E7|||||||||^^^${AT_TEN}`,
      `AIS|1||CT1^CT chest|${AT_TEN}|||20|min`,
      'AIS|2||CT2^CT neck|20261201102000|||25|min',
    ],
  };
  for (const [where, [sch = '', ...others]] of Object.entries(told)) {
    await world.send(hl7Message({ type: 'SIU^S12', segments: [sch, PID, ...others] }));
    t.match(
      world.events.at(-1),
      { startsAt: '2026-12-01T10:00:00.000Z', minutes: 45 },
      `told as ${where}`,
    );
  }
  const ends = 'SCH|B1|E8|||||||||^^^20261201100000^20261201093000';
  await world.send(hl7Message({ type: 'SIU^S12', segments: [ends, PID] }));
  t.match(world.events.at(-1), { minutes: null }, 'what ends before it begins has no length');
});

t.test('all that a booking needs is told, whichever is the scanner', async (t) => {
  const world = hl7World(t);
  const segments = [
    'SCH|B1|B7||||||||30|min|^^^20261201093000',
    PID,
    'AIG|1||DR4^Dr Four',
    'AIG|2||MR1^MRI one',
    'AIL|1||MRI^ROOM2^^RRK01',
  ];
  await world.send(hl7Message({ type: 'SIU^S12', segments }));
  const resources = ['Dr Four', 'DR4', 'MRI one', 'MR1', 'RRK01', 'MRI', 'ROOM2'];
  t.match(world.events.at(-1), { resource: 'Dr Four', location: 'RRK01', resources });
  await world.send(hl7Message({ type: 'SIU^S14', segments: segments.slice(0, 2) }));
  t.match(world.events.at(-1), { resources }, 'what is not told again is as it was');
});

t.test('an admission follows its events, discharge and what takes it back', async (t) => {
  const world = hl7World(t);
  const adt = (event: string, at: string, times = '', visit = 'V1'): string =>
    hl7Message({
      ...{ type: `ADT^${event}`, at },
      segments: [PID, `PV1|1|I|WARD1${'|'.repeat(16)}${visit}${'|'.repeat(25)}${times}`],
    });
  const last = () => world.events.at(-1);
  await world.send(adt('A01', '20261126080000', '20261126075500'));
  t.match(last(), {
    ...{ kind: 'encounter', encounterId: 'V1', status: 'open', patientClass: 'I', endedAt: null },
    ...{ beganAt: '2026-11-26T07:55:00.000Z', patient: { patientId: 'MRN1' } },
  });
  t.notMatch(JSON.stringify(last()), 'WARD1', 'where in the house is not told');
  await world.send(adt('A03', '20261126090000', '|20261126085500'));
  t.match(last(), { status: 'ended', endedAt: '2026-11-26T08:55:00.000Z' });
  await world.send(adt('A02', '20261126083000'));
  t.match(last(), { status: 'ended' }, 'an older message changes nothing');
  await world.send(adt('A13', '20261126091000'));
  t.match(last(), { status: 'open', endedAt: null, beganAt: '2026-11-26T07:55:00.000Z' });
  await world.send(adt('A11', '20261126092000'));
  t.match(last(), { status: 'cancelled' });
  const told = world.events.length;
  await world.send(adt('A01', '20261126093000', '', ''));
  t.equal(
    world.events.slice(told).filter(({ kind }) => kind === 'encounter').length,
    0,
    'a visit without a number could not be ended',
  );
  const again = [...world.records.everything(10)].flat();
  t.match(
    again.filter(({ kind }) => kind === 'encounter'),
    [{ encounterId: 'V1' }],
  );
});

t.test('an order tells how close its examination is kept', async (t) => {
  const world = hl7World(t);
  const told = async (code: string): Promise<unknown> => {
    const number = `ACC${code}`;
    const orc = `ORC|NW|P1|${number}|||||||||C1${'|'.repeat(16)}${code}`;
    const segments = [PID, orc, `OBR|1|P1|${number}|CTCHE^CT chest^NICIP`];
    await world.send(hl7Message({ type: 'ORM^O01', at: '20261126080000', segments }));
    const event = world.events.at(-1);
    return event?.kind === 'order' ? event.confidentiality : undefined;
  };
  t.equal(await told(''), null);
  t.equal(await told('N'), 'N');
  t.equal(await told('R'), 'R');
  t.equal(await told('VIP'), 'R');
  t.equal(await told('V'), 'V');
  t.equal(await told('HIV'), 'V');
  t.equal(await told('LOCAL7'), 'R', 'a code that is not known was meant somehow');
});

t.test('all that is held is told again when a hub lost it', async (t) => {
  const world = hl7World(t);
  await world.send(report('F', '20261125100000', 'Normal.'));
  await world.send(report('C', '20261125110000', 'A nodule.'));
  await world.send(merge('B', 'A', '20261126110000'));
  const told = [...world.records.everything(1)].flat().map(({ kind }) => kind);
  t.strictSame(told, ['patient', 'patient', 'patient', 'report', 'report']);
});
