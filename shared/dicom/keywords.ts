/** Attributes that a person may name by keyword, PS3.6; any other by its tag, as (gggg,eeee). */

const TAGS: Readonly<Record<string, number>> = {
  ImageType: 0x0008_0008,
  SOPClassUID: 0x0008_0016,
  StudyDate: 0x0008_0020,
  AccessionNumber: 0x0008_0050,
  Modality: 0x0008_0060,
  Manufacturer: 0x0008_0070,
  InstitutionName: 0x0008_0080,
  ReferringPhysicianName: 0x0008_0090,
  StationName: 0x0008_1010,
  StudyDescription: 0x0008_1030,
  SeriesDescription: 0x0008_103e,
  InstitutionalDepartmentName: 0x0008_1040,
  ManufacturerModelName: 0x0008_1090,
  PatientID: 0x0010_0020,
  IssuerOfPatientID: 0x0010_0021,
  PatientSex: 0x0010_0040,
  PatientAge: 0x0010_1010,
  ContrastBolusAgent: 0x0018_0010,
  BodyPartExamined: 0x0018_0015,
  ScanningSequence: 0x0018_0020,
  SequenceName: 0x0018_0024,
  SliceThickness: 0x0018_0050,
  KVP: 0x0018_0060,
  MagneticFieldStrength: 0x0018_0087,
  DeviceSerialNumber: 0x0018_1000,
  ProtocolName: 0x0018_1030,
  ConvolutionKernel: 0x0018_1210,
  ViewPosition: 0x0018_5101,
  StudyID: 0x0020_0010,
  SeriesNumber: 0x0020_0011,
  InstanceNumber: 0x0020_0013,
  Laterality: 0x0020_0060,
  ImageLaterality: 0x0020_0062,
  NumberOfFrames: 0x0028_0008,
  Rows: 0x0028_0010,
  Columns: 0x0028_0011,
  BurnedInAnnotation: 0x0028_0301,
  RequestedProcedureDescription: 0x0032_1060,
  PerformedProcedureStepDescription: 0x0040_0254,
};

/** @returns undefined for what is neither a keyword of these nor a tag */
export function tagOfName(name: string): number | undefined {
  if (Object.hasOwn(TAGS, name)) return TAGS[name];
  const [, group, element] = /^\(([0-9a-f]{4}),([0-9a-f]{4})\)$/i.exec(name) ?? [];
  return group === undefined ? undefined : Number.parseInt(`${group}${element}`, 16);
}
