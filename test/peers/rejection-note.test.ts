/** A rejection note of a withdrawn copy, judged by DCMTK and dciodvfy. edge/notes/note-document.ts. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { EXPLICIT_LITTLE_ENDIAN } from '../../edge/documents/document-parts.ts';
import {
  KEY_OBJECT_SELECTION,
  type NoteCode,
  rejectionNote,
} from '../../edge/notes/note-document.ts';
import { dicomReading } from '../../edge/scp/dicom-reading.ts';
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
const CLASSES = [
  ['1.2.840.10008.5.1.4.1.1.2', '2.25.8001.1'],
  ['1.2.840.10008.5.1.4.1.1.88.22', '2.25.8001.2'],
  ['1.2.840.10008.5.1.4.1.1.11.1', '2.25.8001.3'],
  ['1.2.840.10008.5.1.4.1.1.9.1.1', '2.25.8001.4'],
  ['1.2.840.10008.5.1.4.1.1.481.1', '2.25.8001.5'],
  ['1.2.840.10008.5.1.4.1.1.481.3', '2.25.8001.5'],
] as const;
const references = CLASSES.map(([sopClassUID, seriesInstanceUID], at) => ({
  ...{ sopClassUID, seriesInstanceUID, sopInstanceUID: `${seriesInstanceUID}.${at}` },
}));
const noteOf = (code: NoteCode) =>
  rejectionNote({
    ...{ commandId: 'withdraw-1', peer: 'main-pacs', study, trust: 'RRK', code, references },
    at: '2026-03-15T08:00:00.000Z',
  });

t.test(
  'a rejection note is a valid key object selection, whatever it names',
  { skip: missingPeer('dciodvfy', 'dsrdump') },
  async (t) => {
    for (const code of ['113037', '113038', '113039'] as const) {
      const { dataSet, sopInstanceUID } = noteOf(code);
      const head = encodePart10Head({
        ...{ sopClassUID: KEY_OBJECT_SELECTION, sopInstanceUID },
        transferSyntaxUID: EXPLICIT_LITTLE_ENDIAN,
      });
      const file = join(t.testdir(), 'note.dcm');
      writeFileSync(file, Buffer.concat([head, dataSet]));
      t.strictSame(await definitionErrors(file), []);
      const { code: exit, output } = await runTool('dsrdump', ['+Pl', file]);
      t.equal(exit, 0, output);
      t.match(output, 'RJE, where the study was made');
    }
  },
);

t.test('an edge reads it as one, and the same withdrawal is the same object', async (t) => {
  const { dataSet } = noteOf('113039');
  const reader = dicomReading.openReader(EXPLICIT_LITTLE_ENDIAN);
  await reader.write(dataSet);
  t.match(await reader.end(), {
    rejects: {
      code: '113039',
      sopInstanceUIDs: references.map(({ sopInstanceUID }) => sopInstanceUID),
    },
  });
  t.ok(noteOf('113039').dataSet.equals(dataSet));
});
