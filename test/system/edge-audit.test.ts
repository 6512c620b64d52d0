/**
 * The audit trail of an edge over its real ports: who sent, asked and looked stands there, chained, and a change of
 * it on the disk is found.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import t, { type Test } from 'tap';
import { filesOf, STUDIES } from '../../demo/studies.ts';
import { auditMessage } from '../../shared/audit/message.ts';
import type { AuditedEvent } from '../../shared/audit/trail.ts';
import { auditFile } from '../../shared/audit/trail.ts';
import { auditMessageFaults } from '../support/audit-message-schema.ts';
import { cdip } from '../support/cdip.ts';
import { runTool } from '../support/dcmtk.ts';
import { type Edge, startEdge } from '../support/edge.ts';
import { eventually } from '../support/eventually.ts';
import { missingPeer } from '../support/missing-peer.ts';
import { sendFiles } from '../support/send-files.ts';
import { startStorescp } from '../support/storescp.ts';

const skip = missingPeer('findscu', 'movescu', 'getscu', 'storescp', 'python3');

const AT = '2026-05-01T10:00:00.000Z';

type Row = AuditedEvent & { user: string };

function trailOf({ dataDirectory }: { dataDirectory: string }) {
  const rows = (): Row[] => {
    const db = new Database(auditFile(dataDirectory), { readonly: true });
    const all = db.prepare('SELECT user, entry FROM audit ORDER BY seq').all() as {
      user: string;
      entry: string;
    }[];
    db.close();
    return all.map(({ user, entry }) => ({ user, ...JSON.parse(entry) }));
  };
  const row = (what: RegExp) =>
    eventually(String(what), () => rows().find((one) => what.test(one.what)));
  return { rows, row };
}

/** What of the rows' messages is not as PS3.15 A.5.3 has it. */
function messageFaults(rows: readonly Row[]): string[] {
  const source = { of: 'RRK', hostname: 'edge-1', pid: 1, aeTitle: 'RRK_EDGE' };
  return auditMessageFaults(
    rows.map((one, at) => auditMessage({ ...one, seq: at + 1, at: AT }, source)),
  );
}

/** Stops and starts the edge with a row that was changed meanwhile. */
async function findsChanges(t: Test, edge: Edge, rows: () => Row[]): Promise<void> {
  const before = rows().length;
  const verify = () => cdip(['edge', 'audit', 'verify', '--config', edge.configFile]);
  t.match(await verify(), { code: 0, stderr: /is whole/ });
  await edge.stop();
  const db = new Database(auditFile(edge.dataDirectory));
  db.exec('DROP TRIGGER audit_no_update');
  db.exec("UPDATE audit SET entry = replace(entry, 'C-FIND', 'C-ECHO')");
  const at = db.prepare("SELECT seq FROM audit WHERE entry LIKE '%C-ECHO%'").pluck().get();
  db.close();
  const { code, stdout } = await verify();
  t.equal(code, 1);
  t.match(JSON.parse(stdout), { fault: { code: 'ROW_ALTERED', seq: at } });
  await edge.start();
  await edge.stop();
  t.same(
    rows()
      .slice(before)
      .map(({ event }) => event),
    ['stop', 'start', 'stop'],
    'the same configuration again is no change',
  );
  t.strictSame(messageFaults(rows()), [], 'each as PS3.15 A.5.3 has it');
}

t.test('who did what at an edge', { skip, timeout: 120_000 }, async (t) => {
  const directory = t.testdir();
  const edge = await startEdge({
    ...{ directory, trust: 'RRK' },
    config: { dicomWeb: { clients: [{ name: 'viewer of RRK', key: 'k'.repeat(32) }] } },
  });
  t.teardown(() => edge.stop());
  const [study] = STUDIES;
  if (study === undefined) throw new Error('no study');
  const { studyInstanceUID: uid } = study;
  await sendFiles(
    edge.dicomPort,
    await filesOf({ ...study, ods: 'RRK' }, join(directory, 'files')),
  );
  const { rows, row } = trailOf(edge);

  const stored = await row(/^C-STORE/);
  t.match(stored, {
    ...{ event: 'transfer', action: 'C', outcome: 0, role: 'DICOM', studies: [uid] },
    moved: { from: 'user', to: 'here' },
  });
  t.equal(stored.patients.length, 1, 'whose study it is');
  t.ok(Number(stored.query['count']) > 0);
  const AccessionNumber = stored.contents?.[0]?.accession ?? '';

  await runTool('findscu', [
    ...['-S', '-aet', 'WORKSTATION', '-aec', edge.aeTitle, '127.0.0.1', String(edge.dicomPort)],
    ...[
      '-k',
      'QueryRetrieveLevel=STUDY',
      '-k',
      `AccessionNumber=${AccessionNumber}`,
      '-k',
      'PatientID',
    ],
  ]);
  t.match(await row(/^C-FIND/), {
    ...{ event: 'search', action: 'E', user: 'WORKSTATION' },
    ...{ query: { asked: [{ AccessionNumber }] }, patients: stored.patients },
    identifier: { transferSyntaxUID: /^1\.2\.840\.10008\.1\.2/, dataSet: /^[A-Za-z0-9+/]+=*$/ },
  });

  const metadata = `${edge.url}/dicom-web/studies/${uid}/metadata`;
  const headers = { authorization: `Bearer ${'k'.repeat(32)}` };
  for (let look = 0; look < 5; look += 1) t.equal((await fetch(metadata, { headers })).status, 200);
  const looks = rows().filter(({ user }) => user === 'viewer of RRK');
  t.equal(looks.length, 1, 'a look that goes on is one row');
  t.match(looks[0], { event: 'look', studies: [uid], patients: stored.patients });
  t.equal((await fetch(metadata, { headers: { authorization: 'Bearer x.y.z' } })).status, 400);
  const manifest = `${edge.url}/transfer/v1/studies/${uid}/manifest?home=RRK`;
  t.equal((await fetch(manifest, { headers: { authorization: 'Bearer x.y.z' } })).status, 401);
  t.match(await row(/manifest/), { event: 'transfer-begun', outcome: 8, user: '' });
  await fetch(`${edge.url}/`);
  t.match(await row(/^GET \/$/), { event: 'look', user: 'this machine' });
  t.match(rows()[0], { event: 'configuration', user: 'edge.yaml' });
  const before = rows().length;
  await fetch(`${edge.url}/health/ready`);
  t.equal(rows().length, before, 'whether it is well is nobody’s data');

  await findsChanges(t, edge, rows);
});

t.test('what goes to a workstation stands there twice: begun, and gone', { skip }, async (t) => {
  const directory = t.testdir({ got: {} });
  const reader = await startStorescp(join(directory, 'reader'));
  t.teardown(() => reader.stop());
  const { port } = reader;
  const edge = await startEdge({
    ...{ directory, trust: 'RRK' },
    config: {
      peers: [{ name: 'ws', aeTitle: 'READER', host: '127.0.0.1', port, role: 'workstation' }],
    },
  });
  t.teardown(() => edge.stop());
  const { rows, row } = trailOf(edge);
  const [study] = STUDIES;
  if (study === undefined) throw new Error('no study');
  const { studyInstanceUID: uid } = study;
  const files = await filesOf({ ...study, ods: 'RRK' }, join(directory, 'files'));
  await sendFiles(edge.dicomPort, files);
  const stored = await row(/^C-STORE/);
  const sum = (counts: object): number =>
    Object.values(counts).reduce((total: number, count: number) => total + count, 0);
  const [content] = stored.contents ?? [];
  t.equal(sum(content?.instances ?? {}), stored.query['count'], 'how many of which class');
  t.notOk('' in (content?.instances ?? {}));
  const called = ['-aet', 'WORKSTATION', '-aec', edge.aeTitle, '127.0.0.1', `${edge.dicomPort}`];
  const keys = ['-S', '-k', 'QueryRetrieveLevel=STUDY', '-k', `StudyInstanceUID=${uid}`];
  await runTool('movescu', ['-aem', 'READER', ...keys, ...called]);
  await runTool('getscu', ['-od', join(directory, 'got'), '+B', ...keys, ...called]);
  const to = { kind: 'application-entity', id: 'READER', address: '127.0.0.1' };
  for (const [verb, end] of [
    ['C-MOVE', to],
    ['C-GET', 'user'],
  ] as const) {
    const pair = await eventually(`both rows of ${verb}`, () => {
      const both = rows().filter(({ what }) => what.startsWith(verb));
      return both.length === 2 ? both : undefined;
    });
    const about = { user: 'WORKSTATION', studies: [uid], patients: stored.patients };
    t.match(pair, [
      { ...about, event: 'transfer-begun', action: 'E' },
      { ...about, event: 'transfer', action: 'R', contents: [content] },
    ]);
    for (const { moved } of pair) t.same(moved, { from: 'here', to: end });
  }

  const [file = ''] = files;
  const sent = await fetch(`${edge.url}/dicom-web/studies`, {
    ...{ method: 'POST', headers: { 'content-type': 'application/dicom' } },
    body: readFileSync(file),
  });
  t.equal(sent.status, 200);
  const [sopClassUID = ''] = Object.keys(content?.instances ?? {});
  t.match(await row(/^POST \/dicom-web/), {
    ...{ event: 'transfer', action: 'C', studies: [uid], patients: stored.patients },
    contents: [{ study: uid, accession: content?.accession, instances: { [sopClassUID]: 1 } }],
    ...{ query: { completed: 1, failed: 0 }, moved: { from: 'user', to: 'here' } },
  });
  t.strictSame(messageFaults(rows()), []);
});
