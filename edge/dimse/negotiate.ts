/**
 * Which presentation contexts an edge takes: Verification, every storage SOP class there is or will be,
 * private ones too, in the transfer syntax that the peer named first, and the classes that its services
 * name. PS3.4 Annexes A and B.
 */
import {
  EXPLICIT_VR_BIG_ENDIAN,
  EXPLICIT_VR_LITTLE_ENDIAN,
  IMPLICIT_VR_LITTLE_ENDIAN,
} from '../../shared/dicom/transfer-syntax.ts';
import type { Negotiation } from '../ul/acceptor.ts';
import type { ProposedContext } from '../ul/association.ts';
import type { Roles } from '../ul/user-information.ts';

export const VERIFICATION_SOP_CLASS = '1.2.840.10008.1.1';

/** Services that are no storage, by their UIDs in PS3.6 table A-1; all else that is proposed is to be stored. */
export const NOT_STORAGE: readonly (readonly [services: string, uids: RegExp])[] = [
  [
    'media directory, procedural event and substance logging, storage commitment',
    /^1\.2\.840\.10008\.1\.(3\.10|9|20|40|42)(\.|$)/,
  ],
  ['study and performed procedure step management', /^1\.2\.840\.10008\.3\.1\.2\./],
  [
    'print management, but for stored print and hardcopy',
    /^1\.2\.840\.10008\.5\.1\.1\.(?!27$|29$|30$)/,
  ],
  ['query/retrieve', /^1\.2\.840\.10008\.5\.1\.4\.1\.2\./],
  [
    'query/retrieve of protocol approvals and inventories',
    /^1\.2\.840\.10008\.5\.1\.4\.1\.1\.(200\.[456]|201\.[23456])$/,
  ],
  [
    'protocols, worklists, availability, relevant patient information, products, substances',
    /^1\.2\.840\.10008\.5\.1\.4\.(20|31|32|33|37|41|42)(\.|$)/,
  ],
  [
    'machine verification, unified procedure step',
    /^1\.2\.840\.10008\.5\.1\.4\.34\.[2345689](\.|$)/,
  ],
  [
    'queries of hanging protocols, color palettes, implant templates',
    /^1\.2\.840\.10008\.5\.1\.4\.(38|39|43|44|45)\.[234]$/,
  ],
  [
    "DCMTK's private request to shut down, which its servers obey",
    /^1\.2\.276\.0\.7230010\.3\.4\.1915765545\.18030\.917282194\.11(\.|$)/,
  ],
  ['real-time video and audio', /^1\.2\.840\.10008\.10\./],
];
/** Leading zeros occur in private ones. PS3.5 §9.1. */
const UID = /^(?=.{1,64}$)\d+(\.\d+)+$/;

/** In which requests other than C-STORE are taken: their data sets are read and answered here. */
export const REQUEST_SYNTAXES: readonly string[] = [
  EXPLICIT_VR_LITTLE_ENDIAN,
  IMPLICIT_VR_LITTLE_ENDIAN,
  EXPLICIT_VR_BIG_ENDIAN,
];

/** @param served SOP classes beside verification and storage */
export function negotiator(
  served: Iterable<string> = [],
): (proposed: ProposedContext, roles?: Roles) => Negotiation {
  const requests = new Set(served);
  return ({ abstractSyntaxUID, transferSyntaxUIDs }, roles) => {
    const isRequest = requests.has(abstractSyntaxUID);
    if (!isRequest && !isTaken(abstractSyntaxUID))
      return { result: 'abstract-syntax-not-supported' };
    const transferSyntaxUID = transferSyntaxUIDs.find(
      isRequest ? (uid) => REQUEST_SYNTAXES.includes(uid) : (uid) => UID.test(uid),
    );
    if (transferSyntaxUID === undefined) return { result: 'transfer-syntaxes-not-supported' };
    // A requestor may be stored at (C-GET), and be told of results (N-EVENT-REPORT): what it asks for.
    return { result: 'accept', transferSyntaxUID, ...(roles === undefined ? {} : { roles }) };
  };
}

function isTaken(abstractSyntaxUID: string): boolean {
  return (
    UID.test(abstractSyntaxUID) && !NOT_STORAGE.some(([, uids]) => uids.test(abstractSyntaxUID))
  );
}
