/** The conformance statement that an edge prints, against what that edge does. */
import { existsSync, readFileSync } from 'node:fs';
import t from 'tap';
import { openAssociation } from '../../edge/dimse/scu.ts';
import { cdipDone } from '../support/cdip.ts';
import { startEdge } from '../support/edge.ts';

const UID_DICTIONARY = '/usr/lib/python3/dist-packages/pydicom/_uid_dict.py';
const skip = existsSync(UID_DICTIONARY) ? false : 'python3-pydicom is not installed';
const IMPLICIT = '1.2.840.10008.1.2';

/** SOP classes of the standard that are no storage. PS3.6 table A-1. */
function otherClasses(): string[] {
  const lines = readFileSync(UID_DICTIONARY, 'utf8').matchAll(
    /'([\d.]+)': \(['"](.+?)['"], '((?:Meta )?SOP Class)'/g,
  );
  return [...lines]
    .filter(([, , name = '']) => !/Storage/.test(name) || /Commitment|Directory/.test(name))
    .map(([, uid = '']) => uid);
}

t.test('the SOP classes that it lists are those that are accepted', { skip }, async (t) => {
  const peers = [{ name: 'ct1', aeTitle: 'CT1', host: '10.0.0.21', port: 104, role: 'modality' }];
  const edge = await startEdge({ directory: t.testdir(), trust: 'RRK', config: { peers } });
  t.teardown(() => edge.stop());
  const statement = await cdipDone(['edge', 'conformance', '--config', edge.configFile]);
  const [, provided = ''] = /SOP classes provided([\s\S]*?)\n###/.exec(statement) ?? [];
  const listed = [...provided.matchAll(/^\| .+? \| (1\.[\d.]+) \|/gm)].map(([, uid = '']) => uid);

  const accepted: string[] = [];
  const all = otherClasses();
  t.ok(all.length > 50);
  for (let at = 0; at < all.length; at += 100) {
    const some = all.slice(at, at + 100);
    const association = await openAssociation({
      peer: {
        ...{ host: '127.0.0.1', port: edge.dicomPort, aeTitle: edge.aeTitle },
        callingAETitle: 'CT1',
      },
      contexts: some.map((abstractSyntaxUID) => ({
        abstractSyntaxUID,
        transferSyntaxUIDs: [IMPLICIT],
      })),
    });
    accepted.push(...some.filter((uid) => association.contextFor(uid) !== undefined));
    await association.release();
  }
  t.strictSame(listed.sort(), accepted.sort());
  t.match(statement, `| TCP port | ${edge.dicomPort} |`);
  t.match(statement, '| ct1 | CT1 | 10.0.0.21:104 | modality | no | CDIP_RRK |');
});
