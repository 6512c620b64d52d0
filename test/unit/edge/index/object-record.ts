import type { InstanceAttributes } from '../../../../edge/index/attributes.ts';
import type { ObjectRecord } from '../../../../edge/index/edge-index.ts';
import { instanceHash } from '../../../../shared/set-hash.ts';

/** A record of an object that need not exist on a disk. */
export function objectRecord(
  number: number,
  attributes: Partial<InstanceAttributes> = {},
  over: Partial<Omit<ObjectRecord, 'attributes'>> = {},
): ObjectRecord {
  const digest = instanceHash('content', String(number));
  return {
    attributes: {
      sopInstanceUID: `2.999.1.${number}`,
      sopClassUID: '1.2.840.10008.5.1.4.1.1.2',
      studyInstanceUID: '2.999.7.1',
      seriesInstanceUID: '2.999.7.1.1',
      patientId: 'MRN1',
      issuer: null,
      nhsNumber: null,
      patientName: 'Phantom^One',
      birthDate: '19500102',
      sex: 'O',
      studyDate: '20260301',
      studyTime: null,
      studyId: null,
      accessionNumber: null,
      accessionIssuer: null,
      studyDescription: null,
      referringPhysician: null,
      institution: null,
      modality: 'CT',
      seriesNumber: 1,
      seriesDescription: null,
      bodyPart: null,
      instanceNumber: number,
      ...attributes,
    },
    home: 'RRK',
    transferSyntaxUID: '1.2.840.10008.1.2.1',
    path: `RRK/00/a/${number}.dcm`,
    dataSetOffset: 400,
    dataSetBytes: 1_000,
    contentDigest: digest,
    homeDigest: digest,
    callingAETitle: 'CT1',
    receivedAt: 1_000,
    ...over,
  };
}
