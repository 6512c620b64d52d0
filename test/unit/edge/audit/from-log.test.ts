/** What is told in the edge's log and stands in its trail: fetches, deliveries, disclosures, removals. PS3.15 A.5.3. */
import t from 'tap';
import type { EdgeEntry } from '../../../../edge/audit/edge-audit.ts';
import { alsoInTrail } from '../../../../edge/audit/from-log.ts';
import { nodesOf } from '../../../../edge/audit/nodes.ts';
import type { Subjects } from '../../../../edge/audit/subject-of.ts';
import { parseEdgeConfig } from '../../../../edge/config.ts';
import { silentLog } from '../../../../shared/log.ts';

const STUDY = { studyInstanceUID: '1.2.3', home: 'RJE' };
const PACS = { kind: 'application-entity', id: 'PACS1', address: 'pacs.rrk.example' };

/** @param held whether the study is here */
function trail(held: boolean) {
  const rows: EdgeEntry[] = [];
  const subject = { study: '1.2.3', home: 'RJE', patient: 'L1^^^RRK', accession: 'A1' };
  const subjects: Subjects = {
    ofStudy: () => (held ? [subject] : []),
    ofFetch: () => ['9434765919'],
    withNumber: () => [],
    contentOf: ({ study }, counted = 3) => ({ study, accession: 'A1', instances: { '': counted } }),
  };
  const config = parseEdgeConfig({
    ...{ trust: 'RRK', dataDirectory: '/nowhere' },
    destinations: [{ name: 'research', folder: '/srv/research' }],
    peers: [
      { name: 'main-pacs', aeTitle: 'PACS1', host: 'pacs.rrk.example', port: 104, role: 'pacs' },
    ],
  });
  const soon = (entry: EdgeEntry): void => void rows.push(entry);
  const log = alsoInTrail(silentLog, { audit: { soon }, subjects, nodes: nodesOf(config) });
  return { rows, log };
}

t.test(
  'what a fetch brought came over, and was filed; what was here already did not',
  async (t) => {
    const fetch = { fetchId: 'f1', ...STUDY, source: 'RJE', code: '' };
    const coming = trail(false);
    coming.log.info('fetch.state', { ...fetch, state: 'transferring', instances: 1 });
    coming.log.info('fetch.state', { ...fetch, state: 'coercing', instances: 3 });
    const moved = { from: { kind: 'program', id: 'edge of RJE' }, to: 'here' };
    t.match(coming.rows, [
      {
        event: 'transfer',
        action: 'C',
        outcome: 0,
        patients: ['9434765919'],
        studies: ['1.2.3'],
        moved,
      },
    ]);
    const filed = trail(true);
    filed.log.info('fetch.state', { ...fetch, state: 'coercing', instances: 0 });
    filed.log.info('fetch.state', { ...fetch, state: 'available', instances: 3 });
    filed.log.info('fetch.state', {
      ...fetch,
      state: 'failed',
      code: 'SOURCE_FAILED',
      instances: 0,
    });
    t.match(filed.rows, [
      { event: 'import', action: 'C', patients: ['L1^^^RRK'], homes: ['RJE'], moved },
      { event: 'transfer', outcome: 12, code: 'SOURCE_FAILED' },
    ]);
  },
);

t.test('a delivery begins and ends, at the one who is called so', async (t) => {
  const { rows, log } = trail(true);
  const delivery = { deliveryId: 'd1', peer: 'main-pacs', ...STUDY };
  log.info('delivery.begun', delivery);
  log.info('delivery.ended', { ...delivery, outcome: 'partial', delivered: 2, failed: 1 });
  const common = { user: 'edge', studies: ['1.2.3'], moved: { from: 'here', to: PACS } };
  t.match(rows, [
    {
      ...common,
      event: 'transfer-begun',
      outcome: undefined,
      contents: [{ instances: { '': 3 } }],
    },
    { ...common, event: 'transfer', outcome: 4, contents: [{ instances: { '': 2 } }] },
  ]);
});

t.test('of what was de-identified no new UID stands there', async (t) => {
  const { rows, log } = trail(true);
  const unsaid = { studyInstanceUID: '', home: '' };
  log.info('route.disclosed', {
    ...{ jobKey: 1, project: 'p', destination: 'research', studyInstanceUID: '1.2.3' },
    ...{ objects: 3, isAnonymous: true },
  });
  log.info('delivery.ended', {
    ...{ deliveryId: 'd1', peer: 'research', ...unsaid, outcome: 'delivered' },
    ...{ delivered: 3, failed: 0 },
  });
  t.match(rows, [
    {
      ...{ event: 'export', studies: ['1.2.3'], contents: [{ isAnonymous: true }] },
      moved: { from: 'here', to: { kind: 'folder', id: 'research', address: '/srv/research' } },
    },
    { event: 'transfer', studies: [], contents: [], patients: [] },
  ]);
});

t.test('a copy that is removed was deleted here', async (t) => {
  const { rows, log } = trail(false);
  log.info('copy.removed', { ...STUDY, bytes: 1, files: 1, why: 'withdrawn' });
  t.match(rows, [{ event: 'deletion', action: 'D', studies: ['1.2.3'], homes: ['RJE'] }]);
});
