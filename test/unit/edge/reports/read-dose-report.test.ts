/** Radiation dose reports. edge/reports/read-dose-report.ts; PS3.16 TID 10001, TID 10011. */
import t from 'tap';
import { isDoseReport, readDoseReport } from '../../../../edge/reports/read-dose-report.ts';
import { readSmallDataSet } from '../../../../shared/dicom/small-data-set.ts';
import { EXPLICIT_VR_LITTLE_ENDIAN } from '../../../../shared/dicom/transfer-syntax.ts';
import { type DoseReport, doseReport } from '../../../support/dose-report.ts';

const study = {
  ...{ studyInstanceUID: '2.25.70', date: '20260615', time: '101500', institution: 'Trust RRK' },
  ...{ accessionNumber: 'A70', description: 'CT chest' },
  patient: {
    ...{ patientId: '1001', issuer: 'RRK', nhsNumber: '9434765919', name: 'Smith^Anna' },
    ...{ birthDate: '19580131', sex: 'F' as const },
  },
};

function read(report: Omit<DoseReport, 'study' | 'sopInstanceUID'>) {
  const bytes = doseReport({ study, sopInstanceUID: '2.25.70.99', ...report });
  const dataSet = readSmallDataSet(EXPLICIT_VR_LITTLE_ENDIAN, bytes);
  t.ok(isDoseReport(dataSet));
  return readDoseReport({
    ...{ dataSet, sopInstanceUID: '2.25.70.99', receivedAt: '2026-06-16T00:00:00.000Z' },
    toUTC: (date, time) => `${date} ${time}`,
  });
}

t.test(
  'of CT each acquisition is told, the localiser as such, and no total beside them',
  async (t) => {
    const dose = read({
      ct: {
        dlpTotal: ['512.5', 'mGy.cm'],
        events: [
          {
            uid: '1.1',
            protocol: 'Topogram',
            isLocaliser: true,
            ctdivol: ['0.14', 'mGy'],
            dlp: ['6.5', 'mGy.cm'],
          },
          { uid: '1.2', protocol: 'Thorax', ctdivol: ['0.0084', 'Gy'], dlp: ['506', 'mGycm'] },
        ],
      },
    });
    t.match(dose, {
      ...{ kind: 'dose', modality: 'CT', device: 'SCANNER1', accessionNumber: 'A70' },
      ...{ studyInstanceUID: '2.25.70', sopInstanceUID: '2.25.70.99' },
      irradiations: [
        {
          eventUID: '1.1',
          isLocaliser: true,
          ctdivolMGy: 0.14,
          dlpMGyCm: 6.5,
          protocol: 'Topogram',
        },
        { eventUID: '1.2', isLocaliser: false, ctdivolMGy: 8.4, dlpMGyCm: 506, dapGyCm2: null },
      ],
    });
    t.equal(dose?.irradiations.length, 2);
    t.equal(dose?.irradiations[0]?.startedAt, '20260615 101500', 'by the clock on the wall');
    t.notMatch(JSON.stringify(dose), /Smith|9434765919|1001/, 'names no patient');
  },
);

t.test(
  'of projection X-ray areas, points and the time of fluoroscopy are told in one unit each',
  async (t) => {
    const dose = read({
      xray: {
        totals: { dap: ['0.00031', 'Gy.m2'], fluoro: ['75', 's'] },
        events: [
          {
            uid: '2.1',
            began: '20260615101630.5+0100',
            isFluoroscopy: true,
            dap: ['0.0003', 'Gy.m2'],
            duration: ['75000', 'ms'],
          },
          {
            uid: '2.2',
            began: '20260615101700',
            dap: ['1', 'dGy.cm2'],
            referencePoint: ['0.002', 'Gy'],
            duration: ['0.5', 's'],
          },
        ],
      },
    });
    t.equal(dose?.modality, null, 'which X-ray it is, is said by the images');
    t.match(dose?.irradiations, [
      {
        dapGyCm2: 3,
        fluoroSeconds: 75,
        referencePointMGy: null,
        startedAt: '2026-06-15T09:16:30.000Z',
      },
      { dapGyCm2: 0.1, fluoroSeconds: null, referencePointMGy: 2, startedAt: '20260615 101700' },
    ]);
  },
);

t.test(
  'what a device tells only as a sum is told under the study, so that a later sum takes its place',
  async (t) => {
    const dose = read({
      xray: {
        totals: { dap: ['250', 'mGy.cm2'], referencePoint: ['3', 'mGy'], fluoro: ['2', 'min'] },
        events: [{ uid: '2.1', referencePoint: ['1', 'mGy'] }],
      },
    });
    t.match(dose?.irradiations, [
      { eventUID: '2.1', dapGyCm2: null, referencePointMGy: 1 },
      { eventUID: '2.25.70', dapGyCm2: 0.25, referencePointMGy: null, fluoroSeconds: 120 },
    ]);
  },
);

t.test('of mammography the glandular dose of each exposure is told', async (t) => {
  const dose = read({
    xray: {
      events: [
        { uid: '2.1', glandular: ['1.4', 'mGy'] },
        { uid: '2.2', glandular: ['0.016', 'dGy'] },
        { uid: '2.3', glandular: ['150', 'mrad'] },
      ],
    },
  });
  t.match(dose?.irradiations, [
    { glandularMGy: 1.4 },
    { glandularMGy: 1.6 },
    { glandularMGy: null },
  ]);
});

t.test('of nuclear medicine each administration is told, from when it began', async (t) => {
  const dose = read({
    administrations: [
      { uid: '3.1', began: '20260615093000', activity: ['605.5', 'MBq'] },
      { uid: '3.2', activity: ['10', 'mCi'] },
      { uid: '3.3', activity: ['7', 'counts'] },
    ],
  });
  t.match(dose?.irradiations, [
    { eventUID: '3.1', activityMBq: 605.5, startedAt: '20260615 093000', dapGyCm2: null },
    { eventUID: '3.2', activityMBq: 370 },
    { eventUID: '3.3', activityMBq: null },
  ]);
});

t.test('two planes under one UID are one event with both doses', async (t) => {
  const dose = read({
    xray: {
      events: [
        { uid: '2.1', dap: ['1', 'Gy.cm2'] },
        { uid: '2.1', dap: ['2', 'Gy.cm2'] },
      ],
    },
  });
  t.match(dose?.irradiations, [{ eventUID: '2.1', dapGyCm2: 3 }]);
  t.equal(dose?.irradiations.length, 1);
});

t.test('a value in an unknown unit, below zero or without digits is not told', async (t) => {
  const dose = read({
    ct: {
      events: [
        { uid: '1.1', protocol: 'Thorax', ctdivol: ['8', 'rad'], dlp: ['-1', 'mGy.cm'] },
        { uid: '1.2', protocol: 'Thorax', ctdivol: ['', 'mGy'], dlp: ['10', 'mGy.cm'] },
      ],
    },
  });
  t.match(dose?.irradiations, [
    { ctdivolMGy: null, dlpMGyCm: null },
    { ctdivolMGy: null, dlpMGyCm: 10 },
  ]);
});

t.test('a report of no irradiation tells nothing', async (t) => {
  t.equal(read({ ct: { events: [] } }), undefined);
});
