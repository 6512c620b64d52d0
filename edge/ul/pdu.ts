/** PDUs as bytes, all but the association's own, which associate.ts has. PS3.8 §9.3. */
import type { AbortReason, Pdv } from './association.ts';

export const PduType = {
  associateRQ: 1,
  associateAC: 2,
  associateRJ: 3,
  data: 4,
  releaseRQ: 5,
  releaseRP: 6,
  abort: 7,
} as const;

/** Type, reserved, length. §9.3.1. */
export const PDU_HEADER_BYTES = 6;
/** Length, presentation context, message control header of a PDV item. §9.3.5.1. */
export const PDV_HEADER_BYTES = 6;

export function encodePdu(type: number, body: Buffer): Buffer {
  const pdu = Buffer.allocUnsafe(PDU_HEADER_BYTES + body.length);
  pdu[0] = type;
  pdu[1] = 0;
  pdu.writeUInt32BE(body.length, 2);
  body.copy(pdu, PDU_HEADER_BYTES);
  return pdu;
}

/** What stands before a PDV's bytes when it is alone in its P-DATA-TF. §9.3.5. */
export function encodePdvHeader({ contextId, isCommand, isLast, bytes }: Pdv): Buffer {
  const header = Buffer.allocUnsafe(PDU_HEADER_BYTES + PDV_HEADER_BYTES);
  header[0] = PduType.data;
  header[1] = 0;
  header.writeUInt32BE(bytes.length + PDV_HEADER_BYTES, 2);
  header.writeUInt32BE(bytes.length + 2, 6);
  header[10] = contextId;
  header[11] = (isCommand ? 1 : 0) | (isLast ? 2 : 0);
  return header;
}

export const RELEASE_RQ: Buffer = encodePdu(PduType.releaseRQ, Buffer.alloc(4));
export const RELEASE_RP: Buffer = encodePdu(PduType.releaseRP, Buffer.alloc(4));

/** Table 9-26. */
const REASON_CODES: Readonly<Record<AbortReason, number>> = {
  'not-specified': 0,
  'unrecognized-pdu': 1,
  'unexpected-pdu': 2,
  'unrecognized-pdu-parameter': 4,
  'unexpected-pdu-parameter': 5,
  'invalid-pdu-parameter-value': 6,
};

/** @param reason of the service provider; absent: the service user aborts. §9.3.8 */
export function encodeAbort(reason?: AbortReason): Buffer {
  const source = reason === undefined ? 0 : 2;
  const code = reason === undefined ? 0 : REASON_CODES[reason];
  return encodePdu(PduType.abort, Buffer.from([0, 0, source, code]));
}

/** Why the peer aborted, in words of table 9-26. */
export function describeAbort(body: Buffer): string {
  if (body[2] !== 2) return 'aborted by the peer application';
  const name = Object.entries(REASON_CODES).find(([, code]) => code === body[3])?.[0];
  return `aborted by the peer's upper layer: ${name ?? 'not-specified'}`;
}

/** A-ASSOCIATE-RJ. Table 9-21: result, source and reason. */
export interface Rejection {
  readonly result: 1 | 2;
  readonly source: 1 | 2 | 3;
  readonly reason: number;
}

export function encodeRejection({ result, source, reason }: Rejection): Buffer {
  return encodePdu(PduType.associateRJ, Buffer.from([0, result, source, reason]));
}

export const REJECTIONS = {
  'application-context-name-not-supported': { result: 1, source: 1, reason: 2 },
  'calling-ae-title-not-recognized': { result: 1, source: 1, reason: 3 },
  'called-ae-title-not-recognized': { result: 1, source: 1, reason: 7 },
  'protocol-version-not-supported': { result: 1, source: 2, reason: 2 },
  'temporary-congestion': { result: 2, source: 3, reason: 1 },
  'local-limit-exceeded': { result: 2, source: 3, reason: 2 },
} as const satisfies Readonly<Record<string, Rejection>>;
export type RejectionName = keyof typeof REJECTIONS;

/** Why an A-ASSOCIATE-RJ rejects; undefined: for a reason that has no name here. */
export function rejectionOf(body: Buffer): RejectionName | undefined {
  const [, , source = 0, reason = 0] = body;
  const known = Object.entries(REJECTIONS).find(
    ([, one]) => one.source === source && one.reason === reason,
  );
  return known?.[0] as RejectionName | undefined;
}

/** A rejection in words. */
export function describeRejection(body: Buffer): string {
  const [, result = 0, source = 0, reason = 0] = body;
  const name = rejectionOf(body);
  const manner = result === 2 ? 'for now' : 'for good';
  return `rejected ${manner}: ${name ?? `source ${source}, reason ${reason}`}`;
}
