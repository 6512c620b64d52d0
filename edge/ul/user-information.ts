/**
 * The user information of A-ASSOCIATE-RQ and -AC: what both sides are and may do beyond the contexts.
 * PS3.8 Annex D, PS3.7 Annex D.3.3.
 *
 * Read forgivingly: an item that is damaged or not known is passed over.
 */
import { trimUID } from '../../shared/dicom/part10.ts';
import { IMPLEMENTATION_CLASS_UID, IMPLEMENTATION_VERSION_NAME } from '../../shared/version.ts';

const SubItem = {
  maximumLength: 0x51,
  implementationClassUID: 0x52,
  asynchronousOperationsWindow: 0x53,
  roleSelection: 0x54,
  implementationVersionName: 0x55,
  extendedNegotiation: 0x56,
  userIdentityRQ: 0x58,
  userIdentityAC: 0x59,
} as const;

/** Which roles the requestor of the association plays for a SOP class. PS3.7 D.3.3.4. */
export interface Roles {
  readonly scu: boolean;
  readonly scp: boolean;
}

/** How many operations may be open; 0: any number. PS3.7 D.3.3.3. */
export interface OperationsWindow {
  readonly invoked: number;
  readonly performed: number;
}

/** PS3.7 D.3.3.7. */
export interface UserIdentity {
  /** 1 user name, 2 with passcode, 3 Kerberos, 4 SAML, 5 JSON web token. */
  readonly type: number;
  readonly wantsResponse: boolean;
}

export interface UserInformation {
  /** The longest P-DATA-TF value that is taken; 0: no limit. */
  readonly maxPduBytes: number;
  readonly window?: OperationsWindow;
  /** By SOP class. */
  readonly roles: ReadonlyMap<string, Roles>;
  /** Service class application information, by SOP class. PS3.7 D.3.3.5. */
  readonly extended: ReadonlyMap<string, Buffer>;
  readonly identity?: UserIdentity;
}

/** An item of a PDU: type, a reserved byte, length of two bytes. PS3.8 §9.3. */
export interface PduItem {
  readonly type: number;
  readonly value: Buffer;
}

/** @returns undefined when a length leads outside */
export function itemsOf(bytes: Buffer): PduItem[] | undefined {
  const items: PduItem[] = [];
  let at = 0;
  while (at + 4 <= bytes.length) {
    const end = at + 4 + bytes.readUInt16BE(at + 2);
    if (end > bytes.length) return undefined;
    items.push({ type: bytes[at] ?? 0, value: bytes.subarray(at + 4, end) });
    at = end;
  }
  return items;
}

export function encodeItem(type: number, ...parts: readonly Buffer[]): Buffer {
  const value = Buffer.concat(parts);
  const head = Buffer.from([type, 0, 0, 0]);
  head.writeUInt16BE(value.length, 2);
  return Buffer.concat([head, value]);
}

/** @param value of the user information item; empty when there is none */
export function decodeUserInformation(value: Buffer): UserInformation {
  const items = itemsOf(value) ?? [];
  const find = (type: number, atLeast: number): Buffer | undefined =>
    items.find((item) => item.type === type && item.value.length >= atLeast)?.value;
  const length = find(SubItem.maximumLength, 4);
  const window = find(SubItem.asynchronousOperationsWindow, 4);
  const identity = find(SubItem.userIdentityRQ, 2);
  return {
    maxPduBytes: length?.readUInt32BE(0) ?? 0,
    roles: new Map(entriesOf(items, SubItem.roleSelection, rolesOf)),
    extended: new Map(entriesOf(items, SubItem.extendedNegotiation, (rest) => rest)),
    ...(window && {
      window: { invoked: window.readUInt16BE(0), performed: window.readUInt16BE(2) },
    }),
    ...(identity && { identity: { type: identity[0] ?? 0, wantsResponse: identity[1] === 1 } }),
  };
}

/** Items that begin with the UID of a SOP class and its length. */
function entriesOf<T>(
  items: readonly PduItem[],
  type: number,
  read: (rest: Buffer) => T,
): [string, T][] {
  return items.flatMap(({ type: own, value }): [string, T][] => {
    if (own !== type || value.length < 2) return [];
    const end = 2 + value.readUInt16BE(0);
    if (end > value.length) return [];
    return [[trimUID(value.toString('latin1', 2, end)), read(value.subarray(end))]];
  });
}

const rolesOf = (rest: Buffer): Roles => ({ scu: rest[0] === 1, scp: rest[1] === 1 });

export interface UserInformationToEncode {
  readonly maxPduBytes: number;
  readonly window?: OperationsWindow | undefined;
  readonly roles?: ReadonlyMap<string, Roles>;
  readonly extended?: ReadonlyMap<string, Buffer>;
  /** The identity is taken: says so to a requestor that asked for a response. */
  readonly acceptsIdentity?: boolean;
}

/** The value of the user information item. Its items in the order of their types, as some peers want them. */
export function encodeUserInformation(user: UserInformationToEncode): Buffer {
  const { maxPduBytes, window, roles = new Map(), extended = new Map() } = user;
  const length = Buffer.alloc(4);
  length.writeUInt32BE(maxPduBytes);
  return Buffer.concat([
    encodeItem(SubItem.maximumLength, length),
    encodeItem(SubItem.implementationClassUID, Buffer.from(IMPLEMENTATION_CLASS_UID)),
    ...(window === undefined
      ? []
      : [encodeItem(SubItem.asynchronousOperationsWindow, encodedWindow(window))]),
    ...[...(roles as ReadonlyMap<string, Roles>)].map(([uid, { scu, scp }]) =>
      encodeItem(SubItem.roleSelection, withLength(uid), Buffer.from([Number(scu), Number(scp)])),
    ),
    encodeItem(SubItem.implementationVersionName, Buffer.from(IMPLEMENTATION_VERSION_NAME)),
    ...[...(extended as ReadonlyMap<string, Buffer>)].map(([uid, information]) =>
      encodeItem(SubItem.extendedNegotiation, withLength(uid), information),
    ),
    ...(user.acceptsIdentity === true ? [encodeItem(SubItem.userIdentityAC, Buffer.alloc(2))] : []),
  ]);
}

function encodedWindow({ invoked, performed }: OperationsWindow): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt16BE(invoked, 0);
  bytes.writeUInt16BE(performed, 2);
  return bytes;
}

function withLength(uid: string): Buffer {
  const length = Buffer.alloc(2);
  length.writeUInt16BE(uid.length);
  return Buffer.concat([length, Buffer.from(uid, 'latin1')]);
}
