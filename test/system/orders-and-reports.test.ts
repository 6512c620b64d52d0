/**
 * RIS and PAS of three trusts, over a whole network: an order brings the priors of the other trusts into the PACS
 * with their reports; what is corrected, withdrawn or taken back where it was made follows everywhere; the same
 * local number and accession at two trusts stay two people; a merge moves nothing and can be undone.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import t from 'tap';
import { eventually } from '../support/eventually.ts';
import { Hl7Sender, hl7Message } from '../support/hl7.ts';
import { missingPeer } from '../support/missing-peer.ts';
import { startNetwork } from '../support/network.ts';
import {
  ANNA,
  ctFiles,
  objectsIn,
  type PacsObject,
  PEOPLE,
  PETER,
  pid,
  rejectionNoteFile,
  reportMessage,
  stamp,
} from '../support/orders-world.ts';
import { sendFiles } from '../support/send-files.ts';

const skip = missingPeer('nats-server', 'Orthanc');
const { peterAtA, annaAtA, annaAtB, annaAtC } = PEOPLE;
const OF_PETER = { studyInstanceUID: '2.25.8000', patient: peterAtA, accessionNumber: '1001' };
const AT_B = { studyInstanceUID: '2.25.8001', patient: annaAtB, accessionNumber: '1001' };
const AT_C = { studyInstanceUID: '2.25.8002', patient: annaAtC, accessionNumber: '2002' };
const SLOW = { timeoutMs: 120_000 };

interface Report {
  readonly trust: string;
  readonly text: string | null;
  readonly status: string;
}
interface Timeline {
  readonly persons: readonly { identities: readonly { patientId: string; by: string }[] }[];
  readonly studies: readonly { studyInstanceUID: string }[];
  readonly reports: readonly Report[];
}
interface Found {
  readonly studies: readonly { studyInstanceUID: string }[];
}
interface Fetch {
  readonly fetchId: string;
  readonly state: string;
  readonly studyInstanceUID: string;
  readonly localPatient: { readonly patientId: string } | null;
}

const uidsOf = ({ studies }: Found): string[] =>
  studies.map(({ studyInstanceUID }) => studyInstanceUID).sort();

t.test('orders, reports and patients over three trusts', { skip, timeout: 900_000 }, async (t) => {
  const directory = t.testdir();
  const network = await startNetwork({ directory, trusts: ['RRK', 'RJE', 'RXK'] });
  t.teardown(() => network.stop());
  const now = Date.now();
  const edgeOf = (trust: string) => network.site(trust).edge;
  const senders = new Map<string, Hl7Sender>();
  for (const trust of ['RRK', 'RJE', 'RXK'])
    senders.set(trust, await Hl7Sender.open(edgeOf(trust).hl7Port));
  t.teardown(() => {
    for (const sender of senders.values()) sender.end();
  });
  const tell = async (trust: string, message: string): Promise<void> =>
    void t.match(await senders.get(trust)?.send(message), /MSA\|AA/);
  const ask = async <T>(path: string): Promise<T> => (await network.hub.api<T>(path)).body;
  const timeline = (nhsNumber: string) => ask<Timeline>(`/api/patients/${nhsNumber}`);
  const pacsOfA = network.site('RRK').pacs;
  if (pacsOfA === undefined) throw new Error('A has a PACS');
  const reportsAtA = async (study: string): Promise<PacsObject[]> =>
    (await objectsIn(pacsOfA, study)).filter(({ modality }) => modality === 'SR');

  for (const study of [OF_PETER, AT_B, AT_C])
    await sendFiles(edgeOf(study.patient.trust).dicomPort, ctFiles(directory, study));
  const issued = now - 3_600_000;
  const final = { status: 'F', issued };
  await tell(
    'RRK',
    reportMessage(peterAtA, { ...final, accession: '1001', text: 'Of Peter: a fracture.' }),
  );
  await tell(
    'RJE',
    reportMessage(annaAtB, { ...final, accession: '1001', text: 'Of Anna: normal.' }),
  );
  await tell(
    'RXK',
    reportMessage(annaAtC, { ...final, accession: '2002', text: 'Of Anna: an old scar.' }),
  );

  await t.test('the same number and accession at two trusts are never mixed', async (t) => {
    const anna = await eventually(
      'all is at the hub',
      async () => {
        const [one, other] = [await timeline(ANNA), await timeline(PETER)];
        return one.reports.length === 2 && one.studies.length === 2 && other.reports[0] && one;
      },
      SLOW,
    );
    t.strictSame(uidsOf(anna), ['2.25.8001', '2.25.8002']);
    t.strictSame(uidsOf(await timeline(PETER)), ['2.25.8000']);
    const textsOf = ({ reports }: Pick<Timeline, 'reports'>): (string | null)[] =>
      reports.map(({ text }) => text);
    t.strictSame(textsOf(await timeline(PETER)), ['Of Peter: a fracture.']);
    t.strictSame(textsOf(await ask('/api/studies/2.25.8001')), ['Of Anna: normal.']);
    t.strictSame(textsOf(await ask('/api/studies/2.25.8000')), ['Of Peter: a fracture.']);
    for (const key of ['patientId=12345', 'accessionNumber=1001']) {
      t.strictSame(uidsOf(await ask<Found>(`/api/studies?${key}&issuer=RRK`)), ['2.25.8000'], key);
      t.strictSame(uidsOf(await ask<Found>(`/api/studies?${key}&issuer=RJE`)), ['2.25.8001'], key);
    }
    t.equal((await network.hub.api('/api/studies?patientId=12345')).status, 400);
  });

  await t.test('orders and admissions concern a trust', async (t) => {
    const lookAs = async (trust: string, key: string): Promise<unknown> => {
      const headers = { authorization: `Bearer ${key}` };
      const { status, body } = await network.hub.api<{ code?: string }>('/api/studies/2.25.8001', {
        headers,
      });
      return [trust, status, body.code];
    };
    const [keyOfA, keyOfC] = [
      network.hub.key('PACS of A', 'radiologist', 'RRK'),
      network.hub.key('PACS of C', 'radiologist', 'RXK'),
    ];
    t.strictSame(await lookAs('RRK', keyOfA), ['RRK', 403, 'RELATIONSHIP_NEEDED']);
    t.strictSame(await lookAs('RXK', keyOfC), ['RXK', 403, 'RELATIONSHIP_NEEDED']);
    // Done long ago, so that no priors are brought for it; and not so long that care was over.
    const done = `ORC|SC|P6|7000||CM||^^^${stamp(now - 40 * 86_400_000)}^^R`;
    const segments = [pid(annaAtA), done, 'OBR|1|P6|7000|CTCHE^CT chest^NICIP'];
    await tell('RRK', hl7Message({ type: 'ORM^O01', at: stamp(now), segments }));
    const visit = `PV1|1|E|ED1${'|'.repeat(16)}V-1`;
    const arrived = { type: 'ADT^A04', at: stamp(now), segments: [pid(annaAtC), visit] };
    await tell('RXK', hl7Message(arrived));
    await eventually(
      'both are concerned',
      async () => {
        const looks = [await lookAs('RRK', keyOfA), await lookAs('RXK', keyOfC)];
        return looks.flat().join() === 'RRK,200,,RXK,200,';
      },
      SLOW,
    );
    const { events } = await ask<{ events: { user: string; basis?: string[] }[] }>(
      '/api/audit?study=2.25.8001',
    );
    const basisOf = (user: string) => events.find((one) => one.user === user)?.basis;
    t.strictSame(basisOf('PACS of A'), ['order 7000 of RRK']);
    t.strictSame(basisOf('PACS of C'), ['admission V-1 of RXK']);
    await tell('RXK', hl7Message({ ...arrived, type: 'ADT^A11', at: stamp(now + 1_000) }));
    await eventually(
      'an admission that is taken back concerns nobody',
      async () => String(await lookAs('RXK', keyOfC)) === 'RXK,403,RELATIONSHIP_NEEDED',
      SLOW,
    );
  });

  await t.test(
    'an order brings the priors of the other trusts, with their reports, under the local number',
    async (t) => {
      const order = hl7Message({
        ...{ type: 'ORM^O01', at: stamp(now) },
        segments: [
          pid(annaAtA),
          `ORC|NW|P7|7001||||^^^${stamp(now + 86_400_000)}^^R`,
          'OBR|1|P7|7001|CTCHE^CT chest^NICIP||||||||||||||||||||CT',
        ],
      });
      await tell('RRK', order);
      const fetches = await eventually(
        'both prefetches are over',
        async () => {
          const { fetches } = await ask<{ fetches: Fetch[] }>('/api/fetches?trust=RRK');
          const over = fetches.filter(({ state }) => /available|partial|failed|held/.test(state));
          return over.length === 2 && over;
        },
        SLOW,
      );
      for (const fetch of fetches)
        t.match(fetch, {
          ...{ state: 'available', purpose: 'prefetch', localPatient: { patientId: 'A-17' } },
          neededBy: /^20/,
        });
      for (const [study, text] of [
        [AT_B, 'Of Anna: normal.'],
        [AT_C, 'Of Anna: an old scar.'],
      ] as const) {
        const [report] = await eventually(
          'the report is in the PACS',
          async () => {
            const found = await reportsAtA(study.studyInstanceUID);
            return found.length > 0 && found;
          },
          SLOW,
        );
        t.match(report, { patientId: 'A-17', accessionNumber: /^I[0-9A-Z]{15}$/ });
        t.match(report?.text, `Source: Trust ${study.patient.trust} (${study.patient.trust})`);
        t.match(report?.text, 'Status: final');
        t.match(report?.text, text);
        for (const object of await objectsIn(pacsOfA, study.studyInstanceUID)) {
          t.equal(object.patientId, 'A-17', object.modality);
          t.equal(object.accessionNumber, report?.accessionNumber, 'never the home’s 1001');
        }
      }
      t.strictSame(await objectsIn(pacsOfA, '2.25.8000'), [], "Peter's study went nowhere");
      t.match((await timeline(ANNA)).persons, [{ identities: [{}, {}, {}] }], 'one person');
    },
  );

  await t.test('a correction reaches those who read the report before it', async (t) => {
    const corrected = { accession: '1001', status: 'C', issued: now - 30_000 };
    await tell('RJE', reportMessage(annaAtB, { ...corrected, text: 'Of Anna: a nodule.' }));
    const found = await eventually(
      'the correction is in the PACS of A',
      async () => {
        const reports = await reportsAtA('2.25.8001');
        return reports.length === 2 && reports;
      },
      SLOW,
    );
    const newest = found.find(({ text }) => text.includes('a nodule'));
    t.match(newest?.text, 'Status: CORRECTED');
    const first = found.find((one) => one !== newest);
    t.match(newest?.text, first?.sopInstanceUID, 'it names the one that it replaces');
    const { reports } = await timeline(ANNA);
    t.match(
      reports.find(({ status }) => status === 'corrected'),
      { text: 'Of Anna: a nodule.', earlier: [{ text: 'Of Anna: normal.' }] },
    );
    const withdrawn = { accession: '1001', status: 'X', issued: now - 10_000, text: '' };
    await tell('RJE', reportMessage(annaAtB, withdrawn));
    await eventually(
      'the withdrawal is in the PACS of A',
      async () =>
        (await reportsAtA('2.25.8001')).find(({ text }) =>
          text.includes('WITHDRAWN by its author'),
        ),
      SLOW,
    );
    t.match(
      (await timeline(ANNA)).reports.find(({ status }) => status === 'withdrawn'),
      { text: null },
    );
  });

  await t.test('what the home rejects is not shown any more, there or in a copy', async (t) => {
    const note = rejectionNoteFile(directory, AT_B, { code: '113037', slices: [1] });
    await sendFiles(edgeOf('RJE').dicomPort, [note]);
    const study = await eventually(
      'the hub knows, and the copy has followed',
      async () => {
        const found = await ask<{
          rejected: object[];
          copies: { trust: string; complete: boolean; instances: number }[];
        }>('/api/studies/2.25.8001');
        const copy = found.copies.find(({ trust }) => trust === 'RRK');
        return found.rejected.length === 1 && copy?.complete === true && found;
      },
      SLOW,
    );
    t.match(study.rejected, [{ code: '113037', instances: 1 }]);
    const statusOf = async (slice: number): Promise<number> => {
      const path = `/dicom-web/studies/2.25.8001/series/2.25.8001.1/instances/2.25.8001.1.${slice}`;
      return (await network.hub.api(path)).status;
    };
    t.equal(await statusOf(1), 410);
    t.equal(await statusOf(2), 200);
    t.ok(
      (await objectsIn(pacsOfA, '2.25.8001')).some(({ modality }) => modality === 'KO'),
      'the PACS of A has the note',
    );
    // Sent again by its modality, it stays rejected.
    const [again = ''] = ctFiles(directory, AT_B);
    await sendFiles(edgeOf('RJE').dicomPort, [again]);
    t.equal(await statusOf(1), 410);
  });

  await t.test('what the PACS sends back is a copy still, and no study of its own', async (t) => {
    const files = (await objectsIn(pacsOfA, '2.25.8002')).map(
      ({ sopInstanceUID }) => sopInstanceUID,
    );
    for (const uid of files) {
      const file = join(directory, 'back.dcm');
      writeFileSync(file, await pacsOfA.file(uid));
      await sendFiles(edgeOf('RRK').dicomPort, [file]);
    }
    t.equal(files.length, 3, 'two slices and a report');
    // Long enough for a study of its own to be told.
    await sleep(3_000);
    t.match(await ask('/api/studies/2.25.8002'), {
      ...{ home: 'RXK', alsoClaimedBy: [], warnings: [] },
      copies: [{ trust: 'RRK', complete: true, instances: 2 }],
    });
  });

  await t.test('a merge while a fetch runs, and its undoing, leave both ends right', async (t) => {
    const former = { ...annaAtB, patientId: 'B-OLD' };
    const merge = (at: number): string =>
      hl7Message({
        ...{ type: 'ADT^A40', at: stamp(at), facility: 'RJE' },
        segments: [pid(annaAtB), 'MRG|B-OLD^^^RJE^MR'],
      });
    await tell(
      'RJE',
      hl7Message({
        type: 'ADT^A28',
        at: stamp(now - 5_000),
        facility: 'RJE',
        segments: [pid(former)],
      }),
    );
    const { body } = await network.hub.api<Fetch>('/api/fetches', {
      method: 'POST',
      body: JSON.stringify({
        ...{ studyInstanceUID: '2.25.8002', to: { trust: 'RJE' }, priority: 'urgent' },
        ...{ purpose: 'direct care', localPatient: { patientId: 'B-OLD' } },
      }),
    });
    await tell('RJE', merge(now));
    const fetched = await eventually(
      'the fetch is over',
      async () => {
        const one = await ask<Fetch>(`/api/fetches/${body.fetchId}`);
        return /available|partial|failed/.test(one.state) && one;
      },
      SLOW,
    );
    t.equal(fetched.state, 'available');
    const byNumber = async (id: string): Promise<string[]> =>
      uidsOf(await ask<Found>(`/api/studies?patientId=${id}&issuer=RJE`));
    await eventually(
      'each number finds what both have',
      async () => (await byNumber('12345')).length === 2 && (await byNumber('B-OLD')).length === 2,
      SLOW,
    );
    const { persons } = await timeline(ANNA);
    t.equal(persons.length, 1);
    t.equal(persons[0]?.identities.find(({ patientId }) => patientId === 'B-OLD')?.by, 'merge');
    const unlink = hl7Message({
      ...{ type: 'ADT^A37', at: stamp(now + 5_000), facility: 'RJE' },
      segments: [pid(annaAtB), pid(former)],
    });
    await tell('RJE', unlink);
    await eventually(
      'each number has its own again',
      async () => (await byNumber('12345')).length + (await byNumber('B-OLD')).length === 2,
      SLOW,
    );
    const told = await eventually(
      'the trail tells of both',
      async () => {
        const { events } = await ask<{ events: { what: string; query: object }[] }>(
          `/api/audit?patient=${encodeURIComponent('B-OLD^^^RJE')}&user=PAS%20of%20RJE`,
        );
        const merges = events.filter(({ what }) => what.startsWith('patient '));
        return merges.length === 2 && merges;
      },
      SLOW,
    );
    t.match(told, [
      { what: 'patient unmerge', query: { prior: 'B-OLD^^^RJE', from: '12345^^^RJE' } },
      { what: 'patient merge', query: { prior: 'B-OLD^^^RJE', into: '12345^^^RJE' } },
    ]);
  });
});
