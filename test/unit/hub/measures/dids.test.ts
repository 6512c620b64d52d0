/** The pre-check of DIDS: each public rule finds the fault of a file made for it, and nothing in a clean one. */
import { execFileSync, spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { checkDids } from '../../../../hub/measures/dids/check.ts';
import {
  DIDS_FIELDS,
  type DidsField,
  type DidsReference,
} from '../../../../hub/measures/dids/fields.ts';
import { DIDS_RULES } from '../../../../hub/measures/dids/rules.ts';

const SUBMITTED = '2026-06-20';
const CLEAN: Record<DidsField, string> = {
  ...{
    nhsNumber: '9434765919',
    nhsNumberStatus: '01',
    birthDate: '1957-03-02',
    ethnicCategory: 'A',
  },
  ...{ gender: '2', postcode: 'B15 2GW', practice: 'M85001', sourceSetting: '03' },
  ...{ referrer: 'C1234567', referringOrganisation: 'RRK', requestDate: '2026-05-01' },
  ...{ receivedDate: '2026-05-02', testDate: '2026-05-20', nicip: 'CTHOR', snomed: '241540006' },
  ...{ reportDate: '2026-05-22', site: 'RRK15', accession: 'RRK0000001' },
};
const REFERENCE: DidsReference = {
  nicip: new Map([
    ['CTHOR', { snomed: '241540006', until: null }],
    ['COLD', { snomed: '241540006', until: '2026-03-31' }],
    ['CGONE', { snomed: '241540006', until: '2025-01-31' }],
  ]),
  snomed: new Map([
    ['241540006', { until: null }],
    ['111', { until: '2026-03-31' }],
    ['222', { until: '2025-01-31' }],
  ]),
  referringOrganisations: new Map([
    ['RRK', { until: null }],
    ['ROLD', { until: '2026-03-31' }],
  ]),
  practices: new Map([
    ['M85001', { until: null }],
    ['M85009', { until: '2026-03-31' }],
  ]),
  sites: new Map([
    ['RRK15', { until: null }],
    ['RRK99', { until: '2026-03-31' }],
  ]),
  postcodes: new Set(['B152GW']),
};

type Over = Partial<Record<DidsField, string>>;
const lineOf = (over: Over): string =>
  DIDS_FIELDS.map((field) => ({ ...CLEAN, ...over })[field]).join(',');
const check = (...records: Over[]) =>
  checkDids(records.map(lineOf).join('\r\n'), { submitted: SUBMITTED, reference: REFERENCE });

const NOBODY: Over = {
  ...{ nhsNumber: '', nhsNumberStatus: '', birthDate: '', ethnicCategory: '', gender: '' },
  ...{ postcode: '', practice: '' },
};

/** A record with the fault, and every rule that has to find it. */
const FAULTS: readonly (readonly [over: Over, codes: readonly string[]])[] = [
  [{ nhsNumber: '9434765918' }, ['001']],
  [{ nhsNumber: '94347659' }, ['002']],
  [{ nhsNumberStatus: '09' }, ['003']],
  [{ birthDate: '02/03/1957' }, ['005']],
  [{ birthDate: '2026-02-30' }, ['005']],
  [{ birthDate: '2026-05-21' }, ['006']],
  [{ birthDate: '2026-05-23' }, ['006', '008']],
  [{ birthDate: '1900-01-01' }, ['009']],
  [{ birthDate: '2026-05-10', requestDate: '2025-11-09', receivedDate: '2025-12-01' }, ['010']],
  [{ ethnicCategory: 'I' }, ['012']],
  [{ gender: '3' }, ['014']],
  [{ postcode: 'B15 2GX' }, ['016']],
  [{ postcode: 'B15-2GW' }, ['016', '017']],
  [{ practice: 'M00000' }, ['018']],
  [{ sourceSetting: '' }, ['020']],
  [{ sourceSetting: '08' }, ['021']],
  [{ referrer: 'somebody' }, ['023']],
  [{ referringOrganisation: 'XXX' }, ['024']],
  [{ requestDate: '01-05-2026' }, ['026']],
  [{ requestDate: '2026-05-03' }, ['027']],
  [{ requestDate: '2025-05-19' }, ['028']],
  [{ requestDate: '1969-12-31' }, ['028', '031']],
  [{ requestDate: '2026-05-21', receivedDate: '' }, ['034']],
  [{ requestDate: '2026-05-23', receivedDate: '' }, ['034', '035']],
  [{ receivedDate: '2026-13-01' }, ['036']],
  [{ requestDate: '', receivedDate: '2025-05-19' }, ['038']],
  [{ requestDate: '', receivedDate: '2025-11-01', birthDate: '2026-05-10' }, ['040']],
  [{ requestDate: '', receivedDate: '1969-12-31' }, ['038', '041']],
  [{ receivedDate: '2026-05-21' }, ['043']],
  [{ receivedDate: '2026-05-23' }, ['043', '044']],
  [{ testDate: 'yesterday' }, ['045']],
  [{ reportDate: '2026-05-19' }, ['048']],
  [
    { testDate: '2026-02-28', requestDate: '', receivedDate: '', reportDate: '2026-03-01' },
    ['049'],
  ],
  [{ testDate: '' }, ['050']],
  [{ testDate: '2026-06-21', reportDate: '' }, ['051']],
  [
    { testDate: '2025-11-30', requestDate: '', receivedDate: '', reportDate: '2025-12-01' },
    ['055'],
  ],
  [{ nicip: '', snomed: '' }, ['056']],
  [{ nicip: 'NONE' }, ['057']],
  [{ nicip: 'CGONE' }, ['057']],
  [{ nicip: '', snomed: '333' }, ['059']],
  [{ nicip: '', snomed: '222' }, ['059']],
  [{ reportDate: '22 May 2026' }, ['061']],
  [{ testDate: '2026-05-02', receivedDate: '', reportDate: '2026-06-03' }, ['062']],
  [{ reportDate: '2026-06-21' }, ['062', '066']],
  [{ site: '' }, ['067']],
  [{ site: 'RRK16' }, ['068']],
  [{ site: 'RR' }, ['069']],
  [{ accession: '' }, ['070']],
  [{ accession: 'A'.repeat(21) }, ['072']],
  [NOBODY, ['073']],
  [{ ...NOBODY, postcode: 'ZZ99 3VZ' }, ['074']],
  [{ nicip: 'COLD' }, ['077']],
  [{ nicip: '', snomed: '111' }, ['078']],
  [{ referringOrganisation: 'ROLD' }, ['079']],
  [{ practice: 'M85009' }, ['080']],
  [{ site: 'RRK99' }, ['081']],
  [{ snomed: '111' }, ['078', '082']],
];

t.test(
  'each fault is found by its rules and by no other, and the neighbours are clean',
  async (t) => {
    for (const [over, codes] of FAULTS) {
      const report = check({ accession: 'N1' }, over, { accession: 'N2' });
      const found = report.findings.map(({ line, code }) => `${line} ${code}`);
      t.strictSame(
        found,
        codes.map((code) => `2 DIDS${code}`),
        JSON.stringify(over),
      );
    }
    const tried = new Set(FAULTS.flatMap(([, codes]) => codes.map((code) => `DIDS${code}`)));
    t.strictSame(
      DIDS_RULES.map(({ code }) => code).filter((code) => !tried.has(code)),
      [],
      'every rule has a file',
    );
  },
);

t.test('a clean file has no finding, at the edges of every limit too', async (t) => {
  const clean = [
    { accession: 'C1' },
    { accession: 'C2', postcode: 'ZZ99 3VZ' },
    { accession: 'C3', testDate: '2026-06-20', reportDate: '2026-06-20' },
    {
      accession: 'C4',
      testDate: '2026-03-01',
      requestDate: '2025-03-01',
      receivedDate: '2025-03-01',
      reportDate: '2026-04-01',
      postcode: 'b152gw',
    },
    { accession: 'C5', requestDate: '', receivedDate: '', reportDate: '' },
    { accession: 'C6', ...NOBODY, gender: '9' },
    {
      accession: 'C1',
      site: 'RRK99',
      testDate: '2026-03-31',
      requestDate: '',
      receivedDate: '',
      reportDate: '',
    },
  ];
  const report = check(...clean);
  t.strictSame(report, { records: clean.length, rejected: 0, warned: 0, findings: [] });
});

t.test(
  'a pair of accession number and site that comes twice is told at each of its records',
  async (t) => {
    const report = check({ accession: 'A1' }, { accession: 'A2' }, { accession: 'a1' });
    t.strictSame(
      report.findings.map(({ line, code }) => [line, code]),
      [
        [1, 'DIDS071'],
        [3, 'DIDS071'],
      ],
    );
    t.equal(report.rejected, 2);
  },
);

t.test('a file with another number of columns is rejected as a whole, at the line', async (t) => {
  const text = `${lineOf({})}\n${lineOf({})},more\n`;
  const { findings } = checkDids(text, { submitted: SUBMITTED, reference: {} });
  t.strictSame(
    findings.map(({ line, code }) => [line, code]),
    [[2, 'DIDS075']],
  );
  t.equal(checkDids('', { submitted: SUBMITTED, reference: {} }).findings[0]?.code, 'DIDS075');
});

t.test('a year is a year, also over a leap day', (t) => {
  const dates = { testDate: '2024-06-20', receivedDate: '', reportDate: '', birthDate: '' };
  const codes = (requestDate: string): string[] =>
    checkDids(lineOf({ ...dates, requestDate }), {
      submitted: '2024-06-20',
      reference: REFERENCE,
    }).findings.map(({ code }) => code);
  t.strictSame(codes('2023-06-20'), []);
  t.strictSame(codes('2023-06-19'), ['DIDS028']);
  t.end();
});

t.test('headings, quotes and a byte order mark are no faults', async (t) => {
  const quoted = DIDS_FIELDS.map((field) => `"${CLEAN[field]}"`).join(',');
  const heading = 'NHS NUMBER,'.concat(DIDS_FIELDS.slice(1).join(','));
  const report = checkDids(`\ufeff${heading}\n${quoted}`, {
    submitted: SUBMITTED,
    reference: REFERENCE,
  });
  t.strictSame([report.records, report.findings], [1, []]);
});

t.test('cdip hub dids-check tells line and rule, and its exit code decides', async (t) => {
  const folder = t.testdir({ 'sites.csv': 'RRK15,\n' });
  const cdip = join(import.meta.dirname, '..', '..', '..', '..', 'bin', 'cdip');
  const run = (name: string, over: Over) => {
    const file = join(folder, name);
    writeFileSync(file, lineOf(over));
    const args = ['hub', 'dids-check', file, '--submitted', SUBMITTED, '--reference', folder];
    return spawnSync(cdip, args, { encoding: 'utf8' });
  };
  const bad = run('bad.dat', { site: 'RRK16' });
  t.equal(bad.status, 1, bad.stderr);
  t.match(bad.stdout, /^line 1\tDIDS068\treject\tsite\t/);
  t.strictSame(run('good.dat', {}).status, 0);
  writeFileSync(join(folder, 'empty.dat'), '');
  const good = join(folder, 'good.dat');
  const others: readonly (readonly [args: string[], status: number, says: RegExp])[] = [
    [[join(folder, 'empty.dat')], 1, /DIDS075/],
    [[good, '--submitted', '20-06-2026'], 64, /is no date; write it as/],
    [[good, '--reference', join(folder, 'elsewhere')], 64, /none of the files/],
  ];
  for (const [args, status, says] of others) {
    const run = spawnSync(cdip, ['hub', 'dids-check', ...args], { encoding: 'utf8' });
    t.equal(run.status, status, args.join(' '));
    t.match(run.stdout + run.stderr, says);
  }
  const args = ['hub', 'dids-check', join(folder, 'good.dat'), '--submitted', SUBMITTED, '--json'];
  t.equal(
    (JSON.parse(execFileSync(cdip, args, { encoding: 'utf8' })) as { rejected: number }).rejected,
    0,
  );
});
