/**
 * A-ASSOCIATE-RQ and -AC. PS3.8 §9.3.2, §9.3.3, Annex D. Read forgivingly: what is not known is passed
 * over, padding of any kind is trimmed.
 */
import { trimUID } from '../../shared/dicom/part10.ts';
import { IMPLEMENTATION_CLASS_UID, IMPLEMENTATION_VERSION_NAME } from '../../shared/version.ts';
import type { AcceptedContext, ProposedContext } from './association.ts';
import { encodePdu, PduType } from './pdu.ts';

export const APPLICATION_CONTEXT = '1.2.840.10008.3.1.1.1';
const FIXED_BYTES = 68;

const Item = {
  applicationContext: 0x10,
  proposedContext: 0x20,
  resultContext: 0x21,
  abstractSyntax: 0x30,
  transferSyntax: 0x40,
  userInformation: 0x50,
  maximumLength: 0x51,
  implementationClassUID: 0x52,
  implementationVersionName: 0x55,
} as const;

/** Result of a presentation context. Table 9-18. */
export const ContextResult = {
  accepted: 0,
  noReason: 2,
  abstractSyntaxNotSupported: 3,
  transferSyntaxesNotSupported: 4,
} as const;

export interface AssociateRQ {
  readonly protocolVersion: number;
  readonly calledAETitle: string;
  readonly callingAETitle: string;
  readonly applicationContext: string;
  readonly contexts: readonly ProposedContext[];
  /** The longest P-DATA-TF value the peer takes; 0: no limit. */
  readonly maxPduBytes: number;
}

export interface AssociateAC {
  readonly results: readonly {
    readonly id: number;
    readonly result: number;
    readonly transferSyntaxUID: string;
  }[];
  readonly maxPduBytes: number;
}

/** Titles for a log or a page: printable, at most 16 characters. */
function readTitle(body: Buffer, at: number): string {
  return body
    .toString('latin1', at, at + 16)
    .replace(/[^\x20-\x7e]/g, ' ')
    .trim();
}

/** @returns undefined for what is no A-ASSOCIATE-RQ */
export function decodeAssociateRQ(body: Buffer): AssociateRQ | undefined {
  const items = body.length < FIXED_BYTES ? undefined : itemsOf(body.subarray(FIXED_BYTES));
  if (items === undefined) return undefined;
  const contexts = new Map<number, ProposedContext>();
  for (const { type, value } of items) {
    const context = type === Item.proposedContext ? decodeProposed(value) : undefined;
    // An identifier that stands twice counts as it stood first.
    if (context !== undefined && !contexts.has(context.id)) contexts.set(context.id, context);
  }
  return {
    protocolVersion: body.readUInt16BE(0),
    calledAETitle: readTitle(body, 4),
    callingAETitle: readTitle(body, 20),
    applicationContext: textOf(items, Item.applicationContext),
    contexts: [...contexts.values()],
    maxPduBytes: maximumLengthOf(items),
  };
}

function decodeProposed(value: Buffer): ProposedContext | undefined {
  const items = value.length < 4 ? undefined : itemsOf(value.subarray(4));
  if (items === undefined) return undefined;
  const transferSyntaxUIDs = items
    .filter(({ type }) => type === Item.transferSyntax)
    .map((item) => uidOf(item.value));
  return {
    id: value[0] ?? 0,
    abstractSyntaxUID: textOf(items, Item.abstractSyntax),
    transferSyntaxUIDs,
  };
}

/** @returns undefined for what is no A-ASSOCIATE-AC */
export function decodeAssociateAC(body: Buffer): AssociateAC | undefined {
  const items = body.length < FIXED_BYTES ? undefined : itemsOf(body.subarray(FIXED_BYTES));
  if (items === undefined) return undefined;
  const results = items
    .filter(({ type, value }) => type === Item.resultContext && value.length >= 4)
    .map(({ value }) => ({
      id: value[0] ?? 0,
      result: value[2] ?? ContextResult.noReason,
      transferSyntaxUID: textOf(itemsOf(value.subarray(4)) ?? [], Item.transferSyntax),
    }));
  return { results, maxPduBytes: maximumLengthOf(items) };
}

interface ItemOfPdu {
  readonly type: number;
  readonly value: Buffer;
}

/** @returns undefined when a length leads outside */
function itemsOf(bytes: Buffer): ItemOfPdu[] | undefined {
  const items: ItemOfPdu[] = [];
  let at = 0;
  while (at + 4 <= bytes.length) {
    const end = at + 4 + bytes.readUInt16BE(at + 2);
    if (end > bytes.length) return undefined;
    items.push({ type: bytes[at] ?? 0, value: bytes.subarray(at + 4, end) });
    at = end;
  }
  return items;
}

const uidOf = (value: Buffer): string => trimUID(value.toString('latin1'));

function textOf(items: readonly ItemOfPdu[], type: number): string {
  const item = items.find((one) => one.type === type);
  return item === undefined ? '' : uidOf(item.value);
}

function maximumLengthOf(items: readonly ItemOfPdu[]): number {
  const user = items.find(({ type }) => type === Item.userInformation);
  const item = itemsOf(user?.value ?? Buffer.alloc(0))?.find(
    ({ type }) => type === Item.maximumLength,
  );
  return item !== undefined && item.value.length >= 4 ? item.value.readUInt32BE(0) : 0;
}

export interface RequestToEncode {
  readonly calledAETitle: string;
  readonly callingAETitle: string;
  readonly contexts: readonly ProposedContext[];
  readonly maxPduBytes: number;
}

export function encodeAssociateRQ(request: RequestToEncode): Buffer {
  const contexts = request.contexts.map(({ id, abstractSyntaxUID, transferSyntaxUIDs }) =>
    item(
      Item.proposedContext,
      Buffer.from([id, 0, 0, 0]),
      item(Item.abstractSyntax, Buffer.from(abstractSyntaxUID, 'latin1')),
      ...transferSyntaxUIDs.map((uid) => item(Item.transferSyntax, Buffer.from(uid, 'latin1'))),
    ),
  );
  return encodePdu(
    PduType.associateRQ,
    Buffer.concat([
      fixedPart(titleField(request.calledAETitle), titleField(request.callingAETitle)),
      item(Item.applicationContext, Buffer.from(APPLICATION_CONTEXT)),
      ...contexts,
      userInformation(request.maxPduBytes),
    ]),
  );
}

export interface AcceptanceToEncode {
  /** The body that is answered: its titles are sent back as they came. */
  readonly request: Buffer;
  readonly results: readonly (Pick<AcceptedContext, 'id' | 'transferSyntaxUID'> & {
    readonly result: number;
  })[];
  readonly maxPduBytes: number;
}

export function encodeAssociateAC({ request, results, maxPduBytes }: AcceptanceToEncode): Buffer {
  const contexts = results.map(({ id, result, transferSyntaxUID }) =>
    item(
      Item.resultContext,
      Buffer.from([id, 0, result, 0]),
      item(Item.transferSyntax, Buffer.from(transferSyntaxUID, 'latin1')),
    ),
  );
  return encodePdu(
    PduType.associateAC,
    Buffer.concat([
      fixedPart(request.subarray(4, 20), request.subarray(20, 36)),
      item(Item.applicationContext, Buffer.from(APPLICATION_CONTEXT)),
      ...contexts,
      userInformation(maxPduBytes),
    ]),
  );
}

const titleField = (title: string): Buffer => Buffer.from(title.padEnd(16).slice(0, 16), 'latin1');

function fixedPart(called: Buffer, calling: Buffer): Buffer {
  return Buffer.concat([Buffer.from([0, 1, 0, 0]), called, calling, Buffer.alloc(32)]);
}

function userInformation(maxPduBytes: number): Buffer {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(maxPduBytes);
  return item(
    Item.userInformation,
    item(Item.maximumLength, length),
    item(Item.implementationClassUID, Buffer.from(IMPLEMENTATION_CLASS_UID)),
    item(Item.implementationVersionName, Buffer.from(IMPLEMENTATION_VERSION_NAME)),
  );
}

function item(type: number, ...parts: Buffer[]): Buffer {
  const value = Buffer.concat(parts);
  const head = Buffer.from([type, 0, 0, 0]);
  head.writeUInt16BE(value.length, 2);
  return Buffer.concat([head, value]);
}
