/** What a peer's bytes go through on the network: PDUs, associations, commands; as the side that performs, and as the one that asks. */
import { decodeCommand, encodeCommand } from '../../edge/dimse/command-set.ts';
import { ScuSession } from '../../edge/dimse/scu-session.ts';
import type { DimseServices } from '../../edge/dimse/service.ts';
import { ScpSession } from '../../edge/dimse/session.ts';
import {
  decodeAssociateAC,
  decodeAssociateRQ,
  encodeAssociateAC,
  encodeAssociateRQ,
} from '../../edge/ul/associate.ts';
import type { AcceptedContext, AssociationUser } from '../../edge/ul/association.ts';
import { Connection, type Role } from '../../edge/ul/connection.ts';
import { describeAbort, describeRejection } from '../../edge/ul/pdu.ts';
import type { Log } from '../../shared/log.ts';
import { silentLog } from '../../shared/log.ts';
import { pdu } from '../support/sender.ts';
import { Wire } from '../support/wire.ts';
import type { Dice } from './mutate.ts';
import type { Target } from './target.ts';

const CT = '1.2.840.10008.5.1.4.1.1.2';
const FIND = '1.2.840.10008.5.1.4.1.2.2.1';
const EXPLICIT = '1.2.840.10008.1.2.1';

const context = (id: number, abstractSyntaxUID: string): [number, AcceptedContext] => [
  id,
  { id, abstractSyntaxUID, transferSyntaxUID: EXPLICIT, roles: { scu: true, scp: true } },
];
const CONTEXTS = new Map([context(1, '1.2.840.10008.1.1'), context(3, CT), context(5, FIND)]);

/** Bugs that the product met and answered for: it logs them. */
class BugLog implements Log {
  found: unknown;
  readonly info = silentLog.info;
  readonly warn = silentLog.warn;
  readonly error: Log['error'] = (event, fields) => {
    if (event === 'program.bug') this.found ??= (fields as { error?: unknown }).error ?? event;
  };
}

const NO_ROLE: Omit<Role, 'isRequestor'> = {
  onAssociateRQ: (body) => void decodeAssociateRQ(body),
  onAssociateAC: (body) => decodeAssociateAC(body) !== undefined,
  onAssociateRJ: (body) => void describeRejection(body),
  onEnd: () => {},
};

/** Lets an association run on bytes, in pieces, and ends it. */
async function run(
  bytes: Buffer,
  dice: Dice,
  {
    isRequestor,
    user,
  }: { isRequestor: boolean; user: (connection: Connection) => AssociationUser },
): Promise<void> {
  const wire = new Wire();
  const connection = new Connection({
    ...{ socket: wire.socket, state: 6, role: { ...NO_ROLE, isRequestor } },
    ...{ maxPduBytes: 131_072, artimMs: 60_000 },
  });
  const peer = {
    associationId: 'a',
    callingAETitle: 'A',
    calledAETitle: 'B',
    host: 'h',
    tls: false,
  };
  let using: AssociationUser | undefined;
  const open = (): AssociationUser => {
    using = user(connection);
    return using;
  };
  connection.agree({ peer, contexts: CONTEXTS, peerMaxPduBytes: 16_384, open });
  const piece = 1 + dice.upTo(bytes.length + 1);
  for (let at = 0; at < bytes.length; at += piece) wire.receive(bytes.subarray(at, at + piece));
  await new Promise((resolve) => setImmediate(resolve));
  connection.destroy();
  wire.emit('close');
}

const services: DimseServices = {
  store: () => ({ write: () => undefined, end: async () => ({ status: 0 }), abort: () => {} }),
  served: [
    {
      ...{ name: 'Find', sopClassUID: FIND, kinds: ['find', 'get', 'action'], statuses: {} },
      async handle({ dataSet }, link) {
        await link.pending({ status: 0xff00, dataSet: dataSet.subarray(0, 100) });
        return { status: 0 };
      },
    },
  ],
};

const performing: Target['take'] = async (bytes, dice) => {
  const log = new BugLog();
  const user = (association: Connection): AssociationUser =>
    new ScpSession({ association, services, log });
  await run(bytes, dice, { isRequestor: false, user });
  return log.found;
};

const asking: Target['take'] = async (bytes, dice) => {
  const session = new ScuSession();
  session.agreed(CONTEXTS);
  session.open(7);
  await run(bytes, dice, { isRequestor: true, user: () => session });
  while (session.failure === undefined) await session.next(7, 1_000);
  session.close(7);
};

function pdv(contextId: number, control: number, bytes: Buffer): Buffer {
  const head = Buffer.alloc(6);
  head.writeUInt32BE(bytes.length + 2);
  head[4] = contextId;
  head[5] = control;
  return Buffer.concat([head, bytes]);
}

/** A message in one PDU. */
const message = (contextId: number, command: Buffer, dataSet?: Buffer): Buffer =>
  pdu(
    4,
    Buffer.concat([
      pdv(contextId, 3, command),
      ...(dataSet === undefined ? [] : [pdv(contextId, 2, dataSet)]),
    ]),
  );

const DATA_SET = Buffer.from('08005200435306005354554459200800180055490800322e3939392e3100', 'hex');
const commandOf = (field: number, more: Parameters<typeof encodeCommand>[0], hasDataSet: boolean) =>
  encodeCommand({ CommandField: field, ...more }, hasDataSet);

const request = (field: number, sopClassUID: string) =>
  commandOf(
    field,
    { AffectedSOPClassUID: sopClassUID, MessageID: 7, AffectedSOPInstanceUID: '2.999.1' },
    field !== 0x30,
  );
const response = (field: number, status: number, hasDataSet: boolean) =>
  commandOf(field, { MessageIDBeingRespondedTo: 7, Status: status }, hasDataSet);
const cancel = commandOf(0x0fff, { MessageIDBeingRespondedTo: 7 }, false);
const RELEASE = pdu(5, Buffer.alloc(4));
const ABORT = pdu(7, Buffer.from([0, 0, 2, 1]));

const REQUESTS = [
  message(1, request(0x30, '1.2.840.10008.1.1')),
  message(3, request(0x01, CT), DATA_SET),
  message(5, request(0x20, FIND), DATA_SET),
  message(5, request(0x10, FIND), DATA_SET),
  message(5, cancel),
];
const RESPONSES = [
  message(5, response(0x8020, 0xff00, true), DATA_SET),
  message(5, response(0x8020, 0, false)),
  message(3, response(0x8001, 0xa700, false)),
];

const user = {
  maxPduBytes: 16_384,
  window: { invoked: 4, performed: 1 },
  roles: new Map([[CT, { scu: true, scp: true }]]),
  extended: new Map([[FIND, Buffer.from([1, 1])]]),
};
const associateRQ = encodeAssociateRQ({
  ...{ calledAETitle: 'CDIP_RRK', callingAETitle: 'CT1', user },
  contexts: [...CONTEXTS.values()].map(({ id, abstractSyntaxUID }) => ({
    ...{ id, abstractSyntaxUID, transferSyntaxUIDs: [EXPLICIT, '1.2.840.10008.1.2'] },
  })),
}).subarray(6);
const associateAC = encodeAssociateAC({
  ...{ request: associateRQ, user },
  results: [...CONTEXTS.values()].map(({ id }) => ({ id, transferSyntaxUID: EXPLICIT, result: 0 })),
}).subarray(6);

export const connectionTargets: readonly Target[] = [
  {
    name: 'association request and answer',
    seeds: [associateRQ, associateAC],
    take(bytes) {
      decodeAssociateRQ(bytes);
      decodeAssociateAC(bytes);
      describeAbort(bytes);
      describeRejection(bytes);
    },
  },
  {
    name: 'command set',
    seeds: [request(0x01, CT), response(0x8021, 0xb000, true), cancel],
    take(bytes) {
      const command = decodeCommand(bytes);
      command.text('AffectedSOPInstanceUID');
      command.number('MessageID');
    },
  },
  {
    name: 'association, performing',
    seeds: [...REQUESTS, Buffer.concat([...REQUESTS, RELEASE]), Buffer.concat([RELEASE, ABORT])],
    take: performing,
  },
  {
    name: 'association, asking',
    seeds: [...RESPONSES, Buffer.concat(RESPONSES), Buffer.concat([...RESPONSES, RELEASE])],
    take: asking,
  },
];
