/** How a QIDO-RS question becomes one of the network's: whose patient number it is. PS3.18 §10.6. */
import t from 'tap';
import { studyQueryOf } from '../../../../hub/dicomweb/qido.ts';
import type { StudyRow } from '../../../../hub/search/rows.ts';
import { readQidoQuery } from '../../../../shared/dicomweb/query.ts';

/** What of a study is matched one by one. */
const ROW = {
  ...{ study_time: '101500', study_id: 'S1', referring_physician: 'Okafor^Ada' },
  ...{ description: 'CT head', institution: null, sex: 'F', birth_date: '19500102' },
} as StudyRow;

function matchesRow(parameters: Record<string, string>): boolean | undefined {
  const read = readQidoQuery(parameters);
  if ('fault' in read) throw new Error(read.fault);
  const found = studyQueryOf(read.query, null);
  return 'fault' in found ? undefined : found.matches?.(ROW);
}

function ask(parameters: Record<string, string>, ownIssuer: string | null = null): unknown {
  const read = readQidoQuery(parameters);
  if ('fault' in read) return read.fault;
  const found = studyQueryOf(read.query, ownIssuer);
  return 'fault' in found ? found.fault : found.query;
}

t.test('an NHS number as PatientID asks for the person, wherever the images are', async (t) => {
  t.strictSame(ask({ '00100020': '9434765919' }), { nhsNumber: '9434765919' });
  t.strictSame(ask({ PatientID: '9434765919', IssuerOfPatientID: 'NHS' }), {
    nhsNumber: '9434765919',
  });
});

t.test('a local number is never asked for without its issuer', async (t) => {
  t.match(ask({ PatientID: 'A17' }), /IssuerOfPatientID is needed/);
  t.strictSame(ask({ PatientID: 'A17', IssuerOfPatientID: 'RRK' }), {
    patientId: 'A17',
    issuer: 'RRK',
  });
  t.strictSame(ask({ PatientID: 'A17^^^RRK' }), { patientId: 'A17', issuer: 'RRK' });
});

t.test('of the people of a trust, a number without issuer is that trust’s', async (t) => {
  t.strictSame(ask({ PatientID: 'A17' }, 'RJE'), { patientId: 'A17', issuer: 'RJE' });
});

t.test('a number that looks like an NHS number but has an issuer is that issuer’s', async (t) => {
  t.strictSame(ask({ PatientID: '9434765919', IssuerOfPatientID: 'RRK' }), {
    patientId: '9434765919',
    issuer: 'RRK',
  });
});

t.test('dates are one, or a range', async (t) => {
  t.strictSame(ask({ StudyDate: '20260101-20260131' }), { from: '20260101', to: '20260131' });
  t.strictSame(ask({ StudyDate: '20260101-' }), { from: '20260101' });
  t.strictSame(ask({ StudyDate: '20260102' }), { from: '20260102', to: '20260102' });
});

t.test('what can not be asked for is refused, never left out', async (t) => {
  t.match(ask({ '00101010': '050Y' }), /00101010 can not be asked for/);
  t.match(ask({ Colour: 'x' }), /no attribute/);
  t.match(ask({ AccessionNumber: 'A*' }), /can not be asked for/);
  t.match(ask({ StudyDate: '2026' }), /a date is YYYYMMDD/);
  t.match(ask({ StudyDate: '20260230' }), /a date is YYYYMMDD/);
  t.match(ask({ StudyTime: '2500' }), /a time is HHMMSS/);
  t.match(ask({ StudyInstanceUID: '1.2.*' }), /a UID/);
  t.match(ask({ fuzzymatching: 'maybe' }), /true or false/);
  t.match(ask({ limit: 'many' }), /whole numbers/);
});

t.test('what no index helps with is matched as DICOM says, study by study', async (t) => {
  for (const [parameters, isMatched] of [
    [{ StudyTime: '1000-1030' }, true],
    [{ StudyTime: '11-' }, false],
    [{ StudyDescription: 'CT*' }, true],
    [{ StudyDescription: 'ct*' }, false],
    [{ ReferringPhysicianName: 'okafor*' }, true],
    [{ StudyID: 'S1', PatientSex: 'F' }, true],
    [{ StudyID: 'S1', PatientSex: 'M' }, false],
    [{ InstitutionName: 'Trust*' }, false],
    [{ PatientBirthDate: '19490101-19501231' }, true],
  ] as const)
    t.equal(matchesRow(parameters), isMatched, JSON.stringify(parameters));
});

t.test('a list of UIDs asks for each of them', async (t) => {
  const both = { studyInstanceUID: '2.999.1\\2.999.2' };
  t.strictSame(ask({ StudyInstanceUID: '2.999.1,2.999.2' }), both);
  t.strictSame(ask({ StudyInstanceUID: '2.999.1\\2.999.2' }), both);
});
