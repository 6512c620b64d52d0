import t from 'tap';
import { CoercionTag as T } from '../../../../edge/coerce/tags.ts';
import { element, sequence } from '../../../support/data-set.ts';
import {
  coerce,
  dataSet,
  LITTLE,
  mapping,
  patientMapping,
  read,
  restore,
} from './coerce-fixture.ts';

const foreign = dataSet(
  [T.AccessionNumber, 'SH', 'RRK-77'],
  [T.InstitutionName, 'LO', 'Sandwell'],
  [T.PatientName, 'PN', 'Foreign^Zoe'],
  [T.PatientID, 'LO', 'F99'],
  [T.PatientBirthDate, 'DA', ''],
  [T.StudyID, 'SH', '7'],
);

t.test('the copy is the local patient’s, with an accession number of our own range', async (t) => {
  const copy = await coerce({ bytes: foreign });
  const tags = [
    ...[T.PatientID, T.IssuerOfPatientID, T.PatientName, T.PatientBirthDate, T.PatientSex],
    ...[T.AccessionNumber, T.IssuerOfAccessionNumberSequence, T.OtherPatientNames],
    ...[T.IssuerOfPatientIDQualifiersSequence, T.InstanceCoercionDateTime, T.StudyID],
    ...[T.InstitutionName, T.SpecificCharacterSet],
  ];
  t.strictSame(await read(copy, tags), [
    ...['M0012345', 'RXK', 'Local^Zoë', '19700102', 'F'],
    ...['I0A1B2C3D4E5F6G7', [{ '00400031': 'CDIP_RXK' }], 'Foreign^Zoe'],
    ...[[{ '00400032': '2.999.1', '00400033': 'ISO' }], '20260601093000.123000+0000', '7'],
    ...['Sandwell', 'ISO_IR 192'],
  ]);
});

t.test('what was changed is told, as it was, with who, when and why', async (t) => {
  const [items] = await read(await coerce({ bytes: foreign }), [T.OriginalAttributesSequence]);
  t.match(items, [
    {
      '04000562': '20260601093000.123000+0000',
      '04000563': 'CDIP_RXK',
      '04000564': 'RRK',
      '04000565': 'COERCE',
      '04000550': [
        {
          '00080005': '',
          '00080050': 'RRK-77',
          '00080051': [],
          '00100010': 'Foreign^Zoe',
          '00100020': 'F99',
          '00100021': '',
          '00100030': '',
          '00100040': '',
        },
      ],
    },
  ]);
  const [
    {
      '04000550': [former],
    } = { '04000550': [{}] },
  ] = items as [{ '04000550': [Record<string, unknown>] }];
  t.notOk('00200010' in former || '00080080' in former, 'and nothing that was not');
});

t.test('the home’s identifier stays findable, once', async (t) => {
  const ids = async (bytes: Buffer) =>
    (await read(await coerce({ bytes }), [T.OtherPatientIDsSequence]))[0];
  const own = { '00100020': 'F99', '00100021': 'RRK', '00100022': 'TEXT' };
  t.strictSame(await ids(foreign), [own]);
  const nhs = Buffer.concat([
    element(LITTLE, T.PatientID, 'LO', '9434765919'),
    element(LITTLE, T.IssuerOfPatientID, 'LO', 'NHS'),
  ]);
  for (const form of ['defined', 'undefined'] as const) {
    const others = sequence(LITTLE, T.OtherPatientIDsSequence, [nhs], form);
    const at = foreign.indexOf(element(LITTLE, T.StudyInstanceUID, 'UI', '1.2.3\0'));
    const bytes = Buffer.concat([foreign.subarray(0, at), others, foreign.subarray(at)]);
    t.strictSame(await ids(bytes), [{ '00100020': '9434765919', '00100021': 'NHS' }, own]);
    t.strictSame(await restore({ bytes: await coerce({ bytes }) }), bytes);
  }
  const again = await coerce({ bytes: await coerce({ bytes: foreign }) });
  t.strictSame((await read(again, [T.OtherPatientIDsSequence]))[0], [own], 'not twice');
  t.strictSame(await ids(dataSet([T.PatientID, 'LO', ''])), undefined, 'there is none');
});

t.test('orders of the home do not reach ours', async (t) => {
  const order = sequence(LITTLE, 0, [element(LITTLE, T.AccessionNumber, 'SH', 'A1')]).subarray(12);
  const tags = [T.RequestAttributesSequence, T.ReferencedRequestSequence];
  const bytes = dataSet(...tags.map((tag) => [tag, 'SQ', order] as const));
  const copy = await coerce({ bytes });
  t.strictSame(await read(copy, tags), [undefined, undefined]);
  t.strictSame(await restore({ bytes: copy }), bytes);
});

t.test('what the mapping does not know stays as the home has it', async (t) => {
  const unknown = patientMapping({ patientName: null, birthDate: null, sex: null });
  const tags = [T.PatientName, T.PatientBirthDate, T.PatientSex, T.OtherPatientNames];
  t.strictSame(await read(await coerce({ bytes: foreign }, unknown), tags), [
    ...['Foreign^Zoe', '', undefined, undefined],
  ]);
  const blank = patientMapping({ patientName: ' ^^ ', birthDate: '1970', sex: 'fé\\male' });
  t.strictSame(await read(await coerce({ bytes: foreign }, blank), tags), [
    ...['Foreign^Zoe', '', undefined, undefined],
  ]);
});

t.test(
  'a foreign patient has a marked identifier, the home’s issuer, and no authority of ours',
  async (t) => {
    const marked = (issuer: string) =>
      patientMapping({ by: 'foreign', patientId: 'RRK-F\\99', issuer, patientName: null });
    const tags = [T.PatientID, T.IssuerOfPatientID, T.IssuerOfPatientIDQualifiersSequence];
    const bytes = dataSet(
      [T.PatientID, 'LO', 'F99'],
      [
        T.IssuerOfPatientIDQualifiersSequence,
        'SQ',
        sequence(LITTLE, 0, [Buffer.alloc(0)]).subarray(12),
      ],
    );
    const copy = await coerce({ bytes }, marked('RXK'));
    const [id, issuer, qualifiers] = await read(copy, tags);
    t.match(id, /^RRK-F_99~[0-9a-f]{16}$/);
    t.strictSame([issuer, qualifiers], ['RXK', undefined]);
    t.strictSame((await read(await coerce({ bytes }, marked('')), tags))[1], 'RRK');
  },
);

t.test('a local identifier that can’t be written exactly is refused', async (t) => {
  for (const patientId of ['', '  ', 'A\\B', 'A\nB', 'A\u0085B'])
    await t.rejects(coerce({ bytes: foreign }, patientMapping({ patientId })), {
      code: 'PATIENT_ID_UNUSABLE',
      retry: 'never',
    });
  const latin = dataSet(
    [T.SpecificCharacterSet, 'CS', 'ISO_IR 100'],
    [T.PatientID, 'LO', 'F99'],
    [T.InstitutionName, 'LO', Buffer.from('Spitäl', 'latin1')],
  );
  const polish = patientMapping({ patientId: 'Ł1' });
  await t.rejects(coerce({ bytes: latin }, polish), { code: 'PATIENT_ID_NOT_ENCODABLE' });
});

t.test('a type of identifier that the local one is not of goes', async (t) => {
  const bytes = dataSet([T.PatientID, 'LO', '9434765919'], [T.TypeOfPatientID, 'CS', 'NH']);
  const copy = await coerce({ bytes });
  t.strictSame(await read(copy, [T.TypeOfPatientID]), ['TEXT']);
  t.match(await read(copy, [T.OtherPatientIDsSequence]), [
    [{ '00100020': '9434765919', '00100022': 'NH' }],
  ]);
});

t.test('no study goes out without a Study ID, and all its objects with the same', async (t) => {
  const empty = await coerce({ bytes: dataSet([T.StudyID, 'SH', '  ']) });
  const absent = await coerce({ bytes: dataSet([T.PatientID, 'LO', 'X']) });
  const [id] = await read(empty, [T.StudyID]);
  t.match(id, /^[0-9A-F]{16}$/);
  t.strictSame(await read(absent, [T.StudyID]), [id]);
});

t.test('earlier Original Attributes stay byte for byte, ours comes behind', async (t) => {
  const item = Buffer.concat([
    element(LITTLE, T.ModifyingSystem, 'LO', 'PACS'),
    element(LITTLE, T.ReasonForTheAttributeModification, 'CS', 'COERCE'),
  ]);
  for (const form of ['defined', 'undefined'] as const) {
    const value = sequence(LITTLE, T.OriginalAttributesSequence, [item], form);
    const at = foreign.indexOf(element(LITTLE, T.PixelData, 'OB', Buffer.alloc(64, 9)));
    const bytes = Buffer.concat([foreign.subarray(0, at), value, foreign.subarray(at)]);
    const copy = await coerce({ bytes });
    t.match(await read(copy, [T.OriginalAttributesSequence]), [
      [{ '04000563': 'PACS' }, { '04000563': 'CDIP_RXK' }],
    ]);
    t.ok(copy.includes(item));
    t.strictSame(await restore({ bytes: copy }), bytes);
  }
  await t.rejects(restore({ bytes: foreign }), { code: 'NOT_COERCED' });
});

t.test('coerced again, each restore takes one back', async (t) => {
  const once = await coerce({ bytes: foreign });
  const twice = await coerce({ bytes: once }, patientMapping({ patientId: 'OTHER' }));
  t.strictSame(await read(twice, [T.PatientID]), ['OTHER']);
  t.strictSame(await restore({ bytes: twice }), once);
  t.strictSame(await restore({ bytes: once }), foreign);
});

t.test('duplicates, disorder, and sequences of unknown VR come back too', async (t) => {
  const id = element(LITTLE, T.PatientID, 'LO', 'ONE');
  const name = element(LITTLE, T.PatientName, 'PN', 'Foreign^Zoe');
  const requests = sequence(LITTLE, T.RequestAttributesSequence, [id]);
  const opaque = element(LITTLE, T.OriginalAttributesSequence, 'UN', Buffer.alloc(10, 1));
  const unknown = element(LITTLE, T.OtherPatientIDsSequence, 'UN', Buffer.alloc(4, 1));
  const pixels = element(LITTLE, T.PixelData, 'OB', Buffer.alloc(8));
  const sources = [
    [id, id, element(LITTLE, T.PatientID, 'LO', 'TWO'), pixels],
    [requests, pixels, id, name, requests],
    [pixels, requests],
    [name, requests, id],
    [name, unknown, opaque, pixels],
    [opaque, opaque, name],
    [element(LITTLE, T.PatientID, 'UN', 'ONE'), pixels],
  ];
  for (const [i, source] of sources.entries()) {
    const bytes = Buffer.concat(source);
    const copy = await coerce({ bytes });
    t.strictSame(await restore({ bytes: copy }), bytes, `source ${i}`);
    t.notOk(
      copy.subarray(copy.indexOf(pixels)).includes(name),
      'no foreign name behind the pixels',
    );
  }
});

t.test('identity inside items is not touched', async (t) => {
  const nested = sequence(LITTLE, 0x0040_a730, [element(LITTLE, T.PatientID, 'LO', 'F99')]);
  const bytes = Buffer.concat([element(LITTLE, T.PatientID, 'LO', 'F99'), nested]);
  t.ok((await coerce({ bytes })).includes(nested));
});

t.test('the same object and mapping give the same bytes, however they come', async (t) => {
  const first = await coerce({ bytes: foreign });
  for (const chunk of [1, 2, 13, 100])
    t.strictSame(await coerce({ bytes: foreign, chunk }, structuredClone(mapping)), first);
});

t.test('a broken object is refused before a byte is given out', async (t) => {
  for (let cut = 1; cut < foreign.length; cut += 1) {
    const result = await coerce({ bytes: foreign.subarray(0, cut) }).catch((error) => error.code);
    // A cut between two elements leaves a data set, as far as bytes can tell.
    if (result !== 'DATASET_TRUNCATED') t.type(result, Buffer);
  }
  await t.rejects(coerce({ bytes: foreign.subarray(0, foreign.length - 1) }), {
    code: 'DATASET_TRUNCATED',
  });
});
