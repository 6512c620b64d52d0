/** Reports that came as DICOM objects. edge/reports/read-structured-report.ts. */
import t from 'tap';
import { type Element, encodeDataSet } from '../../../../demo/phantom/data-set.ts';
import {
  isReportClass,
  readObjectReport,
} from '../../../../edge/reports/read-structured-report.ts';
import { readSmallDataSet } from '../../../../shared/dicom/small-data-set.ts';
import { EXPLICIT_VR_LITTLE_ENDIAN } from '../../../../shared/dicom/transfer-syntax.ts';

const BASIC_TEXT = '1.2.840.10008.5.1.4.1.1.88.11';
const PDF = '1.2.840.10008.5.1.4.1.1.104.1';

const code = (meaning: string): Element[] => [[0x00080104, 'LO', meaning]];
const item = (type: string, name: string, ...more: Element[]): Element[] => [
  [0x0040a040, 'CS', type],
  [0x0040a043, 'SQ', [code(name)]],
  ...more,
];
const document = (...more: Element[]): Element[] => [
  [0x00080023, 'DA', '20260615'],
  [0x00080033, 'TM', '101500'],
  [0x00080050, 'SH', 'A9'],
  [0x0020000d, 'UI', '1.2.3'],
  ...more,
];
const CONTENT: Element = [
  0x0040a730,
  'SQ',
  [
    item('CONTAINER', 'Findings', [
      0x0040a730,
      'SQ',
      [
        item('TEXT', 'Finding', [0x0040a160, 'UT', 'A nodule.\r\nIn the left lung.']),
        item('NUM', 'Length', [
          0x0040a300,
          'SQ',
          [
            [
              [0x0040a30a, 'DS', '7.5'],
              [0x004008ea, 'SQ', [code('mm')]],
            ],
          ],
        ]),
      ],
    ]),
    item('CODE', 'Conclusion', [0x0040a168, 'SQ', [code('Probably benign')]]),
    item('IMAGE', 'Source'),
  ],
];
const flags = (completion: string, verification: string): Element[] => [
  [0x0040a491, 'CS', completion],
  [0x0040a493, 'CS', verification],
];

function read(elements: Element[], sopClassUID = BASIC_TEXT, known: Record<string, string> = {}) {
  return readObjectReport({
    dataSet: readSmallDataSet(EXPLICIT_VR_LITTLE_ENDIAN, encodeDataSet(elements)),
    ...{ sopClassUID, sopInstanceUID: '1.2.3.9', receivedAt: '2026-06-16T00:00:00.000Z' },
    toUTC: (date, time) => (date === '' ? null : `${date} ${time}`),
    reportOf: (uid) => known[uid],
  });
}

t.test('the content is read as lines, each behind its name', async (t) => {
  const verified: Element = [0x0040a073, 'SQ', [[[0x0040a075, 'PN', 'Okafor^Ngozi']]]];
  const title: Element = [0x0040a043, 'SQ', [code('CT of the chest')]];
  const report = read(document(CONTENT, title, verified, ...flags('COMPLETE', 'VERIFIED')));
  t.strictSame(report, {
    ...{ reportId: 'DICOM 1.2.3.9', accessionNumbers: ['A9'], studyInstanceUIDs: ['1.2.3'] },
    ...{ status: 'final', issuedAt: '20260615 101500', title: 'CT of the chest' },
    ...{ author: 'Okafor^Ngozi', authorOrganisation: null, startedAt: null, endedAt: null },
    text: 'Findings\nFinding: A nodule.\nIn the left lung.\nLength: 7.5 mm\nConclusion: Probably benign',
    ...{ document: null, isAddendum: false },
  });
});

t.test('what is not complete, or not verified, is preliminary', async (t) => {
  for (const given of [flags('PARTIAL', 'VERIFIED'), flags('COMPLETE', 'UNVERIFIED'), []])
    t.match(read(document(CONTENT, ...given)), { status: 'preliminary' });
});

t.test('a version that names the one before it is a version of the same report', async (t) => {
  const before: Element = [
    0x0040a360,
    'SQ',
    [[[0x00081115, 'SQ', [[[0x00081199, 'SQ', [[[0x00081155, 'UI', '1.2.3.8']]]]]]]]],
  ];
  const elements = document(CONTENT, before, ...flags('COMPLETE', 'VERIFIED'));
  t.match(read(elements, BASIC_TEXT, { '1.2.3.8': 'DICOM 1.2.3.7' }), {
    ...{ reportId: 'DICOM 1.2.3.7', status: 'corrected' },
  });
  t.match(read(elements), { reportId: 'DICOM 1.2.3.8' }, 'though that never came');
});

t.test(
  'a PDF is a report with a document; what has neither text nor document is none',
  async (t) => {
    const pdf = Buffer.from('%PDF-1.4 ');
    const report = read(
      document([0x00420010, 'ST', 'Cardiology letter'], [0x00420011, 'OB', pdf]),
      PDF,
    );
    t.match(report, { title: 'Cardiology letter', status: 'final', text: '' });
    t.match(report?.document, { mediaType: 'application/pdf' });
    t.ok(report?.document?.bytes.subarray(0, pdf.length).equals(pdf));
    t.equal(read(document(), PDF), undefined);
    t.equal(read(document(...flags('COMPLETE', 'VERIFIED'))), undefined);
  },
);

t.test('dose, CAD and key objects are no reports', async (t) => {
  for (const [uid, isReport] of [
    [BASIC_TEXT, true],
    ['1.2.840.10008.5.1.4.1.1.88.33', true],
    [PDF, true],
    ['1.2.840.10008.5.1.4.1.1.88.67', false],
    ['1.2.840.10008.5.1.4.1.1.88.50', false],
    ['1.2.840.10008.5.1.4.1.1.88.59', false],
    ['1.2.840.10008.5.1.4.1.1.2', false],
  ] as const)
    t.equal(isReportClass(uid), isReport, uid);
});
