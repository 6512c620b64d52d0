/**
 * A-ASSOCIATE-RQ and -AC. PS3.8 §9.3.2, §9.3.3, Annex D. Read forgivingly: what is not known is passed
 * over, padding of any kind is trimmed.
 */
import { trimUID } from '../../shared/dicom/part10.ts';
import type { AcceptedContext, ProposedContext } from './association.ts';
import { encodePdu, PduType } from './pdu.ts';
import {
  decodeUserInformation,
  encodeItem,
  encodeUserInformation,
  itemsOf,
  type PduItem,
  type UserInformation,
  type UserInformationToEncode,
} from './user-information.ts';

export const APPLICATION_CONTEXT = '1.2.840.10008.3.1.1.1';
const FIXED_BYTES = 68;

const Item = {
  applicationContext: 0x10,
  proposedContext: 0x20,
  resultContext: 0x21,
  abstractSyntax: 0x30,
  transferSyntax: 0x40,
  userInformation: 0x50,
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
  readonly user: UserInformation;
}

export interface AssociateAC {
  readonly results: readonly {
    readonly id: number;
    readonly result: number;
    readonly transferSyntaxUID: string;
  }[];
  readonly user: UserInformation;
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
    user: userOf(items),
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
  return { results, user: userOf(items) };
}

const uidOf = (value: Buffer): string => trimUID(value.toString('latin1'));

function textOf(items: readonly PduItem[], type: number): string {
  const item = items.find((one) => one.type === type);
  return item === undefined ? '' : uidOf(item.value);
}

function userOf(items: readonly PduItem[]): UserInformation {
  const user = items.find(({ type }) => type === Item.userInformation);
  return decodeUserInformation(user?.value ?? Buffer.alloc(0));
}

export interface RequestToEncode {
  readonly calledAETitle: string;
  readonly callingAETitle: string;
  readonly contexts: readonly ProposedContext[];
  readonly user: UserInformationToEncode;
}

export function encodeAssociateRQ(request: RequestToEncode): Buffer {
  const contexts = request.contexts.map(({ id, abstractSyntaxUID, transferSyntaxUIDs }) =>
    encodeItem(
      Item.proposedContext,
      Buffer.from([id, 0, 0, 0]),
      encodeItem(Item.abstractSyntax, Buffer.from(abstractSyntaxUID, 'latin1')),
      ...transferSyntaxUIDs.map((uid) =>
        encodeItem(Item.transferSyntax, Buffer.from(uid, 'latin1')),
      ),
    ),
  );
  return encodePdu(
    PduType.associateRQ,
    Buffer.concat([
      fixedPart(titleField(request.calledAETitle), titleField(request.callingAETitle)),
      encodeItem(Item.applicationContext, Buffer.from(APPLICATION_CONTEXT)),
      ...contexts,
      encodeItem(Item.userInformation, encodeUserInformation(request.user)),
    ]),
  );
}

export interface AcceptanceToEncode {
  /** The body that is answered: its titles are sent back as they came. */
  readonly request: Buffer;
  readonly results: readonly (Pick<AcceptedContext, 'id' | 'transferSyntaxUID'> & {
    readonly result: number;
  })[];
  readonly user: UserInformationToEncode;
}

export function encodeAssociateAC({ request, results, user }: AcceptanceToEncode): Buffer {
  const contexts = results.map(({ id, result, transferSyntaxUID }) =>
    encodeItem(
      Item.resultContext,
      Buffer.from([id, 0, result, 0]),
      encodeItem(Item.transferSyntax, Buffer.from(transferSyntaxUID, 'latin1')),
    ),
  );
  return encodePdu(
    PduType.associateAC,
    Buffer.concat([
      fixedPart(request.subarray(4, 20), request.subarray(20, 36)),
      encodeItem(Item.applicationContext, Buffer.from(APPLICATION_CONTEXT)),
      ...contexts,
      encodeItem(Item.userInformation, encodeUserInformation(user)),
    ]),
  );
}

const titleField = (title: string): Buffer => Buffer.from(title.padEnd(16).slice(0, 16), 'latin1');

function fixedPart(called: Buffer, calling: Buffer): Buffer {
  return Buffer.concat([Buffer.from([0, 1, 0, 0]), called, calling, Buffer.alloc(32)]);
}
