/**
 * A study that its home does not hold any more, over a whole network: its copy at another trust goes, and the PACS
 * there is told by a rejection note, although it was away and the edge was killed in between.
 */
import t from 'tap';
import { parseEdgeConfig } from '../../edge/config.ts';
import { openEdgeDatabase } from '../../edge/database.ts';
import { removeStudy } from '../../edge/index/remove-study.ts';
import { furtherParts } from '../../edge/schema-parts.ts';
import { dicomReading } from '../../edge/scp/dicom-reading.ts';
import { openStorage } from '../../edge/scp/open-storage.ts';
import { systemClock } from '../../shared/clock.ts';
import { silentLog } from '../../shared/log.ts';
import { openMetrics } from '../../shared/metrics.ts';
import type { Edge } from '../support/edge.ts';
import { eventually } from '../support/eventually.ts';
import { missingPeer } from '../support/missing-peer.ts';
import { startNetwork } from '../support/network.ts';
import { ctFiles, objectsIn, PEOPLE } from '../support/orders-world.ts';
import type { Orthanc } from '../support/orthanc.ts';
import { sendFiles } from '../support/send-files.ts';

const STUDY = '2.25.8801';
const SLOW = { timeoutMs: 120_000 };
const Evidence = 'CurrentRequestedProcedureEvidenceSequence';

/** As when its PACS has none of it any more: done while it stands still, since to be sure of that takes an hour. */
async function loseAt({ dataDirectory, trust }: Edge): Promise<void> {
  const db = openEdgeDatabase(dataDirectory, furtherParts);
  const config = parseEdgeConfig({ trust, dataDirectory, storage: { reserveBytes: 1_000_000 } });
  const { index, spool, outbox } = await openStorage({
    ...{ config, db, clock: systemClock, log: silentLog, reading: dicomReading },
    metrics: openMetrics({}),
  });
  outbox.start();
  removeStudy({ index, spool }, { studyInstanceUID: STUDY, home: trust });
  outbox.stop();
  await spool.stop();
  db.close();
}

async function tagsOf(pacs: Orthanc, SOPInstanceUID: string): Promise<Record<string, object[]>> {
  const found = await fetch(`${pacs.url}/tools/find`, {
    method: 'POST',
    body: JSON.stringify({ Level: 'Instance', Query: { SOPInstanceUID } }),
  });
  const [id] = (await found.json()) as string[];
  return pacs.rest(`/instances/${id}/simplified-tags`);
}

t.test(
  'a PACS that holds a copy is told that its home has withdrawn the study',
  { skip: missingPeer('nats-server', 'Orthanc'), timeout: 600_000 },
  async (t) => {
    const directory = t.testdir();
    const network = await startNetwork({ directory, trusts: ['RRK', 'RJE'] });
    t.teardown(() => network.stop());
    const { hub } = network;
    const [home, receiver] = [network.site('RRK').edge, network.site('RJE').edge];
    const pacs = network.site('RJE').pacs;
    if (pacs === undefined) throw new Error('RJE has a PACS');
    const patient = PEOPLE.annaAtA;
    const study = { studyInstanceUID: STUDY, patient, accessionNumber: '1001' };
    await sendFiles(home.dicomPort, ctFiles(directory, study));
    await eventually(
      'the hub lists it',
      async () => (await hub.api(`/api/studies/${STUDY}`)).status === 200,
      SLOW,
    );
    const { body } = await hub.api<{ fetchId: string }>('/api/fetches', {
      method: 'POST',
      body: JSON.stringify({
        ...{ studyInstanceUID: STUDY, to: { trust: 'RJE' }, priority: 'urgent' },
        ...{ localPatient: { patientId: 'J-88', issuer: 'RJE' }, purpose: 'direct care' },
      }),
    });
    await eventually(
      'it is in the PACS of RJE',
      async () => {
        const fetched = await hub.api<{ state: string }>(`/api/fetches/${body.fetchId}`);
        return fetched.body.state === 'available';
      },
      SLOW,
    );
    const given = await pacs.sopInstanceUIDs(STUDY);
    t.equal(given.length, 2);

    await pacs.program.stop();
    await home.stop();
    await loseAt(home);
    await home.start();
    await eventually(
      'the hub shows it as withdrawn, and the copy has gone',
      async () =>
        (await hub.api(`/api/studies/${STUDY}`)).status === 410 &&
        receiver.spoolFiles().every((path) => path.includes('/notes/')),
      SLOW,
    );
    await receiver.kill9();
    await receiver.start();
    await pacs.program.start();
    const [note] = await eventually(
      'the PACS has a note',
      async () => {
        const notes = (await objectsIn(pacs, STUDY)).filter(({ modality }) => modality === 'KO');
        return notes.length > 0 && notes;
      },
      { timeoutMs: 180_000 },
    );
    t.match(note, { patientId: 'J-88', accessionNumber: /^I[0-9A-Z]{15}$/ });
    const tags = await tagsOf(pacs, note?.sopInstanceUID ?? '');
    t.match(tags['ConceptNameCodeSequence'], [{ CodeValue: '113039' }]);
    const named = JSON.stringify(tags[Evidence]).match(/2\.25\.8801\.1\.\d+/g);
    t.strictSame(named?.sort(), given);
    t.equal((await objectsIn(pacs, STUDY)).length, 3, 'one note, beside what it names');
  },
);
