/**
 * The audit trail of an edge over its real ports: who sent, asked and looked stands there, chained, and a change of
 * it on the disk is found.
 */
import { join } from 'node:path';
import Database from 'better-sqlite3';
import t from 'tap';
import { filesOf, STUDIES } from '../../demo/studies.ts';
import type { AuditedEvent } from '../../shared/audit/trail.ts';
import { auditFile } from '../../shared/audit/trail.ts';
import { cdip } from '../support/cdip.ts';
import { runTool } from '../support/dcmtk.ts';
import { startEdge } from '../support/edge.ts';
import { eventually } from '../support/eventually.ts';
import { missingPeer } from '../support/missing-peer.ts';
import { sendFiles } from '../support/send-files.ts';

const skip = missingPeer('findscu');

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
  const rows = (): (AuditedEvent & { user: string })[] => {
    const db = new Database(auditFile(edge.dataDirectory), { readonly: true });
    const all = db.prepare('SELECT user, entry FROM audit ORDER BY seq').all() as {
      user: string;
      entry: string;
    }[];
    db.close();
    return all.map(({ user, entry }) => ({ user, ...JSON.parse(entry) }));
  };
  const row = (what: RegExp) =>
    eventually(String(what), () => rows().find((one) => what.test(one.what)));

  const stored = await row(/^C-STORE/);
  t.match(stored, { event: 'fetch', action: 'C', outcome: 0, role: 'DICOM', studies: [uid] });
  t.equal(stored.patients.length, 1, 'whose study it is');
  t.ok(Number(stored.query['count']) > 0);
  const { PatientID } = { PatientID: stored.patients[0]?.split('^^^')[0] ?? '' };

  await runTool('findscu', [
    ...['-S', '-aet', 'WORKSTATION', '-aec', edge.aeTitle, '127.0.0.1', String(edge.dicomPort)],
    ...['-k', 'QueryRetrieveLevel=STUDY', '-k', `PatientID=${PatientID}`, '-k', 'StudyDate'],
  ]);
  t.match(await row(/^C-FIND/), {
    ...{ event: 'search', action: 'E', user: 'WORKSTATION' },
    query: { asked: [{ PatientID }] },
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
  t.match(await row(/manifest/), { event: 'fetch', outcome: 8, user: '' });
  await fetch(`${edge.url}/`);
  t.match(await row(/^GET \/$/), { event: 'look', user: 'this machine' });
  t.match(rows()[0], { event: 'configuration', user: 'edge.yaml' });
  const before = rows().length;
  await fetch(`${edge.url}/health/ready`);
  t.equal(rows().length, before, 'whether it is well is nobody’s data');

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
  t.equal(rows().length, before, 'the same configuration again is no change');
});
