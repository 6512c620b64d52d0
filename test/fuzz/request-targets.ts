/** Identifiers and attributes of requests, through the services that answer them, over an empty index. */
import Database from 'better-sqlite3';
import { parseEdgeConfig } from '../../edge/config.ts';
import { basicParts } from '../../edge/database.ts';
import { encodeIdentifier } from '../../edge/dimse/identifier.ts';
import type { OperationKind, ServedClass } from '../../edge/dimse/service.ts';
import { EdgeIndex } from '../../edge/index/edge-index.ts';
import { furtherParts } from '../../edge/schema-parts.ts';
import { Commitments } from '../../edge/scp/commitment/commitments.ts';
import { OpenAskers } from '../../edge/scp/commitment/open-askers.ts';
import { storageCommitment } from '../../edge/scp/commitment/service.ts';
import { PerformedSteps } from '../../edge/scp/mpps/performed-steps.ts';
import { performedProcedureStep } from '../../edge/scp/mpps/service.ts';
import { queryRetrieve } from '../../edge/scp/query/query-retrieve.ts';
import { modalityWorklist } from '../../edge/scp/worklist/service.ts';
import { readSmallDataSet, writeSmallDataSet } from '../../shared/dicom/small-data-set.ts';
import { silentLog } from '../../shared/log.ts';
import { openMetrics } from '../../shared/metrics.ts';
import { zoneOf } from '../../shared/time-zone.ts';
import { noPacs } from '../support/no-pacs.ts';
import type { Dice } from './mutate.ts';
import type { Target } from './target.ts';

const EXPLICIT = '1.2.840.10008.1.2.1';
const SYNTAXES = [EXPLICIT, '1.2.840.10008.1.2', '1.2.840.10008.1.2.2'];
/** What was kept is forgotten after so many, so that growth of the product shows, not of its tables. */
const KEPT = 500;

const item = writeSmallDataSet(EXPLICIT, [
  [0x0010_0010, 'Müller^Jörg'],
  [0x0010_0020, 'P1'],
  [0x0040_0100, [[[0x0040_0002, '20260314']], [[0x0008_0060, 'CT']]]],
]);

const nothing = (): never => {
  throw new Error('nothing is sent here');
};

function openServices(): { served: readonly ServedClass[]; forget: () => void } {
  const db = new Database(':memory:');
  const parts = Object.values({ ...basicParts, ...furtherParts });
  for (const { sql } of parts.flat()) db.exec(sql);
  const index = new EdgeIndex({ db, trust: 'RRK', namespace: 'RRK', onPatientConflict: () => {} });
  const ct1 = { name: 'ct1', aeTitle: 'CT1', host: 'h', port: 1, role: 'modality' };
  const { peers } = parseEdgeConfig({
    ...{ trust: 'RRK', dataDirectory: '/nowhere', peers: [{ ...ct1, receivesMpps: true }] },
  });
  const now = (): number => 1_800_000_000_000;
  const worklist = { items: () => [readSmallDataSet(EXPLICIT, item)] };
  const served = [
    ...queryRetrieve({
      ...{ db, trust: 'RRK', namespace: 'RRK', index, ownAETitle: 'CDIP_RRK', peers: [] },
      ...{ spool: { absolute: (path: string) => path }, log: silentLog, network: undefined },
      ...{ pacs: noPacs, metrics: openMetrics({}) },
      ...{ counters: { transcoded: () => {} }, transcoder: { transcode: nothing } },
      zone: zoneOf('Europe/London'),
      markUsed: () => {},
    } as Parameters<typeof queryRetrieve>[0]),
    storageCommitment({
      ...{ commitments: new Commitments(db), askers: new OpenAskers(), peers, now },
    }),
    performedProcedureStep({
      ...{ steps: new PerformedSteps(db), receivers: ['ct1'], now, zone: zoneOf('Europe/London') },
    }),
    modalityWorklist(worklist as Parameters<typeof modalityWorklist>[0]),
  ];
  const tables = db
    .prepare("SELECT name FROM sqlite_schema WHERE type = 'table'")
    .pluck()
    .all() as string[];
  return { served, forget: () => db.exec(tables.map((name) => `DELETE FROM ${name};`).join('')) };
}

const { served, forget } = openServices();
const signal = new AbortController().signal;
const link = { pending: async () => {}, store: { contextFor: () => undefined } };
let taken = 0;

/** To a class that serves the kind. */
function taking(sopClassUID: string, kind: OperationKind): Target['take'] {
  const one = served.find((each) => each.sopClassUID === sopClassUID);
  return async (bytes: Buffer, dice: Dice) => {
    taken += 1;
    if (taken % KEPT === 0) forget();
    await one?.handle(
      {
        ...{ kind, messageId: 1, sopClassUID, typeId: 1, moveDestination: '', signal },
        peer: {
          ...{ associationId: 'a', callingAETitle: 'CT1', calledAETitle: 'CDIP_RRK' },
          ...{ host: '127.0.0.1', tls: false },
        },
        sopInstanceUID: `2.25.${dice.upTo(50)}`,
        transferSyntaxUID: SYNTAXES[dice.upTo(10)] ?? EXPLICIT,
        dataSet: bytes,
      },
      link as unknown as Parameters<ServedClass['handle']>[1],
    );
  };
}

const QUERY = encodeIdentifier(EXPLICIT, [
  { tag: 0x0008_0005, vr: 'CS', value: 'ISO_IR 100' },
  { tag: 0x0008_0020, vr: 'DA', value: '20260101-20261231' },
  { tag: 0x0008_0052, vr: 'CS', value: 'STUDY' },
  { tag: 0x0008_0061, vr: 'CS', value: 'CT\\MR' },
  { tag: 0x0010_0010, vr: 'PN', value: 'M*^J?rg*' },
  { tag: 0x0010_0020, vr: 'LO', value: 'P1' },
  { tag: 0x0020_000d, vr: 'UI', value: '1.2.3\\1.2.4' },
]);
const IMAGES = encodeIdentifier(EXPLICIT, [
  { tag: 0x0008_0018, vr: 'UI', value: '' },
  { tag: 0x0008_0052, vr: 'CS', value: 'IMAGE' },
  { tag: 0x0020_000d, vr: 'UI', value: '1.2.3' },
  { tag: 0x0020_000e, vr: 'UI', value: '1.2.3.4' },
]);
const COMMITMENT = writeSmallDataSet(EXPLICIT, [
  [0x0008_1195, '2.25.1'],
  [
    0x0008_1199,
    [
      [
        [0x0008_1150, '1.2'],
        [0x0008_1155, '1.3'],
      ],
      [[0x0008_1155, '1.4']],
    ],
  ],
]);
const STEP = writeSmallDataSet(EXPLICIT, [
  [0x0040_0252, 'IN PROGRESS'],
  [0x0040_0270, [[[0x0020_000d, '1.2.3']]]],
  [
    0x0040_0340,
    [
      [
        [0x0020_000e, '1.2.3.4'],
        [0x0008_1140, [[[0x0008_1155, '1.5']]]],
      ],
    ],
  ],
]);
const SCHEDULED = writeSmallDataSet(EXPLICIT, [
  [0x0010_0010, 'MULLER*'],
  [
    0x0040_0100,
    [
      [
        [0x0008_0060, 'CT'],
        [0x0040_0002, '20260314-'],
      ],
    ],
  ],
]);

export const requestTargets: readonly Target[] = [
  {
    name: 'C-FIND identifier',
    seeds: [QUERY, IMAGES],
    take: taking('1.2.840.10008.5.1.4.1.2.2.1', 'find'),
  },
  {
    name: 'C-GET identifier',
    seeds: [QUERY, IMAGES],
    take: taking('1.2.840.10008.5.1.4.1.2.2.3', 'get'),
  },
  {
    name: 'worklist query',
    seeds: [SCHEDULED],
    take: taking('1.2.840.10008.5.1.4.31', 'find'),
  },
  {
    name: 'commitment request',
    seeds: [COMMITMENT],
    take: taking('1.2.840.10008.1.20.1', 'action'),
  },
  {
    name: 'performed step',
    seeds: [STEP],
    take: taking('1.2.840.10008.3.1.2.3.3', 'create'),
  },
];
