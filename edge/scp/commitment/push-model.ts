/** Names of the Storage Commitment Push Model. PS3.4 §J.3. */

export const STORAGE_COMMITMENT = '1.2.840.10008.1.20.1';
/** The well-known instance. */
export const STORAGE_COMMITMENT_INSTANCE = '1.2.840.10008.1.20.1.1';

export const CommitmentTag = {
  RetrieveAETitle: 0x0008_0054,
  ReferencedSOPClassUID: 0x0008_1150,
  ReferencedSOPInstanceUID: 0x0008_1155,
  TransactionUID: 0x0008_1195,
  FailureReason: 0x0008_1197,
  FailedSOPSequence: 0x0008_1198,
  ReferencedSOPSequence: 0x0008_1199,
} as const;

/** Why an instance is not committed. PS3.3 C.14.1.1. */
export const FailureReason = {
  noSuchObjectInstance: 0x0112,
  classInstanceConflict: 0x0119,
} as const;

/** PS3.4 table J.3-2. */
export const CommitmentEvent = { successful: 1, failuresExist: 2 } as const;
