/**
 * One patient, planted wherever a patient may be named or where nobody should name one: messages, objects, questions,
 * addresses, forms, broken requests. Then everything is read that leaves a trust, or that who looks after machines sees.
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import t from 'tap';
import { cdip, cdipDone } from '../support/cdip.ts';
import { runTool } from '../support/dcmtk.ts';
import { eventually } from '../support/eventually.ts';
import { filesUnder } from '../support/files-under.ts';
import { Hl7Sender, hl7Message } from '../support/hl7.ts';
import { identityPattern, linesNaming } from '../support/identities.ts';
import { missingPeer } from '../support/missing-peer.ts';
import { type Network, startNetwork } from '../support/network.ts';
import { writePart10 } from '../support/part10.ts';
import { sendFiles } from '../support/send-files.ts';
import { dataSetOf, smallObject } from '../support/storage-fixture.ts';

const NAME = 'Ždanūta-Quill^Xanthippe';
const [MRN, NHS, BORN] = ['QX8842197', '7719034465', '19370419'];
const PLANTED = identityPattern([{ name: NAME, birthDate: BORN, numbers: [MRN, NHS] }]);
const skip = missingPeer('nats-server', 'findscu');

type Site = Network['sites'][number]['edge'];

async function plantInMessages(edge: Site): Promise<void> {
  const pid = `PID|1||${MRN}^^^RRK^MR~${NHS}^^^NHS^NH||${NAME}||${BORN}|F`;
  const order = ['PV1|1|O', 'ORC|NW|ORD1', 'OBR|1|ORD1||CT1^CT head'];
  const said = `OBX|1|TX|||${NAME}, born ${BORN}, NHS ${NHS}: normal.||||||F`;
  const good = [
    hl7Message({ type: 'ADT^A04', segments: ['EVN|A04|20261126', pid, 'PV1|1|O'] }),
    hl7Message({ type: 'ORM^O01', segments: [pid, ...order] }),
    hl7Message({
      ...{ type: 'ORU^R01' },
      segments: [pid, 'ORC|RE|ORD1', 'OBR|1|ORD1|REP1|CT1^CT||||||||||||||||||||||F', said],
    }),
  ];
  const bad = [
    hl7Message({ type: 'ADT^A04', segments: [pid.replace(BORN, NAME)] }),
    hl7Message({ type: 'ADT^A40', segments: [pid] }),
    hl7Message({ type: 'ORM^O01', segments: [`PID|1||||${NAME}||${BORN}`, ...order] }),
    hl7Message({ type: NAME, segments: [pid] }),
    hl7Message({ type: 'ADT^A04', controlId: `${MRN} ${NAME}`, segments: [pid] }),
    hl7Message({ type: 'ADT^A04', segments: [pid] }).replace('|2.4', '|9.9'),
    `PID|${NAME}|${NHS}|${MRN}`,
    hl7Message({ type: 'ADT^A04', segments: [pid] }).replace(
      /^(MSH.{5})[^|]*\|[^|]*/,
      `$1${NAME.replace('^', ' ')}|${NHS}`,
    ),
  ];
  const sender = await Hl7Sender.open(edge.hl7Port);
  for (const message of [...good, ...bad]) await sender.send(message);
  sender.end();
  const cut = connect(edge.hl7Port, '127.0.0.1');
  cut.end(`\x0b${good[0]?.slice(0, -9)}`);
}

async function plantInDicom(edge: Site, directory: string): Promise<void> {
  const who = { PatientName: NAME, PatientID: MRN, PatientBirthDate: BORN };
  const objects = [
    smallObject(1, who),
    smallObject(2, { ...who, PatientBirthDate: `${NAME}` }),
    smallObject(3, { ...who, PatientID: `${MRN} again` }),
    smallObject(4, { ...who, StudyInstanceUID: '../../etc' }),
  ];
  for (const [at, object] of objects.entries()) {
    const sopInstanceUID = object.SOPInstanceUID ?? '';
    const kind = {
      sopClassUID: '1.2.840.10008.5.1.4.1.1.2',
      transferSyntaxUID: '1.2.840.10008.1.2.1',
    };
    const file = join(directory, `${at}.dcm`);
    writeFileSync(file, writePart10({ ...kind, sopInstanceUID, dataSet: dataSetOf(object) }));
    await sendFiles(edge.dicomPort, [file]);
  }
  const keys = [`PatientName=${NAME}`, `PatientID=${MRN}`, `PatientBirthDate=${BORN}x`];
  for (const level of ['STUDY', NAME])
    await runTool('findscu', [
      ...['-S', '-aec', edge.aeTitle, '-k', `QueryRetrieveLevel=${level}`],
      ...keys.flatMap((key) => ['-k', key]),
      ...['127.0.0.1', String(edge.dicomPort)],
    ]);
}

/** In what a machine calls itself, calls us, and wants sent; in what should be a UID. */
async function plantInNames(edge: Site, file: string): Promise<void> {
  const to = ['127.0.0.1', String(edge.dicomPort)];
  const moved = ['-k', 'QueryRetrieveLevel=STUDY', '-k', `StudyInstanceUID=${NHS}`];
  for (const calling of [MRN, NHS, BORN]) {
    await runTool('echoscu', ['-aet', calling, '-aec', MRN, '--abort', ...to]);
    await runTool('storescu', ['-aet', calling, '-aec', edge.aeTitle, ...to, file]);
    await runTool('movescu', ['-aet', calling, '-aec', NHS, '-aem', MRN, '-S', ...moved, ...to]);
  }
}

/** Every address with the patient in its path, its query, its body; with credentials and without. */
async function plantInRequests(url: string, key: string, paths: readonly string[]): Promise<void> {
  const name = encodeURIComponent(NAME);
  const query = `?patientName=${name}&nhsNumber=${NHS}&patientId=${MRN}&birthDate=${BORN}&by=nhs`;
  const body = JSON.stringify({ patientName: NAME, nhsNumber: NHS, words: NAME, sql: NAME });
  const ask = async (method: string, path: string, headers: Record<string, string>) => {
    const sent = method === 'GET' ? {} : { body: method === 'PUT' ? body.slice(0, -3) : body };
    const answer = await fetch(url + path, {
      ...{ method, redirect: 'manual', signal: AbortSignal.timeout(10_000), ...sent },
      headers: {
        ...{ 'content-type': 'application/json', 'user-agent': `${MRN} ${NHS}` },
        ...{ 'x-forwarded-for': NHS, 'x-forwarded-host': MRN, ...headers },
      },
    }).catch(() => undefined);
    await answer?.body?.cancel();
  };
  for (const path of paths) {
    const named = path.replaceAll(/\{[^}]+\}/g, name);
    const numbered = path.replaceAll(/\{[^}]+\}/g, NHS);
    for (const address of [`${named}${query}`, `${numbered}${query}`])
      for (const method of ['GET', 'POST', 'PUT'])
        await ask(method, address, { authorization: `Bearer ${key}` });
    await ask('GET', `${path}/${name}${query}`, { authorization: `Bearer ${NAME.slice(1, 4)}` });
  }
  const { port, hostname } = new URL(url);
  const broken = connect(Number(port), hostname);
  broken.on('error', () => {});
  broken.end(`GET /${MRN} ${NAME} HTTP/1.1\r\nX: ${NHS}\r\n\r\n`);
  await ask('GET', `/%E0%A4%A/${NHS}`, {});
}

/** What leaves the trust, and what who looks after machines sees, by where it stands. */
async function everythingSeen(
  hub: Network['hub'],
  edge: Site,
  directory: string,
): Promise<Record<string, string>> {
  const seen: Record<string, string> = {
    'what the hub logs': hub.program.output,
    'what the edge logs': edge.program.output,
  };
  for (const path of filesUnder(join(edge.dataDirectory, 'log')))
    seen[`log/${path}`] = readFileSync(join(edge.dataDirectory, 'log', path), 'utf8');
  for (const { url } of [hub, edge]) seen[`${url}/metrics`] = await textOf(`${url}/metrics`);
  for (const path of [
    '/api/fleet',
    '/api/fleet/RRK',
    '/api/alerts',
    '/fleet/RRK',
    '/api/completeness',
  ])
    seen[path] = JSON.stringify((await hub.api<unknown>(path)).body);
  for (const command of ['status', 'queue', 'doctor'])
    seen[command] = (await cdip(['edge', command, '--json', '--config', edge.configFile])).stdout;
  const bundle = await cdipDone(['edge', 'support-bundle', '--config', edge.configFile]);
  const into = join(directory, 'unpacked');
  mkdirSync(into);
  execFileSync('tar', ['-xzf', bundle, '-C', into]);
  for (const path of filesUnder(into))
    seen[`bundle: ${path}`] = readFileSync(join(into, path), 'utf8');
  return seen;
}

t.test(
  'a patient who is planted everywhere is named nowhere',
  { skip, timeout: 400_000 },
  async (t) => {
    const directory = t.testdir();
    const network = await startNetwork({ directory, trusts: ['RRK'], withPacs: false });
    t.teardown(() => network.stop());
    const { hub } = network;
    const { edge } = network.site('RRK');
    const files = join(directory, 'files');
    mkdirSync(files);
    await plantInMessages(edge);
    await plantInDicom(edge, files);
    await plantInNames(edge, join(files, '0.dcm'));
    const { body: api } = await hub.api<{ paths: object }>('/api/openapi.json');
    const pages = ['/', '/patients/{n}', '/studies/{n}', '/booking/requests/{n}', '/sign-in/{n}'];
    const others = ['/dicom-web/studies', '/dicom-web/studies/{n}/series', '/relay/v1/to/{n}/x'];
    const paths = [...Object.keys(api.paths), ...pages, ...others, '/{n}', '/viewer/{n}'];
    t.ok(paths.length > 80, 'every address of the API');
    await plantInRequests(hub.url, hub.key('planter', 'admin'), paths);
    const local = [
      '/dicom-web/studies',
      '/dicom-web/studies/{n}',
      '/transfer/v1/studies/{n}',
      '/{n}',
    ];
    await plantInRequests(edge.url, 'none', local);
    await eventually('the hub was told of the patient', async () => {
      const { body } = await hub.api<{ persons: { identities: object[] }[] }>(
        `/api/patients/${NHS}`,
      );
      return body.persons.some(({ identities }) => identities.length > 0);
    });

    await eventually('the hub was told of who sends', async () => {
      const told = JSON.stringify((await hub.api<unknown>('/api/fleet/RRK')).body);
      return [/"callers":\[\{/, /"modalities":\[\{/, /"feeds":\[\{/].every((one) => one.test(told));
    });

    const seen = await everythingSeen(hub, edge, directory);
    for (const [where, text] of Object.entries(seen)) {
      t.ok(text.length > 0, `${where} is there`);
      t.strictSame(linesNaming(text, PLANTED), [], where);
    }

    const page = await textOf(`${edge.url}/`);
    const [, said = '', words] =
      /<td>(unlisted-[0-9a-f]{8})<\/td><td>(QX8842197)</.exec(page) ?? [];
    t.equal(words, MRN, 'on its own page the edge says which machine it is');
    t.match(edge.program.output, said, 'as its log names it');
  },
);

const textOf = async (url: string): Promise<string> => (await fetch(url)).text();
