/** Another trust's report as a document of the copy, judged by DCMTK and dciodvfy. edge/reports/report-document.ts. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { EXPLICIT_LITTLE_ENDIAN } from '../../edge/documents/document-parts.ts';
import { BASIC_TEXT_SR, reportDocument } from '../../edge/reports/report-document.ts';
import type { CopiedReport } from '../../shared/contract/commands.ts';
import type { EventBody, StudyEvent } from '../../shared/contract/events.ts';
import { encodePart10Head } from '../../shared/dicom/part10.ts';
import { definitionErrors } from '../support/dciodvfy.ts';
import { runTool } from '../support/dcmtk.ts';
import { missingPeer } from '../support/missing-peer.ts';

const study = {
  ...{ studyInstanceUID: '2.25.8001', home: 'RJE', studyDate: '20260314', studyTime: '101500' },
  ...{ studyId: '1', accessionNumber: 'I0A1B2C3D4E5F6G7', accessionIssuer: 'RRK' },
  ...{ description: 'CT Thorax', referringPhysician: null },
  patient: {
    ...{ patientId: 'A-17', issuer: 'RRK', nhsNumber: '9434765919', name: 'Smíth^Anna' },
    ...{ birthDate: '19580131', sex: 'F' },
  },
} as unknown as EventBody<StudyEvent>;
const report: CopiedReport = {
  ...{ trust: 'RJE', trustName: 'Royal Stoke', reportId: 'R1', version: 2, status: 'corrected' },
  ...{ issuedAt: '2026-03-14T11:00:00.000Z', title: 'CT Thorax', author: 'Okafor^Ngozi^^Dr' },
  ...{ text: 'A nodule.\nSee CT: 5 µm.', isCut: false, hasDocument: false },
};
const facts = { study, trust: 'RRK', retrievedAt: '2026-03-15T08:00:00.000Z' };

t.test(
  'a report is a valid SR, headed by source, status and author, and names what it replaces',
  { skip: missingPeer('dciodvfy', 'dsrdump') },
  async (t) => {
    const directory = t.testdir();
    const write = (document: ReturnType<typeof reportDocument>): string => {
      const { dataSet, sopInstanceUID } = document;
      const head = encodePart10Head({
        ...{ sopClassUID: BASIC_TEXT_SR, sopInstanceUID },
        transferSyntaxUID: EXPLICIT_LITTLE_ENDIAN,
      });
      const file = join(directory, `${sopInstanceUID}.dcm`);
      writeFileSync(file, Buffer.concat([head, dataSet]));
      return file;
    };
    const first = reportDocument({
      ...{ ...facts, replaces: null },
      report: { ...report, version: 1, status: 'final' },
    });
    const second = reportDocument({ ...facts, report, replaces: 1 });
    t.equal(second.seriesInstanceUID, first.seriesInstanceUID);
    t.not(second.sopInstanceUID, first.sopInstanceUID);
    for (const document of [first, second]) {
      const file = write(document);
      t.strictSame(await definitionErrors(file), []);
      const { code, output } = await runTool('dsrdump', [file]);
      t.equal(code, 0, output);
    }
    const { output } = await runTool('dsrdump', ['+Pl', write(second)]);
    for (const words of [
      'not an original of this one',
      'Source: Royal Stoke \\(RJE\\)',
      'Status: CORRECTED',
      'Author: Okafor Ngozi Dr',
      'A nodule.',
    ])
      t.match(output, new RegExp(words));
    const dump = await runTool('dcmdump', [write(second)]);
    t.match(dump.output, first.sopInstanceUID, 'the predecessor');
    const withdrawn = reportDocument({
      ...{ ...facts, replaces: 2 },
      report: { ...report, version: 3, status: 'withdrawn', text: null },
    });
    const shown = (await runTool('dsrdump', ['+Pl', write(withdrawn)])).output;
    t.match(shown, /Its text is not shown/);
    t.notMatch(shown, /A nodule/);
    t.ok(
      reportDocument({ ...facts, report, replaces: 1 }).dataSet.equals(second.dataSet),
      'the same version is the same object',
    );
  },
);
