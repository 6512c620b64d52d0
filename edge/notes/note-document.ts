/**
 * A rejection note of a copy whose home does not hold the study any more: a Key Object Selection that names what the
 * receiving PACS was given of it. PS3.3 A.35.4, PS3.16 TID 2010, IHE RAD IOCM; IS-41 of the domain notes.
 *
 *   what was delivered + the copy as it was filed here ─► data set, Explicit VR Little Endian
 *
 * Pure. The same withdrawal gives the same object.
 */
import type { EventBody, StudyEvent } from '../../shared/contract/events.ts';
import { type Entry, writeSmallDataSet } from '../../shared/dicom/small-data-set.ts';
import { Tag } from '../../shared/dicom/tag.ts';
import {
  code,
  dicomDate,
  dicomTime,
  EXPLICIT_LITTLE_ENDIAN,
  type MadeDocument,
  studyEntries,
  T,
  textItem,
  uidOf,
} from '../documents/document-parts.ts';

export const KEY_OBJECT_SELECTION = '1.2.840.10008.5.1.4.1.1.88.59';
/** Behind whatever the study has itself, and the reports that came with it. */
const SERIES_NUMBER = '9902';

/** PS3.16 CID 7011. */
const MEANINGS = {
  '113037': 'Rejected for Patient Safety Reasons',
  '113038': 'Incorrect Modality Worklist Entry',
  '113039': 'Data Retention Policy Expired',
} as const;
export type NoteCode = keyof typeof MEANINGS;

export interface Reference {
  readonly sopInstanceUID: string;
  readonly sopClassUID: string;
  readonly seriesInstanceUID: string;
}

export interface NoteFacts {
  /** Of the withdrawal: another one of the same study is another note. */
  readonly commandId: string;
  readonly peer: string;
  /** The copy as it was filed here: whose, and under which accession number. */
  readonly study: EventBody<StudyEvent>;
  /** ODS code of this trust. */
  readonly trust: string;
  readonly code: NoteCode;
  /** RFC 3339: when the home's word came. */
  readonly at: string;
  /** At least one. */
  readonly references: readonly Reference[];
}

export function rejectionNote(facts: NoteFacts): MadeDocument {
  const { commandId, peer, study, trust, references } = facts;
  const { studyInstanceUID, home } = study;
  const parts = ['withdrawal', trust, studyInstanceUID, home, commandId, peer];
  const [sopInstanceUID, seriesInstanceUID] = [uidOf(parts), uidOf([...parts, 'series'])];
  const entries: Entry[] = [
    ...studyEntries(study),
    [Tag.SOPClassUID, KEY_OBJECT_SELECTION],
    [Tag.SOPInstanceUID, sopInstanceUID],
    [Tag.SeriesInstanceUID, seriesInstanceUID],
    [Tag.Modality, 'KO'],
    [Tag.SeriesNumber, SERIES_NUMBER],
    [Tag.InstanceNumber, '1'],
    [Tag.SeriesDescription, `Withdrawn by ${home}`],
    [Tag.InstitutionName, trust],
    [T.Manufacturer, 'CDIP'],
    [T.ContentDate, dicomDate(facts.at)],
    [T.ContentTime, dicomTime(facts.at)],
    [T.ReferencedPerformedProcedureStepSequence, []],
    [T.CurrentRequestedProcedureEvidenceSequence, [evidence(studyInstanceUID, references)]],
    [T.ValueType, 'CONTAINER'],
    [T.ConceptNameCodeSequence, [code(facts.code, 'DCM', MEANINGS[facts.code])]],
    [T.ContinuityOfContent, 'SEPARATE'],
    [
      T.ContentTemplateSequence,
      [
        [
          [T.MappingResource, 'DCMR'],
          [T.TemplateIdentifier, '2010'],
        ],
      ],
    ],
    [T.ContentSequence, [description(home), ...references.map(objectItem)]],
  ];
  return {
    dataSet: writeSmallDataSet(EXPLICIT_LITTLE_ENDIAN, entries),
    sopClassUID: KEY_OBJECT_SELECTION,
    sopInstanceUID,
    seriesInstanceUID,
  };
}

const description = (home: string): readonly Entry[] =>
  textItem(
    '113012',
    'Key Object Description',
    `${home}, where the study was made, does not hold it any more and has taken it back. This copy is not to be used.`,
  );

function evidence(studyInstanceUID: string, references: readonly Reference[]): Entry[] {
  const series = Map.groupBy(references, ({ seriesInstanceUID }) => seriesInstanceUID);
  const items = [...series].map(([uid, objects]): Entry[] => [
    [Tag.SeriesInstanceUID, uid],
    [T.ReferencedSOPSequence, objects.map(objectReference)],
  ]);
  return [
    [Tag.StudyInstanceUID, studyInstanceUID],
    [T.ReferencedSeriesSequence, items],
  ];
}

const objectReference = ({ sopClassUID, sopInstanceUID }: Reference): Entry[] => [
  [T.ReferencedSOPClassUID, sopClassUID],
  [T.ReferencedSOPInstanceUID, sopInstanceUID],
];

const objectItem = (reference: Reference): Entry[] => [
  [T.RelationshipType, 'CONTAINS'],
  [T.ValueType, valueTypeOf(reference.sopClassUID)],
  [T.ReferencedSOPSequence, [objectReference(reference)]],
];

/** Storage classes that are no images: presentation states, SR, documents, RT objects, raw and derived data. */
const COMPOSITE =
  /^1\.2\.840\.10008\.5\.1\.4\.(1\.1\.(11|66|67|68|78|79|80|82|88|104|130|131|200|201)(\.|$)|1\.1\.481\.(?!1$)|34\.|4[345]\.)/;
const WAVEFORM = /^1\.2\.840\.10008\.5\.1\.4\.1\.1\.9\./;

function valueTypeOf(sopClassUID: string): 'IMAGE' | 'WAVEFORM' | 'COMPOSITE' {
  if (WAVEFORM.test(sopClassUID)) return 'WAVEFORM';
  return COMPOSITE.test(sopClassUID) ? 'COMPOSITE' : 'IMAGE';
}
