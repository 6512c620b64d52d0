/** What is served and what is asked for: SOP classes, keys, statuses. PS3.2 §N.4.2. */
import {
  EXPLICIT_VR_BIG_ENDIAN,
  EXPLICIT_VR_LITTLE_ENDIAN,
  IMPLICIT_VR_LITTLE_ENDIAN,
} from '../../shared/dicom/transfer-syntax.ts';
import { QUERY_SYNTAXES, STUDY_ROOT_FIND } from '../deliver/dimse-destination.ts';
import { NOT_STORAGE, REQUEST_SYNTAXES, VERIFICATION_SOP_CLASS } from '../dimse/negotiate.ts';
import type { OperationKind, ServedClassFacts } from '../dimse/service.ts';
import { AnyStatus } from '../dimse/session.ts';
import { STORAGE_COMMITMENT } from '../scp/commitment/push-model.ts';
import { REPORT_SYNTAXES } from '../scp/commitment/reporter.ts';
import { COMMITMENT_CLASS } from '../scp/commitment/service.ts';
import { MPPS, MPPS_CLASS } from '../scp/mpps/service.ts';
import { MAX_MATCHES } from '../scp/query/find.ts';
import { type Level, QUERY_KEYS } from '../scp/query/keys.ts';
import { QUERY_RETRIEVE_CLASSES } from '../scp/query/query-retrieve.ts';
import { StoreStatus } from '../scp/verdict.ts';
import { WORKLIST_CLASS } from '../scp/worklist/service.ts';
import { heading, hex, list, table, tagText, words } from './markdown.ts';

/** Beside verification and storage. */
export const SERVED_CLASSES: readonly ServedClassFacts[] = [
  ...QUERY_RETRIEVE_CLASSES,
  ...[COMMITMENT_CLASS, MPPS_CLASS, WORKLIST_CLASS],
];

const SERVICE_OF_KIND: Readonly<Record<OperationKind, string>> = {
  find: 'C-FIND',
  move: 'C-MOVE',
  get: 'C-GET',
  'event-report': 'N-EVENT-REPORT',
  'get-attributes': 'N-GET',
  set: 'N-SET',
  action: 'N-ACTION',
  create: 'N-CREATE',
};

const SYNTAX_NAMES: Readonly<Record<string, string>> = {
  [IMPLICIT_VR_LITTLE_ENDIAN]: 'Implicit VR Little Endian',
  [EXPLICIT_VR_LITTLE_ENDIAN]: 'Explicit VR Little Endian',
  [EXPLICIT_VR_BIG_ENDIAN]: 'Explicit VR Big Endian',
};
const syntaxes = (uids: readonly string[]): string =>
  uids.map((uid) => SYNTAX_NAMES[uid] ?? uid).join(', ');

export const servicesProvided = (): string[] => [
  heading(3, 'SOP classes provided (SCP)'),
  table(
    ['SOP class', 'UID', 'DIMSE services', 'Transfer syntaxes'],
    [
      ['Verification', VERIFICATION_SOP_CLASS, 'C-ECHO', 'any'],
      [
        'Storage: every SOP class that is none of the services below, private ones too',
        'any',
        'C-STORE',
        'any, the first that the requestor names; stored bit by bit',
      ],
      ...SERVED_CLASSES.map(({ name, sopClassUID, kinds }) => [
        ...[name, sopClassUID, kinds.map((kind) => SERVICE_OF_KIND[kind]).join(', ')],
        syntaxes(REQUEST_SYNTAXES),
      ]),
    ],
  ),
  'Not taken as storage:',
  list(NOT_STORAGE.map(([services, { source }]) => `${services}: \`${source}\``)),
  'The requestor gets the roles that it asks for (C-GET: SCP of the storage SOP classes). Neither relational queries nor any other extended negotiation is agreed to.',
];

export const servicesUsed = (): string[] => [
  heading(3, 'SOP classes used (SCU)'),
  table(
    ['SOP class', 'UID', 'For', 'Transfer syntaxes'],
    [
      ['Storage', 'as stored', 'deliveries, C-MOVE, C-GET', 'as stored'],
      [
        ...['Study Root Query/Retrieve - FIND', STUDY_ROOT_FIND],
        ...['what a destination holds after a delivery', syntaxes(QUERY_SYNTAXES)],
      ],
      [
        ...[`${COMMITMENT_CLASS.name} (as SCP, role selection)`, STORAGE_COMMITMENT],
        ...['N-EVENT-REPORT of results', syntaxes(REPORT_SYNTAXES)],
      ],
      [MPPS_CLASS.name, MPPS, 'steps passed on to peers with `receivesMpps`', 'as received'],
    ],
  ),
];

const statusTable = (statuses: Readonly<Record<string, number>>): string =>
  table(
    ['Status', 'Meaning'],
    Object.entries(statuses).map(([name, status]) => [hex(status), words(name)]),
  );

export const statuses = (): string[] => [
  heading(3, 'Statuses answered'),
  'With a failure or a warning the Error Comment (0000,0902) says why, in at most 64 characters.',
  heading(4, 'Every service'),
  statusTable(AnyStatus),
  heading(4, 'Storage'),
  statusTable(StoreStatus),
  ...[...Map.groupBy(SERVED_CLASSES, ({ statuses: own }) => own)].flatMap(([own, classes]) => [
    heading(4, classes.map(({ name }) => name).join('; ')),
    statusTable(own),
  ]),
];

export const queryKeys = (): string[] => [
  heading(3, 'Query/retrieve: keys'),
  `Hierarchical queries; unique keys of the levels above have one value each. At most ${MAX_MATCHES} matches are answered, then A700H. ` +
    'Names are matched without case and accents, everything else as it stands; wildcards in AE, CS, LO, LT, PN, SH, ST, UC, UR, UT; ranges in DA and TM; lists of UIDs.',
  ...(['PATIENT', 'STUDY', 'SERIES', 'IMAGE'] satisfies Level[]).flatMap((level) => [
    heading(4, `Level ${level}`),
    table(
      ['Attribute', 'Tag', 'VR', 'Key'],
      QUERY_KEYS.filter((key) => key.level === level).map(({ keyword, tag, vr, kind }) => [
        ...[keyword, tagText(tag), vr],
        kind === 'returned' ? 'returned, not matched on' : kind,
      ]),
    ),
  ]),
];
