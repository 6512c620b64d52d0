/** Who may go to a project of secondary use: with every doubt, nobody. AN-12, AN-13. */
import { utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { parseEdgeConfig } from '../../../../edge/config.ts';
import { openEdgeDatabase } from '../../../../edge/database.ts';
import { KnownPatients } from '../../../../edge/index/records/known-patients.ts';
import { Gate } from '../../../../edge/route/gate.ts';
import { furtherParts } from '../../../../edge/schema-parts.ts';
import { temporaryDirectory } from '../../../support/storage-fixture.ts';

const NOW = Date.parse('2026-11-26T12:00:00Z');
const NHS = '9434765919';

interface Given {
  readonly profile?: 'basic' | 'identifiable';
  readonly sensitive?: readonly string[];
  readonly cleared?: readonly string[];
  readonly clearedDaysAgo?: number;
  readonly restricted?: boolean;
}

function gate(t: Test, { profile = 'basic', ...given }: Given) {
  const directory = temporaryDirectory(t);
  const list = (name: string, numbers: readonly string[] | undefined, daysAgo = 0) => {
    if (numbers === undefined) return undefined;
    const file = join(directory, name);
    writeFileSync(file, numbers.join('\n'));
    const at = (NOW - daysAgo * 86_400_000) / 1000;
    utimesSync(file, at, at);
    return file;
  };
  const sensitiveFile = list('sensitive', given.sensitive);
  const optOutClearedFile = list('cleared', given.cleared, given.clearedDaysAgo);
  const config = parseEdgeConfig({
    ...{ trust: 'RRK', dataDirectory: directory },
    destinations: [{ name: 'place', folder: '/nowhere' }],
    projects: [
      {
        ...{ name: 'study', purpose: 'research', approval: 'IRAS 1', expires: '2026-12-31' },
        ...{ destination: 'place', profile, keyFile: join(directory, 'key') },
      },
    ],
    secondaryUse: {
      ...(sensitiveFile && { sensitiveFile }),
      ...(optOutClearedFile && { optOutClearedFile }),
    },
  });
  const db = openEdgeDatabase(directory, furtherParts);
  t.teardown(() => void db.close());
  const { restricted: isRestricted } = given;
  if (isRestricted !== undefined) {
    const facts = { patientId: 'MRN1', issuer: 'RRK', nhsNumber: NHS, isRestricted };
    new KnownPatients(db).tell(facts, { asOf: '2026-01-01T00:00:00Z', now: NOW });
  }
  const open = new Gate(db, config.projects, config.secondaryUse);
  return (over: { nhsNumber?: string | null; now?: number; project?: string } = {}) =>
    open.whyNot(
      over.project ?? 'study',
      { patientId: 'MRN1', issuer: 'RRK', nhsNumber: over.nhsNumber ?? null },
      over.now ?? NOW,
    )?.code;
}

t.test('a project that is unknown or over gets nothing', async (t) => {
  const why = gate(t, { restricted: false });
  t.equal(why(), undefined);
  t.equal(why({ project: 'other' }), 'PROJECT_UNKNOWN');
  t.equal(why({ now: Date.parse('2026-12-31T23:00:00Z') }), undefined, 'its last day');
  t.equal(why({ now: Date.parse('2027-01-01T00:00:00Z') }), 'PROJECT_EXPIRED');
});

t.test('S-flagged patients go nowhere, nor those of whom nobody can say', async (t) => {
  t.equal(gate(t, { restricted: true })(), 'SENSITIVE_PATIENT', 'by the PAS');
  t.equal(gate(t, {})(), 'SENSITIVITY_UNKNOWN', 'no word of the PAS, no list');
  const listed = gate(t, { sensitive: ['943 476 5919', '9434765870'] });
  t.equal(listed({ nhsNumber: NHS }), 'SENSITIVE_PATIENT', 'by the list');
  t.equal(listed({ nhsNumber: '4010232137' }), undefined);
  t.equal(listed(), 'SENSITIVITY_UNKNOWN', 'no NHS number to look for');
  t.equal(gate(t, { sensitive: [], restricted: true })({ nhsNumber: NHS }), 'SENSITIVE_PATIENT');
});

t.test('with identifiers only those go whom the opt-out service has cleared, lately', async (t) => {
  const profile = 'identifiable';
  const cleared = [NHS];
  t.equal(gate(t, { profile, restricted: false })(), 'OPT_OUT_LIST_UNREADABLE');
  t.equal(
    gate(t, { profile, restricted: false, cleared })(),
    undefined,
    'by the number of the PAS',
  );
  t.equal(gate(t, { profile, restricted: false, cleared: [] })(), 'OPT_OUT_NOT_CLEARED');
  const old = gate(t, { profile, restricted: false, cleared, clearedDaysAgo: 8 });
  t.equal(old(), 'OPT_OUT_LIST_OLD');
});
