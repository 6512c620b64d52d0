/**
 * Teaching files: marked at one trust, de-identified at the home, found and looked at under pseudonyms by others;
 * withdrawn by people, by the home and by an S-flag; over kill -9.
 */
import { existsSync, globSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { filesOf, STUDIES } from '../../demo/studies.ts';
import { PEOPLE } from '../../demo/trusts.ts';
import type { Role } from '../../hub/access/rules.ts';
import { concern } from '../support/concern.ts';
import { eventually } from '../support/eventually.ts';
import { Hl7Sender, hl7Message } from '../support/hl7.ts';
import { missingPeer } from '../support/missing-peer.ts';
import { type Network, startNetwork } from '../support/network.ts';
import { sendFiles } from '../support/send-files.ts';

const skip = missingPeer('nats-server');
const WAIT = { timeoutMs: 120_000 };
const NOTE = {
  title: 'Headache after a fall',
  question: 'A person in their sixties fell and has a headache. What do you see?',
  answer: 'No haemorrhage: the hyperdense line is the falx.',
  keywords: ['Head', 'trauma'],
  category: 'Emergency',
};

interface File {
  readonly id: string;
  readonly state: string;
  readonly reason: { readonly code: string; readonly detail: string } | null;
  readonly withheld: readonly { readonly code: string; readonly objects: number }[];
  readonly studyInstanceUID: string | null;
  readonly modalities: readonly string[];
  readonly numberOfInstances: number;
}

async function world(t: Test) {
  const directory = t.testdir();
  const sensitiveFile = join(directory, 'sensitive.txt');
  writeFileSync(sensitiveFile, '');
  const network = await startNetwork({
    ...{ directory, trusts: ['RRK', 'RJE'], withPacs: false },
    edgeConfig: (trust) => ({
      secondaryUse: { sensitiveFile },
      projects: [
        {
          ...{ name: 'teaching', purpose: 'teaching', approval: 'Caldicott 7' },
          ...{ expires: '2099-12-31', destination: 'teaching-collection', profile: 'basic' },
          keyFile: join(directory, `${trust}.key`),
        },
      ],
    }),
  });
  t.teardown(() => network.stop());
  const { hub } = network;
  const sent = async (key: string, nhsNumber: string): Promise<string> => {
    const study = STUDIES.find((one) => one.key === key);
    if (study === undefined) throw new Error(`no study ${key}`);
    const paths = await filesOf(study, join(directory, 'files'));
    await sendFiles(network.site(study.ods).edge.dicomPort, paths);
    return eventually('the hub has it', async () => {
      const { body } = await hub.api<{ studies: { studyInstanceUID: string; home: string }[] }>(
        `/api/studies?nhsNumber=${nhsNumber}`,
      );
      return body.studies.find(({ home }) => home === study.ods)?.studyInstanceUID;
    });
  };
  const as = (name: string, role: Role, trust: string) => {
    const authorization = `Bearer ${hub.key(name, role, trust)}`;
    return <T = File>(path: string, init: RequestInit = {}) =>
      hub.api<T>(path, { ...init, headers: { authorization } });
  };
  return { directory, network, hub, sensitiveFile, sent, as };
}

const posted = (body: object): RequestInit => ({ method: 'POST', body: JSON.stringify(body) });

/** Everything that the collection of a trust has on its disk. */
const bytesOf = (network: Network, trust: string): string[] =>
  globSync(`${network.site(trust).edge.dataDirectory}/teaching/spool/**/*.dcm`).map((file) =>
    readFileSync(file, 'latin1'),
  );

t.test(
  'a study becomes a teaching file without its patient',
  { skip, timeout: 600_000 },
  async (t) => {
    const { network, hub, sent, as, directory } = await world(t);
    const study = await sent('ct-1', PEOPLE.amara.nhsNumber);
    await concern(hub, 'RJE', PEOPLE.amara.nhsNumber);
    const author = as('Dr Okafor', 'radiologist', 'RJE');
    const other = as('Dr Osei', 'clinician', 'RRK');
    const privacy = as('Guardian', 'privacy', 'RRK');

    await t.test('the note is refused while it tells who the patient is', async (t) => {
      for (const [question, kind] of [
        ['Mrs Bennett fell.', 'name'],
        ['Born 31/01/1958, fell.', 'birth date'],
        ['NHS 999 000 0018 fell.', 'number'],
        [`Seen before as ${PEOPLE.priya.nhsNumber}.`, 'NHS number'],
      ] as const) {
        const { status, body } = await author<{ code: string; detail: string }>(
          '/api/teaching',
          posted({ studyInstanceUID: study, ...NOTE, question }),
        );
        t.equal(status, 422, kind);
        t.equal(body.code, 'NOTE_NAMES_PATIENT');
        t.match(body.detail, new RegExp(`question would show .*${kind}`));
        t.notMatch(body.detail, /Bennett|1958|999/);
      }
    });

    const marked = await author('/api/teaching', posted({ studyInstanceUID: study, ...NOTE }));
    t.equal(marked.status, 202);
    const { id } = marked.body;
    t.equal(marked.headers.get('location'), `/api/teaching/${id}`);
    const file = await eventually(
      'it is in the collection',
      async () => {
        const { body } = await other(`/api/teaching/${id}`);
        return body.state === 'published' && body;
      },
      WAIT,
    );
    t.equal(file.numberOfInstances > 0, true);
    t.not(file.studyInstanceUID, study);
    t.notMatch(JSON.stringify(file), /falx/, 'the answer is hidden');
    const answer = await other<{ answer: string }>(`/api/teaching/${id}/answer`);
    t.equal(answer.body.answer, NOTE.answer);

    await t.test('it is found by what its note and its images say', async (t) => {
      const found = async (query: string) =>
        (await other<{ total: number }>(`/api/teaching?${query}`)).body.total;
      for (const query of [
        'q=falx',
        'q=fell+headache',
        'modality=CT',
        'bodyPart=head',
        'keyword=TRAUMA',
      ])
        t.equal(await found(query), 1, query);
      for (const query of ['q=lung', 'modality=MR', 'keyword=trau'])
        t.equal(await found(query), 0, query);
    });

    await t.test('its images are seen under pseudonyms, and nowhere else', async (t) => {
      const uid = file.studyInstanceUID;
      const web = `/teaching/dicom-web/studies/${uid}`;
      const metadata = await other<object[]>(`${web}/metadata`);
      t.equal(metadata.status, 200);
      t.equal(metadata.body.length, file.numberOfInstances);
      t.notMatch(JSON.stringify(metadata.body), /Bennett|9990000018|104233|19580131|RRK0/i);
      t.equal((await other<object[]>(`${web}/series`)).body.length > 0, true);
      const { body } = await other<object[]>(`/teaching/dicom-web/studies?StudyInstanceUID=${uid}`);
      t.equal(body.length, 1);
      t.equal((await other(`/teaching/dicom-web/studies/${study}/metadata`)).status, 404);
      t.equal((await other(`/dicom-web/studies/${uid}/metadata`)).status, 404);
      const all = await hub.api<{ total: number }>('/api/studies');
      t.equal(all.body.total, 1, 'no clinical list has it');
      const local = await fetch(`${network.site('RRK').edge.url}/dicom-web/studies`);
      t.equal(((await local.json()) as object[]).length, 1);
      for (const bytes of bytesOf(network, 'RRK'))
        t.notMatch(bytes, /Bennett|Amara|9990000018|104233/i);
      t.ok(existsSync(join(directory, 'RRK.key')));
    });

    await t.test('who marked it and who looked stand in the trail', async (t) => {
      const { body } = await privacy<{
        events: { event: string; user: string; patients: string[] }[];
      }>('/api/audit?limit=500');
      const events = body.events.filter(({ event }) => event === 'teaching');
      const [mark] = events.filter(
        ({ user, patients }) => user === 'Dr Okafor' && patients.length > 0,
      );
      t.ok(mark, 'the mark names whose study it is');
      const looks = events.filter(({ user }) => user === 'Dr Osei');
      t.ok(looks.length > 0);
      t.ok(
        looks.every(({ patients }) => patients.length === 0),
        'a look at it is a look at nobody',
      );
    });

    await t.test('others do not withdraw it; its author does, for good', async (t) => {
      t.equal((await other(`/api/teaching/${id}`, { method: 'DELETE' })).status, 403);
      const ended = await author(`/api/teaching/${id}`, { method: 'DELETE' });
      t.equal(ended.body.state, 'withdrawn');
      t.equal((await other(`/api/teaching/${id}`)).status, 404);
      t.equal((await other(`/api/teaching/${id}/answer`)).status, 404);
      const web = `/teaching/dicom-web/studies/${file.studyInstanceUID}/metadata`;
      t.equal((await other(web)).status, 404, 'at once');
      await eventually('its files are gone', () => bytesOf(network, 'RRK').length === 0, WAIT);
      t.equal((await author(`/api/teaching/${id}`)).body.state, 'withdrawn');
    });
  },
);

t.test(
  'a teaching file goes when its patient or its home wants so',
  { skip, timeout: 600_000 },
  async (t) => {
    const { network, sent, as, sensitiveFile } = await world(t);
    const study = await sent('ct-1', PEOPLE.amara.nhsNumber);
    const author = as('Dr Okafor', 'radiologist', 'RRK');
    const other = as('Dr Osei', 'clinician', 'RJE');
    const privacy = as('Guardian', 'privacy', 'RRK');
    const markAgain = async (): Promise<string> =>
      (await author('/api/teaching', posted({ studyInstanceUID: study, ...NOTE }))).body.id;
    const until = (id: string, state: string) =>
      eventually(
        state,
        async () => {
          const { body } = await author(`/api/teaching/${id}`);
          return body.state === state && body;
        },
        WAIT,
      );

    await t.test('it is made whole after kill -9 of edge and hub', async (t) => {
      const id = await markAgain();
      await network.hub.kill9();
      await network.site('RRK').edge.kill9();
      await network.site('RRK').edge.start();
      await network.hub.start();
      const { numberOfInstances } = await until(id, 'published');
      t.equal(bytesOf(network, 'RRK').length, numberOfInstances);
      await network.site('RRK').edge.kill9();
      await network.site('RRK').edge.start();
      await until(id, 'published');
      t.equal((await privacy(`/api/teaching/${id}`, { method: 'DELETE' })).body.state, 'withdrawn');
      await eventually('its files are gone', () => bytesOf(network, 'RRK').length === 0, WAIT);
    });

    await t.test('one whose object is lost says so, and keeps no other waiting', async (t) => {
      const { edge } = network.site('RRK');
      const before = new Set(edge.spoolFiles());
      const broken = await sent('mr-6', PEOPLE.owen.nhsNumber);
      const lost = edge.spoolFiles().find((path) => !before.has(path));
      t.ok(lost);
      rmSync(lost ?? '');
      const first = await author('/api/teaching', posted({ studyInstanceUID: broken, ...NOTE }));
      const { reason } = await until(first.body.id, 'held');
      t.notMatch(reason?.detail ?? '', /spool/, 'no path is told');
      const id = await markAgain();
      await until(id, 'published');
      t.equal((await author(`/api/teaching/${first.body.id}`)).body.state, 'held');
      for (const one of [id, first.body.id])
        await privacy(`/api/teaching/${one}`, { method: 'DELETE' });
      await eventually('its files are gone', () => bytesOf(network, 'RRK').length === 0, WAIT);
    });

    await t.test('a flagged patient is held, and shown once the flag is gone', async (t) => {
      writeFileSync(sensitiveFile, `${PEOPLE.amara.nhsNumber}\n`);
      const id = await markAgain();
      const { reason } = await until(id, 'held');
      t.equal(reason?.code, 'RESTRICTED', 'the flag itself is not told on');
      t.equal((await other(`/api/teaching/${id}`)).status, 404);
      t.equal(bytesOf(network, 'RRK').length, 0);
      writeFileSync(sensitiveFile, '');
      await until(id, 'published');
      t.equal((await other(`/api/teaching/${id}`)).status, 200);
    });

    await t.test('the PAS flags the patient: hidden at once, and gone', async (t) => {
      const id = await markAgain();
      await until(id, 'published');
      const pas = await Hl7Sender.open(network.site('RRK').edge.hl7Port);
      await pas.send(
        hl7Message({
          type: 'ADT^A31',
          segments: [
            'EVN|A31|20260912120000',
            'PID|1||104233^^^RRK^MR~9990000018^^^NHS^NH||Bennett^Amara^Grace||19580131|F',
            'PD1||||||||||||Y',
          ],
        }),
      );
      pas.end();
      await eventually(
        'nobody is shown it',
        async () => (await other(`/api/teaching/${id}`)).status === 404,
        WAIT,
      );
      await until(id, 'withdrawn');
      await eventually('its files are gone', () => bytesOf(network, 'RRK').length === 0, WAIT);
      const refused = await author('/api/teaching', posted({ studyInstanceUID: study, ...NOTE }));
      t.equal((refused.body as unknown as { code: string }).code, 'TEACHING_RESTRICTED');
    });
  },
);
