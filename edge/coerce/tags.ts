/** The elements that coercion reads, changes or writes. PS3.6; domain rules in plan-changes.ts. */
import { Tag } from '../../shared/dicom/tag.ts';

export const CoercionTag = {
  ...Tag,
  InstanceCoercionDateTime: 0x0008_0015,
  Manufacturer: 0x0008_0070,
  CodeValue: 0x0008_0100,
  CodingSchemeDesignator: 0x0008_0102,
  CodeMeaning: 0x0008_0104,
  StationName: 0x0008_1010,
  OtherPatientNames: 0x0010_1001,
  ContributingEquipmentSequence: 0x0018_a001,
  ContributionDateTime: 0x0018_a002,
  RequestAttributesSequence: 0x0040_0275,
  PurposeOfReferenceCodeSequence: 0x0040_a170,
  ReferencedRequestSequence: 0x0040_a370,
  ModifiedAttributesSequence: 0x0400_0550,
  AttributeModificationDateTime: 0x0400_0562,
  ModifyingSystem: 0x0400_0563,
  SourceOfPreviousValues: 0x0400_0564,
  ReasonForTheAttributeModification: 0x0400_0565,
  /** Ours, private: who may use the block that follows it. PS3.5 §7.8.1. */
  PrivateCreator: 0x0401_0010,
  /** Ours, private, AT: the modified attributes that were not there at all, rather than empty. */
  AbsentAttributes: 0x0401_1001,
} as const;

export const PRIVATE_CREATOR = 'CDIP COERCION';
