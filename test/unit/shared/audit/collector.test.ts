/** The trail at a collector: DICOM audit messages (PS3.15 A.5) over syslog TLS (RFC 5424, 5425), over cuts. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { createServer, type TLSSocket } from 'node:tls';
import t, { type Test } from 'tap';
import { AuditCollector } from '../../../../shared/audit/collector.ts';
import { CollectorSchema } from '../../../../shared/audit/collector-config.ts';
import { EVENT_ID } from '../../../../shared/audit/dicom-codes.ts';
import type { AuditEntry } from '../../../../shared/audit/entry.ts';
import { auditMessage, syslogFrame } from '../../../../shared/audit/message.ts';
import { AuditTrail } from '../../../../shared/audit/trail.ts';
import { systemClock } from '../../../../shared/clock.ts';
import { silentLog } from '../../../../shared/log.ts';
import { openMetrics } from '../../../../shared/metrics.ts';
import { auditMessageFaults } from '../../../support/audit-message-schema.ts';
import { type Certificate, certificateAuthority } from '../../../support/certificates.ts';
import { eventually } from '../../../support/eventually.ts';
import { missingPeer } from '../../../support/missing-peer.ts';

const skip = missingPeer('openssl', 'python3');
const look = (user: string): AuditEntry => ({
  ...{ event: 'look', action: 'R', outcome: 8, code: 'FORBIDDEN', user, role: 'clinician' },
  ...{ trust: 'RRK', what: 'GET /api/studies/:uid', address: '10.0.0.9', purpose: 'direct care' },
  ...{ query: { patientName: 'O\u2019Brien & <Söhne>' }, studies: ['1.2.3'], homes: ['RJE'] },
  patients: ['9434765919', 'X"1^^^RXK'],
});

interface Received {
  readonly seq: number;
  readonly head: string;
  readonly xml: string;
}

/** Takes frames as RFC 5425 §4.3 says: a length, a space, so many bytes. */
async function startCollector(t: Test, identity: Certificate, ca: string, port = 0) {
  const received: Received[] = [];
  const sockets = new Set<TLSSocket>();
  const server = createServer(
    {
      key: readFileSync(identity.keyFile),
      cert: readFileSync(identity.certificateFile),
      ...{ ca: readFileSync(ca), requestCert: true, rejectUnauthorized: true },
    },
    (socket) => {
      sockets.add(socket);
      let bytes = Buffer.alloc(0);
      socket.on('error', () => {});
      socket.on('data', (chunk: Buffer) => {
        bytes = Buffer.concat([bytes, chunk]);
        for (;;) {
          const space = bytes.indexOf(0x20);
          const length = Number(bytes.toString('latin1', 0, Math.max(0, space)));
          if (space < 0 || bytes.length < space + 1 + length) return;
          const text = bytes.toString('utf8', space + 1, space + 1 + length);
          bytes = bytes.subarray(space + 1 + length);
          const [, head = '', seq = '', xml = ''] =
            /^(.*?) \[meta sequenceId="(\d+)"\] \ufeff(.*)$/s.exec(text) ?? [];
          received.push({ seq: Number(seq), head, xml });
        }
      });
    },
  );
  server.on('tlsClientError', () => {});
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  const cut = (): void => {
    for (const socket of sockets) socket.destroy();
    sockets.clear();
  };
  const stop = (): Promise<void> =>
    new Promise((resolve) => {
      server.close(() => resolve());
      cut();
    });
  t.teardown(() => {
    server.close();
    cut();
  });
  return { received, cut, stop, port: (server.address() as AddressInfo).port };
}

const SCRIPT = `
import sys, json, base64, xml.etree.ElementTree as E
text = lambda v: base64.b64decode(v or '').decode()
root = E.fromstring(sys.stdin.buffer.read())
event = root.find('EventIdentification')
print(json.dumps({
  'event': event.attrib, 'id': event.find('EventID').get('csd-code'),
  'type': [one.get('csd-code') for one in event.findall('EventTypeCode')],
  'who': [{**one.attrib, 'roles': [role.get('csd-code') for role in one.findall('RoleIDCode')],
    'media': [media.get('csd-code') for media in one.iter('MediaType')]} for one in root.findall('ActiveParticipant')],
  'source': root.find('AuditSourceIdentification').attrib,
  'objects': [[o.get('ParticipantObjectID'), o.get('ParticipantObjectTypeCodeRole'),
    o.find('ParticipantObjectIDTypeCode').get('csd-code')] for o in root.findall('ParticipantObjectIdentification')],
  'details': [[d.get('type'), text(d.get('value'))] for d in root.iter('ParticipantObjectDetail')],
  'accessions': [a.get('Number') for a in root.iter('Accession')],
  'classes': [[c.get('UID'), c.get('NumberOfInstances')] for c in root.iter('SOPClass')],
  'anonymized': [a.text for a in root.iter('Anonymized')],
  'query': [q.text for q in root.iter('ParticipantObjectQuery')],
}))`;

/** As Python reads it, so that our own reading is not believed. */
function readMessage(entry: AuditEntry, source: Parameters<typeof auditMessage>[1]) {
  const input = auditMessage({ seq: 7, at: AT, ...entry }, source);
  return JSON.parse(String(execFileSync('python3', ['-c', SCRIPT], { input })));
}

const AT = '2026-05-01T10:00:00.000Z';
const EDGE = { of: 'RRK', hostname: 'edge-1', pid: 42, aeTitle: 'RRK_EDGE' };
const CT = '1.2.840.10008.5.1.4.1.1.2';

t.test('a message is what PS3.15 A.5 says, whatever stands in a row', { skip }, async (t) => {
  const event = { seq: 7, at: AT, ...look('Dr A. \u0000"Osei"') };
  t.match(
    syslogFrame(event, EDGE).toString('utf8'),
    /^\d+ <85>1 2026-05-01T10:00:00\.000Z edge-1 cdip-edge 42 DICOM\+RFC3881 \[meta sequenceId="7"\] \ufeff<\?xml/,
  );
  t.match(readMessage({ ...event, basis: ['order A1 of RRK'] }, EDGE), {
    event: { EventActionCode: 'R', EventOutcomeIndicator: '8', EventDateTime: AT },
    id: '110103',
    who: [
      {
        ...{ UserID: 'Dr A. "Osei"', UserIsRequestor: 'true', NetworkAccessPointID: '10.0.0.9' },
        ...{ NetworkAccessPointTypeCode: '2', roles: ['clinician'] },
      },
      {
        ...{ UserID: 'edge of RRK', UserIsRequestor: 'false', NetworkAccessPointID: 'edge-1' },
        ...{ NetworkAccessPointTypeCode: '1', roles: ['110150'] },
        AlternativeUserID: 'AETITLES=RRK_EDGE',
      },
    ],
    source: { AuditEnterpriseSiteID: 'RRK', AuditSourceID: 'cdip-edge' },
    objects: [
      ...[
        ['9434765919', '1', '2'],
        ['X"1^^^RXK', '1', '2'],
        ['1.2.3', '3', '110180'],
      ],
      ['GET /api/studies/:uid', '20', 'call'],
    ],
    details: [
      ['query', JSON.stringify({ patientName: 'O\u2019Brien & <Söhne>' })],
      ...[
        ['basis', 'order A1 of RRK'],
        ['purpose', 'direct care'],
      ],
      ['organisation of the data', 'RJE'],
    ],
  });
});

t.test('what goes from one to another names both, and what of which study', { skip }, async (t) => {
  const peer = { kind: 'application-entity', id: 'PACS1', address: 'pacs.rrk.example' } as const;
  const contents = [{ study: '1.2.3', accession: 'A 1', instances: { [CT]: 300, '': 2 } }];
  const moving: AuditEntry = {
    ...{ ...look('WS1'), role: 'DICOM', outcome: 0, code: null, contents },
    moved: { from: 'here', to: peer },
  };
  const begun = readMessage({ ...moving, event: 'transfer-begun', action: 'E' }, EDGE);
  const ended = readMessage({ ...moving, event: 'transfer' }, EDGE);
  t.same([begun.id, ended.id], ['110102', '110104'], 'a pair of messages');
  for (const message of [begun, ended])
    t.match(message, {
      who: [
        { UserID: 'WS1', UserIsRequestor: 'true', AlternativeUserID: 'AETITLES=WS1' },
        { UserID: 'edge of RRK', UserIsRequestor: 'false', roles: ['110153'] },
        {
          ...{ UserID: 'PACS1', AlternativeUserID: 'AETITLES=PACS1', roles: ['110152'] },
          ...{ NetworkAccessPointID: 'pacs.rrk.example', NetworkAccessPointTypeCode: '1' },
        },
      ],
      ...{ accessions: ['A 1'] },
      classes: [
        [CT, '300'],
        [null, '2'],
      ],
    });

  const own = readMessage({ ...moving, event: 'transfer', user: 'edge', role: 'system' }, EDGE);
  t.match(
    own.who.map((one: { UserIsRequestor: string; roles: string[] }) => [
      one.UserIsRequestor,
      one.roles,
    ]),
    [
      ['true', ['110153']],
      ['false', ['110152']],
    ],
    'what the edge does of its own accord it asked for itself',
  );
});

t.test('a question over DICOM is told as it came', { skip }, async (t) => {
  const dataSet = Buffer.from([0x10, 0, 0x20, 0, 2, 0, 0, 0, 0x31, 0x20]).toString('base64');
  const identifier = {
    ...{ sopClassUID: '1.2.840.10008.5.1.4.1.2.2.1', transferSyntaxUID: '1.2.840.10008.1.2' },
    dataSet,
  };
  const asked = readMessage({ ...look('WS1'), event: 'search', identifier }, EDGE);
  t.same(asked.query, [dataSet]);
  t.match(asked.objects.at(-1), [identifier.sopClassUID, '3', '110181']);
  t.same(asked.details[0], ['TransferSyntax', '1.2.840.10008.1.2']);
  t.match(asked.who, [{ roles: ['110153', 'clinician'] }, { roles: ['110152'] }]);
});

t.test('what leaves by e-mail, or into a folder, names the medium', { skip }, async (t) => {
  const to = { kind: 'email', id: 'a@trust.example', address: 'a@trust.example' } as const;
  const { who } = readMessage(
    { ...look('Ada'), event: 'export', moved: { from: 'here', to } },
    EDGE,
  );
  t.match(who.slice(1), [
    { roles: ['110153'] },
    { roles: ['110152'], NetworkAccessPointTypeCode: '4', media: [] },
    { roles: ['110154'], media: ['110031'] },
  ]);
  const contents = [
    { study: '1.2.3', accession: null, instances: { '': 3 }, isAnonymous: true as const },
  ];
  const folder = { kind: 'folder', id: 'research', address: '/srv/research' } as const;
  const disclosed = readMessage(
    { ...look('edge'), event: 'export', contents, moved: { from: 'here', to: folder } },
    EDGE,
  );
  t.same(disclosed.anonymized, ['true']);
  t.match(disclosed.who.at(-1), { NetworkAccessPointTypeCode: '5', media: ['110037'] });
});

const ODD = ['', ' ', '\u0000', '<&"\'>', '\ud800', 'x'.repeat(2_000), '\u202eÅsa'];

/** A row of which each word is an odd one. */
function oddRow(
  event: AuditEntry['event'],
  outcome: AuditEntry['outcome'],
  at: number,
): AuditEntry {
  const words = ODD[(at + outcome) % ODD.length] ?? '';
  const node = { kind: outcome === 4 ? 'folder' : 'web', id: words, address: words } as const;
  const others = at % 2 === 0 ? { trust: null, address: '2001:db8::1' } : { trust: 'RRK' };
  const moved = { from: node, to: outcome === 8 ? ('user' as const) : ('here' as const) };
  return {
    ...{ ...look(words), event, outcome, code: 'FORBIDDEN', action: 'C' },
    ...{ role: words, what: words, purpose: words, ...others },
    ...{ patients: [words], basis: [words, 'order'], withheld: outcome },
    ...(/^(transfer|import)/.test(event) ? { moved } : {}),
    contents: [{ study: '1.2.3', accession: words, instances: { '1.2': 1, '': 2 } }],
  };
}

t.test('every event is a message of PS3.15 A.5.1, as A.5.3 wants it', { skip }, async (t) => {
  const events = Object.keys(EVENT_ID) as AuditEntry['event'][];
  const rows = events.flatMap((event, at) =>
    ([0, 4, 8, 12] as const).map((outcome) => oddRow(event, outcome, at)),
  );
  const own = ['start', 'stop'].map((event) => ({ ...look('hub'), event, role: 'system' }));
  const messages = [...rows, ...(own as AuditEntry[])].flatMap((row) =>
    [EDGE, { ...EDGE, of: 'HUB' }].map((source) =>
      auditMessage({ seq: 1, at: AT, ...row }, source),
    ),
  );
  t.strictSame(auditMessageFaults(messages), []);
  t.ok(auditMessageFaults(['<AuditMessage/>']).length > 0, 'what is none is told');
  const [first = ''] = messages;
  for (const [from, to] of [
    ['110152', '110151'],
    ['110153', '110152'],
    ['NumberOfInstances="1"', 'NumberOfInstances="one"'],
  ] as const)
    t.ok(auditMessageFaults([first.replace(from, to)]).length > 0, `${from} matters`);
});

t.test('every row comes, over cuts and restarts of either side', { skip }, async (t) => {
  const directory = t.testdir({ data: {} });
  const ca = certificateAuthority(directory);
  const [identity, own] = [ca.issue('collector'), ca.issue('hub')];
  const dataDirectory = join(directory, 'data');
  const trail = new AuditTrail(dataDirectory, systemClock);
  t.teardown(() => trail.close());
  let collector = await startCollector(t, identity, ca.caFile);
  const { port } = collector;
  const pass = (over: object = {}): AuditCollector => {
    const passing = new AuditCollector({
      collector: CollectorSchema.parse({
        ...{ host: '127.0.0.1', port, caFile: ca.caFile, ...own, ...over },
      }),
      ...{ dataDirectory, of: 'HUB', trail, log: silentLog, metrics: openMetrics({}) },
      settledMs: 200,
    });
    passing.start();
    return passing;
  };
  const seqs = (): number[] => [...new Set(collector.received.map(({ seq }) => seq))];
  const upTo = (last: number, from = 1): number[] =>
    Array.from({ length: last - from + 1 }, (_, at) => from + at);

  for (let row = 0; row < 250; row += 1) trail.append(look(`before ${row}`));
  let passing = pass();
  await eventually('what was there before has come, in order', () => seqs().length === 250);
  t.same(seqs(), upTo(250));
  t.match(collector.received[0]?.head, / cdip-hub \d+ DICOM\+RFC3881$/);
  trail.append(look('later'));
  await eventually('what comes later, too', () => seqs().length === 251);

  for (let row = 0; row < 50; row += 1) trail.append(look(`cut ${row}`));
  collector.cut();
  await eventually('on after a cut', () => seqs().length === 301);
  t.same(seqs(), upTo(301), 'none is missing');

  const before = collector.received.length;
  await new Promise((resolve) => setTimeout(resolve, 1_500));
  await passing.stop();
  passing = pass();
  trail.append(look('after a restart'));
  await eventually('on after a restart', () => seqs().length === 302);
  t.equal(collector.received.length, before + 1, 'what was settled does not come again');

  await collector.stop();
  for (let row = 0; row < 5; row += 1) trail.append(look(`down ${row}`));
  collector = await startCollector(t, identity, ca.caFile, port);
  await eventually('on after the collector was away', () => seqs().includes(307));
  t.ok(seqs().every((seq) => seq >= 302));
  await passing.stop();
});

t.test('nothing goes to who can not prove that it is the collector', { skip }, async (t) => {
  const directory = t.testdir({ data: {} });
  const [ca, other] = ['ca', 'other'].map((name) => certificateAuthority(directory, name));
  if (ca === undefined || other === undefined) throw new Error('no authorities');
  const dataDirectory = join(directory, 'data');
  const trail = new AuditTrail(dataDirectory, systemClock);
  t.teardown(() => trail.close());
  trail.append(look('A'));
  const collector = await startCollector(t, other.issue('impostor'), ca.caFile);
  const said: object[] = [];
  const passing = new AuditCollector({
    collector: CollectorSchema.parse({
      ...{ host: '127.0.0.1', port: collector.port, caFile: ca.caFile, ...ca.issue('hub') },
    }),
    ...{ dataDirectory, of: 'HUB', trail, metrics: openMetrics({}) },
    log: { ...silentLog, warn: (event, fields) => void said.push({ event, ...fields }) },
  });
  passing.start();
  await eventually('it is told', () => said.length > 0);
  t.match(said, [{ event: 'audit.collector-failed', port: collector.port }]);
  t.same(collector.received, []);
  await passing.stop();
});

t.test('a key without a certificate is a fault of the configuration', async (t) => {
  t.throws(() => CollectorSchema.parse({ host: 'h', keyFile: 'k' }), /go together/);
});
