/**
 * The attributes that may be asked for and matched on, by level. PS3.4 C.6.1.1, C.6.2.1.
 * What the conformance statement says is printed from here.
 */
export type Level = 'PATIENT' | 'STUDY' | 'SERIES' | 'IMAGE';

/** Unique, required and optional keys; `returned`: answered, never matched on. */
export type KeyKind = 'unique' | 'required' | 'optional' | 'returned';

export interface QueryKey {
  readonly keyword: string;
  readonly tag: number;
  readonly vr: string;
  readonly level: Level;
  readonly kind: KeyKind;
}

type Entry = readonly [keyword: string, tag: number, vr: string, kind: KeyKind];

const KEYS_OF_LEVEL: Readonly<Record<Level, readonly Entry[]>> = {
  PATIENT: [
    ['PatientID', 0x0010_0020, 'LO', 'unique'],
    ['PatientName', 0x0010_0010, 'PN', 'required'],
    ['IssuerOfPatientID', 0x0010_0021, 'LO', 'optional'],
    ['PatientBirthDate', 0x0010_0030, 'DA', 'optional'],
    ['PatientSex', 0x0010_0040, 'CS', 'optional'],
  ],
  STUDY: [
    ['StudyInstanceUID', 0x0020_000d, 'UI', 'unique'],
    ['StudyDate', 0x0008_0020, 'DA', 'required'],
    ['StudyTime', 0x0008_0030, 'TM', 'required'],
    ['AccessionNumber', 0x0008_0050, 'SH', 'required'],
    ['StudyID', 0x0020_0010, 'SH', 'required'],
    ['ModalitiesInStudy', 0x0008_0061, 'CS', 'optional'],
    ['StudyDescription', 0x0008_1030, 'LO', 'optional'],
    ['ReferringPhysicianName', 0x0008_0090, 'PN', 'optional'],
    ['InstitutionName', 0x0008_0080, 'LO', 'optional'],
    ['NumberOfStudyRelatedSeries', 0x0020_1206, 'IS', 'returned'],
    ['NumberOfStudyRelatedInstances', 0x0020_1208, 'IS', 'returned'],
  ],
  SERIES: [
    ['SeriesInstanceUID', 0x0020_000e, 'UI', 'unique'],
    ['Modality', 0x0008_0060, 'CS', 'required'],
    ['SeriesNumber', 0x0020_0011, 'IS', 'required'],
    ['SeriesDescription', 0x0008_103e, 'LO', 'optional'],
    ['BodyPartExamined', 0x0018_0015, 'CS', 'optional'],
    ['NumberOfSeriesRelatedInstances', 0x0020_1209, 'IS', 'returned'],
  ],
  IMAGE: [
    ['SOPInstanceUID', 0x0008_0018, 'UI', 'unique'],
    ['InstanceNumber', 0x0020_0013, 'IS', 'required'],
    ['SOPClassUID', 0x0008_0016, 'UI', 'optional'],
    ['AvailableTransferSyntaxUID', 0x0008_3002, 'UI', 'returned'],
  ],
};

export const QUERY_KEYS: readonly QueryKey[] = (
  Object.entries(KEYS_OF_LEVEL) as [Level, readonly Entry[]][]
).flatMap(([level, entries]) =>
  entries.map(([keyword, tag, vr, kind]) => ({ keyword, tag, vr, level, kind })),
);

const BY_TAG = new Map(QUERY_KEYS.map((key) => [key.tag, key]));
export const keyOf = (tag: number): QueryKey | undefined => BY_TAG.get(tag);

/** Of the query itself, not of what is asked for. */
export const QueryTag = {
  SpecificCharacterSet: 0x0008_0005,
  QueryRetrieveLevel: 0x0008_0052,
  RetrieveAETitle: 0x0008_0054,
  InstanceAvailability: 0x0008_0056,
  FailedSOPInstanceUIDList: 0x0008_0058,
  TimezoneOffsetFromUTC: 0x0008_0201,
} as const;

export interface InformationModel {
  readonly name: 'Study Root' | 'Patient Root';
  readonly levels: readonly Level[];
  readonly find: string;
  readonly move: string;
  readonly get: string;
}

export const INFORMATION_MODELS: readonly InformationModel[] = [
  {
    name: 'Study Root',
    levels: ['STUDY', 'SERIES', 'IMAGE'],
    find: '1.2.840.10008.5.1.4.1.2.2.1',
    move: '1.2.840.10008.5.1.4.1.2.2.2',
    get: '1.2.840.10008.5.1.4.1.2.2.3',
  },
  {
    name: 'Patient Root',
    levels: ['PATIENT', 'STUDY', 'SERIES', 'IMAGE'],
    find: '1.2.840.10008.5.1.4.1.2.1.1',
    move: '1.2.840.10008.5.1.4.1.2.1.2',
    get: '1.2.840.10008.5.1.4.1.2.1.3',
  },
];
