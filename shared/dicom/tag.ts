/** Tags as one number: group in the upper 16 bits, element in the lower. PS3.5 §7.1. */

/** The tags that this program names. PS3.6. */
export const Tag = {
  SpecificCharacterSet: 0x0008_0005,
  SOPClassUID: 0x0008_0016,
  SOPInstanceUID: 0x0008_0018,
  StudyDate: 0x0008_0020,
  StudyTime: 0x0008_0030,
  AccessionNumber: 0x0008_0050,
  IssuerOfAccessionNumberSequence: 0x0008_0051,
  Modality: 0x0008_0060,
  InstitutionName: 0x0008_0080,
  ReferringPhysicianName: 0x0008_0090,
  StudyDescription: 0x0008_1030,
  SeriesDescription: 0x0008_103e,
  PatientName: 0x0010_0010,
  PatientID: 0x0010_0020,
  IssuerOfPatientID: 0x0010_0021,
  TypeOfPatientID: 0x0010_0022,
  IssuerOfPatientIDQualifiersSequence: 0x0010_0024,
  PatientBirthDate: 0x0010_0030,
  PatientSex: 0x0010_0040,
  OtherPatientIDs: 0x0010_1000,
  OtherPatientIDsSequence: 0x0010_1002,
  BodyPartExamined: 0x0018_0015,
  StudyInstanceUID: 0x0020_000d,
  SeriesInstanceUID: 0x0020_000e,
  StudyID: 0x0020_0010,
  SeriesNumber: 0x0020_0011,
  InstanceNumber: 0x0020_0013,
  LocalNamespaceEntityID: 0x0040_0031,
  UniversalEntityID: 0x0040_0032,
  UniversalEntityIDType: 0x0040_0033,
  OriginalAttributesSequence: 0x0400_0561,
  PixelData: 0x7fe0_0010,
  Item: 0xfffe_e000,
  ItemDelimitationItem: 0xfffe_e00d,
  SequenceDelimitationItem: 0xfffe_e0dd,
} as const;

/** `(gggg,eeee)`. */
export function formatTag(tag: number): string {
  const hex = tag.toString(16).toUpperCase().padStart(8, '0');
  return `(${hex.slice(0, 4)},${hex.slice(4)})`;
}
