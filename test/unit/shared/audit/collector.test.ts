/** The trail at a collector: DICOM audit messages (PS3.15 A.5) over syslog TLS (RFC 5424, 5425), over cuts. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { createServer, type TLSSocket } from 'node:tls';
import t, { type Test } from 'tap';
import { AuditCollector, CollectorSchema } from '../../../../shared/audit/collector.ts';
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

t.test('a message is what PS3.15 A.5 says, whatever stands in a row', { skip }, async (t) => {
  const event = { seq: 7, at: '2026-05-01T10:00:00.000Z', ...look('Dr A. \u0000"Osei"') };
  const basis = ['order A1 of RRK'];
  const source = { of: 'RRK', hostname: 'edge-1', pid: 42 };
  const frame = syslogFrame(event, source).toString('utf8');
  t.match(
    frame,
    /^\d+ <85>1 2026-05-01T10:00:00\.000Z edge-1 cdip-edge 42 DICOM\+RFC3881 \[meta sequenceId="7"\] \ufeff<\?xml/,
  );
  const script = `
import sys, json, base64, xml.etree.ElementTree as E
root = E.fromstring(sys.stdin.buffer.read())
event = root.find('EventIdentification')
print(json.dumps({
  'order': [one.tag for one in root],
  'event': event.attrib, 'id': event.find('EventID').attrib,
  'who': root.find('ActiveParticipant').attrib,
  'source': root.find('AuditSourceIdentification').attrib,
  'objects': [[o.get('ParticipantObjectID'), o.get('ParticipantObjectTypeCodeRole')] for o in root.findall('ParticipantObjectIdentification')],
  'basis': [base64.b64decode(d.get('value')).decode() for d in root.findall('.//ParticipantObjectDetail')],
  'query': json.loads(base64.b64decode(root.find('.//ParticipantObjectQuery').text)),
}))`;
  const read = execFileSync('python3', ['-c', script], {
    input: auditMessage({ ...event, basis }, source),
  });
  t.match(JSON.parse(String(read)), {
    order: [
      ...['EventIdentification', 'ActiveParticipant', 'AuditSourceIdentification'],
      ...Array(4).fill('ParticipantObjectIdentification'),
    ],
    event: { EventActionCode: 'R', EventOutcomeIndicator: '8', EventDateTime: event.at },
    id: { 'csd-code': '110103', codeSystemName: 'DCM' },
    who: {
      ...{ UserID: 'Dr A. "Osei"', UserIsRequestor: 'true', NetworkAccessPointID: '10.0.0.9' },
      NetworkAccessPointTypeCode: '2',
    },
    source: { AuditEnterpriseSiteID: 'RRK', AuditSourceID: 'cdip-edge' },
    objects: [
      ['9434765919', '1'],
      ['X"1^^^RXK', '1'],
      ['1.2.3', '3'],
      ['GET /api/studies/:uid', '24'],
    ],
    basis,
    query: { patientName: 'O\u2019Brien & <Söhne>', purpose: 'direct care' },
  });
});

t.test('every event is a message of the grammar of PS3.15 A.5.1', { skip }, async (t) => {
  const source = { of: 'HUB', hostname: 'hub', pid: 1 };
  const odd = ['', ' ', '\u0000', '<&"\'>', '\ud800', 'x'.repeat(2_000), '\u202eÅsa'];
  const events = Object.keys(EVENT_ID) as AuditEntry['event'][];
  const rows = events.flatMap((event, at) =>
    ([0, 4, 8, 12] as const).map((outcome) => {
      const words = odd[(at + outcome) % odd.length] ?? '';
      const code = outcome === 0 ? null : 'FORBIDDEN';
      return {
        ...{ seq: at + 1, at: '2026-05-01T10:00:00.000Z', ...look(words), event, outcome, code },
        ...{ role: words, what: words, purpose: words, patients: [words], basis: [words, 'order'] },
        ...{ trust: at % 2 === 0 ? null : 'RRK', address: at % 2 === 0 ? '2001:db8::1' : null },
      };
    }),
  );
  t.strictSame(auditMessageFaults(rows.map((row) => auditMessage(row, source))), []);
  t.ok(auditMessageFaults(['<AuditMessage/>']).length > 0, 'what is none is told');
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
