/** What an association did, row by row: one for each patient and question, a begin for each study. PS3.15 A.5.3. */
import t from 'tap';
import { auditAssociation } from '../../../../edge/audit/associations.ts';
import type { EdgeEntry } from '../../../../edge/audit/edge-audit.ts';
import type { Subjects } from '../../../../edge/audit/subject-of.ts';
import { encodeIdentifier } from '../../../../edge/dimse/identifier.ts';
import type {
  OperationLink,
  OperationReply,
  OperationRequest,
} from '../../../../edge/dimse/service.ts';

const IMPLICIT = '1.2.840.10008.1.2';
const CT = '1.2.840.10008.5.1.4.1.1.2';
const peer = {
  ...{ associationId: 'a1', callingAETitle: 'WS1', calledAETitle: 'RRK_EDGE' },
  ...{ host: '10.0.0.9', tls: false },
};
const PATIENT_OF: Readonly<Record<string, string>> = { '1.1': 'A', '1.2': 'A', '1.3': 'B' };

const subjects: Subjects = {
  ofStudy: (study) => {
    const patient = PATIENT_OF[study];
    return patient === undefined ? [] : [{ study, home: 'RRK', patient, accession: `N${study}` }];
  },
  ofFetch: () => [],
  withNumber: (number) => (number === '7' ? ['B'] : []),
  contentOf: ({ study }, counted = 0) => ({ study, accession: null, instances: { [CT]: counted } }),
};

function world(reply: OperationReply = { status: 0 }, told: readonly Buffer[] = []) {
  const rows: EdgeEntry[] = [];
  const handle = async (_: OperationRequest, link: OperationLink): Promise<OperationReply> => {
    for (const dataSet of told) await link.pending({ status: 0xff00, dataSet });
    if (reply.status < 0) throw new Error('broken');
    return reply;
  };
  const served = [{ sopClassUID: '1.2.840.10008.5.1.4.1.2.2.1', handle }];
  const observed = auditAssociation(
    peer,
    {
      store: ({ sopInstanceUID }) => ({
        write: () => undefined,
        abort: () => {},
        end: async () =>
          sopInstanceUID === ''
            ? { status: 0xc000 }
            : { status: 0, studyInstanceUID: sopInstanceUID },
      }),
      served: served as never,
    },
    {
      audit: { soon: (entry) => void rows.push(entry) },
      ...{ subjects, nodeOf: () => undefined },
    },
  );
  const asks = async (
    kind: 'find' | 'move' | 'get',
    keys: [number, string][],
  ): Promise<unknown> => {
    const elements = keys.map(([tag, value]) => ({ tag, vr: 'UI', value }));
    const request = {
      ...{ kind, peer, messageId: 1, sopClassUID: 'c', sopInstanceUID: '', typeId: undefined },
      ...{ moveDestination: kind === 'move' ? 'PACS1' : '', transferSyntaxUID: IMPLICIT },
      ...{ dataSet: encodeIdentifier(IMPLICIT, elements), signal: new AbortController().signal },
    };
    const link = { pending: async () => {}, store: {}, ask: async () => 0 } as never;
    return observed.services.served?.[0]?.handle(request, link);
  };
  const stores = (study: string) =>
    observed.services
      .store({ peer, sopClassUID: CT, sopInstanceUID: study, transferSyntaxUID: IMPLICIT })
      .end();
  return { rows, asks, stores, end: () => observed.ended({} as never) };
}

const STUDY = 0x0020_000d;
const PATIENT_ID = 0x0010_0020;

t.test('what was stored is a row for each patient, with how many of which study', async (t) => {
  const { rows, stores, end } = world();
  for (const study of ['1.1', '1.1', '1.2', '1.3', '']) await stores(study);
  t.same(rows, [], 'nothing before its end');
  end();
  t.match(rows, [
    {
      ...{ event: 'transfer', patients: ['A'], studies: ['1.1', '1.2'], outcome: 0 },
      contents: [
        { study: '1.1', accession: 'N1.1', instances: { [CT]: 2 } },
        { study: '1.2', instances: { [CT]: 1 } },
      ],
      query: { association: 'a1', count: 3, failed: 0 },
    },
    { patients: ['B'], studies: ['1.3'] },
    { patients: [], studies: [], outcome: 4, query: { count: 1, failed: 1 } },
  ]);
});

t.test('a study that is asked for image by image begins once, and each other one', async (t) => {
  const suboperations = { completed: 1, failed: 0, warning: 0 };
  const { rows, asks, end } = world({ status: 0, suboperations });
  for (const study of ['1.1', '1.1', '1.1', '1.2']) await asks('move', [[STUDY, study]]);
  const to = { kind: 'application-entity', id: 'PACS1', address: null };
  const moved = { from: 'here', to };
  const begun = { event: 'transfer-begun', outcome: 0, moved, patients: ['A'] };
  t.match(rows, [
    { ...begun, studies: ['1.1'] },
    { ...begun, studies: ['1.2'] },
  ]);
  end();
  t.equal(rows.length, 3);
  t.match(rows[2], {
    ...{ event: 'transfer', moved, studies: ['1.1', '1.2'], query: { count: 4, failed: 0 } },
    contents: [{ study: '1.1', instances: { [CT]: 3 } }, { instances: { [CT]: 1 } }],
  });
});

t.test('what is asked for by a patient’s number alone names the patient', async (t) => {
  const { rows, asks, end } = world({ status: 0xa702 });
  await asks('get', [[PATIENT_ID, '7']]);
  end();
  t.match(rows, [
    { event: 'transfer-begun', patients: ['B'], moved: { from: 'here', to: 'user' } },
    { event: 'transfer', patients: ['B'], outcome: 4 },
  ]);
});

t.test('each question is a row as it came, the same again is counted', async (t) => {
  const answer = (study: string, number: string): Buffer =>
    encodeIdentifier(IMPLICIT, [
      { tag: PATIENT_ID, vr: 'LO', value: number },
      { tag: STUDY, vr: 'UI', value: study },
    ]);
  const { rows, asks, end } = world({ status: 0 }, [answer('1.1', '5'), answer('9.9', '6')]);
  for (const number of ['7', '7', '8']) await asks('find', [[PATIENT_ID, number]]);
  end();
  t.match(rows, [
    {
      ...{ event: 'search', action: 'E', query: { count: 2 }, moved: { from: 'user', to: 'here' } },
      ...{ patients: ['B', 'A', '6^^^'], studies: ['1.1', '9.9'] },
      identifier: { sopClassUID: 'c', transferSyntaxUID: IMPLICIT },
    },
    { query: { count: 1, asked: [{ PatientID: '8' }] } },
  ]);
  t.not(rows[0]?.identifier?.dataSet, rows[1]?.identifier?.dataSet);
});

t.test('what breaks is told as failed, and breaks', async (t) => {
  const { rows, asks, end } = world({ status: -1 });
  await t.rejects(asks('find', [[PATIENT_ID, '7']]), /broken/);
  end();
  t.match(rows, [{ event: 'search', outcome: 4, query: { count: 1, failed: 1 } }]);
});
