/** What callers call themselves, where anybody may read: only what edge.yaml lists is said as it is. */
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { openNameKey, saidNames } from '../../../../edge/access/said-names.ts';
import { parseEdgeConfig } from '../../../../edge/config.ts';
import { unlistedNames } from '../../../../edge/status-names.ts';
import { openLog } from '../../../../shared/log.ts';

const KEY = Buffer.alloc(32, 7);
const config = parseEdgeConfig({
  trust: 'RRK',
  dataDirectory: '/nowhere',
  peers: [
    { name: 'ct1', aeTitle: 'CT1', host: '10.0.0.21', port: 104, role: 'modality' },
    {
      name: 'pacs',
      aeTitle: 'PACS',
      callingAETitle: 'GATEWAY',
      host: 'p',
      port: 104,
      role: 'pacs',
    },
  ],
  destinations: [{ name: 'archive-folder', folder: '/archive' }],
  hl7: { sources: [{ sendingApplication: 'PAS', sendingFacility: 'CITY' }] },
  dicomWeb: { clients: [{ name: 'research', key: 'k'.repeat(24) }] },
});
const says = saidNames(config, KEY);

t.test('names of edge.yaml are said as they are', async (t) => {
  const names = ['CT1', 'ct1', 'PACS', 'GATEWAY', 'CDIP_RRK', 'archive-folder', 'research', ''];
  for (const name of names) t.equal(says.caller(name), name);
  for (const name of ['PAS', 'CITY', 'RRK', '']) t.equal(says.hl7(name), name);
});

t.test('any other name is said by a digest that tells two apart, and nothing else', async (t) => {
  const said = ['SMITH', 'smith', '9434765919', 'unlisted-19370419'].map(says.caller);
  for (const one of said) t.match(one, /^unlisted-[0-9a-f]{8}$/);
  t.equal(new Set(said).size, said.length);
  t.equal(says.caller('SMITH'), said[0], 'the same again is the same');
  t.not(saidNames(config, Buffer.alloc(32, 8)).caller('SMITH'), said[0], 'elsewhere it is another');
  t.not(says.hl7('CT1'), 'CT1', 'an AE title is no application');
});

t.test('a modality that is none of the standard is none', async (t) => {
  t.equal(says.modality('CT'), 'CT');
  for (const code of ['SMITH', '9434765919', '', null]) t.equal(says.modality(code), null);
});

t.test('the key is made once, for its owner alone', async (t) => {
  const directory = join(t.testdir(), 'data');
  const key = openNameKey(directory);
  t.equal(key.length, 32);
  t.strictSame(openNameKey(directory), key);
  t.equal(statSync(join(directory, 'names.key')).mode & 0o777, 0o600);
  t.strictSame(readFileSync(join(directory, 'names.key')), key);
});

t.test('the log says them so, in whatever event, and no text in the place of a UID', async (t) => {
  const lines: string[] = [];
  const log = openLog('edge', { write: (line: string) => void lines.push(line) }, says);
  const ended = { kind: 'move', status: '0000', completed: 0, failed: 0, warning: 0 };
  log.info('retrieve.ended', { calling: 'SMITH', destination: 'JONES', ...ended });
  log.warn('association.rejected', { calling: 'CT1', host: '10.0.0.21', reason: 'none' });
  for (const studyInstanceUID of ['1.2.826.0.1', '9434765919', 'SMITH^JOHN', `1.${'2'.repeat(80)}`])
    log.info('storage.patient-conflict', { studyInstanceUID, home: 'RRK' });
  log.info('operator.peer', { peer: 'SMITH', done: 'released' });
  t.notMatch(lines.join(), /SMITH|JONES|9434765919/);
  const told = lines.map((line) => JSON.parse(line) as Record<string, string>);
  t.match(told[0], { calling: says.caller('SMITH'), destination: says.caller('JONES') });
  t.match(told[1], { calling: 'CT1', host: '10.0.0.21' });
  t.match(told[2], { studyInstanceUID: '1.2.826.0.1' });
  for (const line of told.slice(3, 6)) t.match(line['studyInstanceUID'], /^unlisted-/);
});

t.test('a log that nothing was told of says no peer by name', async (t) => {
  const lines: string[] = [];
  const log = openLog('hub', { write: (line: string) => void lines.push(line) });
  log.warn('find.cut', { calling: 'SMITH', matches: 501 });
  t.match(lines.join(), /"calling":"unlisted-/);
});

t.test('the page of the edge says which machine a digest is', async (t) => {
  const caller = {
    ...{ known: false, associations: 1, rejections: 0, reasons: {}, aborted: 0, objects: 0 },
    firstAt: 0,
  };
  const { rows } = unlistedNames(
    {
      callers: [
        { ...caller, callingAETitle: 'SMITH', host: '10.0.0.9', lastAt: 60_000 },
        { ...caller, callingAETitle: 'CT1', host: '10.0.0.21', lastAt: 60_000 },
      ],
      senders: [{ callingAETitle: 'SMITH', lastAt: 0, instances: 1, modality: 'CT' }],
      feeds: [{ application: 'PAS', facility: 'JONES', lastAt: 120_000 }],
    },
    says,
    50,
  );
  t.strictSame(
    rows.map((row) => row.slice(0, 3)),
    [
      [says.hl7('JONES'), 'JONES', 'HL7, MSH-4'],
      [says.caller('SMITH'), 'SMITH', 'DICOM, 10.0.0.9'],
    ],
  );
});
