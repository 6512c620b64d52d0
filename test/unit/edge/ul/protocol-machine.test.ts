/** What a connection does at every event in every state, as either side: PS3.8 tables 9-6 to 9-10. */
import t from 'tap';
import type { Association, AssociationEnd } from '../../../../edge/ul/association.ts';
import { Connection, type Role } from '../../../../edge/ul/connection.ts';
import { Event, type State } from '../../../../edge/ul/state-table.ts';
import { associateRQ, pdu } from '../../../support/sender.ts';
import { Wire } from '../../../support/wire.ts';
import { NEXT_STATE, STANDARD_CELLS, type StandardCell } from './table-9-10.ts';

/** PS3.8 §9.3.1. */
const NAMES = ['', 'RQ', 'AC', 'RJ', 'DATA', 'RELEASE-RQ', 'RELEASE-RP', 'ABORT'];

interface Side {
  readonly wire: Wire;
  readonly connection: Connection;
  /** What the user and the role were told. */
  readonly told: string[];
  readonly ends: string[];
}

function side(state: State, isRequestor: boolean): Side {
  const wire = new Wire();
  const [told, ends]: [string[], string[]] = [[], []];
  const role: Role = {
    isRequestor,
    onAssociateRQ: () => void told.push('associate indication'),
    onAssociateAC: () => told.push('associate confirmation') > 0,
    onAssociateRJ: () => void told.push('associate refusal'),
    onEnd: ({ kind }: AssociationEnd) => void ends.push(kind),
  };
  const connection = new Connection({
    ...{ socket: wire.socket, state, role, maxPduBytes: 16_384, artimMs: 60_000 },
  });
  const peer = { associationId: 'a', callingAETitle: 'A', calledAETitle: 'B' };
  const open = (_: Association) => ({
    onData: () => void told.push('data indication'),
    onRelease: () => {
      told.push('release indication');
      return new Promise<void>(() => {});
    },
    onEnd: () => {},
  });
  const facts = { peer: { ...peer, host: 'h', tls: false }, contexts: new Map(), open };
  if (state > 2 && state !== 4 && state !== 5) connection.agree({ ...facts, peerMaxPduBytes: 0 });
  return { wire, connection, told, ends };
}

const PDV = { contextId: 1, isCommand: true, isLast: true, bytes: Buffer.from('ab') };
const CONTEXTS = [{ sopClassUID: '1.2.840.10008.1.1', transferSyntaxUID: '1.2.840.10008.1.2' }];

/** Events of the network arrive as bytes, those of the user as calls. */
const CAUSE: Readonly<Record<number, (side: Side) => void>> = {
  [Event.associateAC]: receives(pdu(2, Buffer.alloc(68))),
  [Event.associateRJ]: receives(pdu(3, Buffer.from([0, 1, 1, 1]))),
  [Event.associateRQ]: receives(associateRQ({ contexts: CONTEXTS })),
  [Event.dataRequest]: ({ connection }) => void connection.write([PDV]),
  [Event.dataTF]: receives(pdu(4, Buffer.from([0, 0, 0, 4, 1, 3, 97, 98]))),
  [Event.releaseRequest]: ({ connection }) => void connection.release(),
  [Event.releaseRQ]: receives(pdu(5, Buffer.alloc(4))),
  [Event.releaseRP]: receives(pdu(6, Buffer.alloc(4))),
  [Event.abortRequest]: ({ connection }) => connection.abort(),
  [Event.abortPdu]: receives(pdu(7, Buffer.alloc(4))),
  [Event.closed]: ({ wire }) => void wire.emit('close'),
  [Event.invalidPdu]: receives(pdu(99, Buffer.alloc(4))),
};

function receives(bytes: Buffer): (side: Side) => void {
  return ({ wire }) => wire.receive(bytes);
}

interface Effect {
  readonly sent?: readonly string[];
  readonly told?: readonly string[];
  readonly ends?: readonly string[];
  /** Where it is not that of table 9-10: our user answers a release within a release at once. */
  readonly state?: number;
}

/** AE-2, AE-7 and AE-8 send what the requestor or the acceptor has encoded: association.test.ts. */
const EFFECTS: Readonly<Record<string, Effect>> = {
  'AE-3': { told: ['associate confirmation'] },
  'AE-4': { told: ['associate refusal'], ends: ['aborted'] },
  'AE-6': { told: ['associate indication'] },
  'DT-1': { sent: ['DATA'] },
  'DT-2': { told: ['data indication'] },
  'AR-1': { sent: ['RELEASE-RQ'] },
  'AR-2': { told: ['release indication'] },
  'AR-3': { ends: ['released'] },
  'AR-4': { sent: ['RELEASE-RP'], ends: ['released'] },
  'AR-6': { told: ['data indication'] },
  'AR-7': { sent: ['DATA'] },
  'AR-9': { sent: ['RELEASE-RP'] },
  'AR-10': { sent: ['RELEASE-RP'], ends: ['released'], state: 13 },
  'AA-1': { sent: ['ABORT'], ends: ['aborted'] },
  'AA-3': { ends: ['aborted-by-peer'] },
  'AA-4': { ends: ['closed'] },
  'AA-7': { sent: ['ABORT'] },
  'AA-8': { sent: ['ABORT'], ends: ['aborted'] },
};

function effectOf({ action = '', state }: StandardCell, isRequestor: boolean): Required<Effect> {
  const collision = isRequestor ? { sent: ['RELEASE-RP'], state: 11 } : { state: 10 };
  const effect = action === 'AR-8' ? collision : (EFFECTS[action] ?? {});
  const next = NEXT_STATE[action] ?? state;
  return { ...{ sent: [], told: [], ends: [], state: next }, ...effect };
}

/** Ends that the table leaves to the transport, or that were told before. */
const SILENT_ENDS = new Set(['AA-2', 'AA-5', 'AR-5']);

for (const isRequestor of [false, true]) {
  const who = isRequestor ? 'requestor' : 'acceptor';
  t.test(`every event in every state, as the ${who}`, async (t) => {
    for (const cell of STANDARD_CELLS) {
      // Without a cell an abort or a closed connection ends it all the same.
      const endsAnyway = cell.event === Event.abortRequest || cell.event === Event.closed;
      if (cell.action === undefined && endsAnyway) continue;
      const one = side(cell.state as State, isRequestor);
      const cause = CAUSE[cell.event];
      if (cause === undefined) one.connection.handle(cell.event as Event);
      else cause(one);
      const title = `Sta${cell.state}, event ${cell.event}: ${cell.action ?? 'nothing'}`;
      const { sent, told, ends, state } = effectOf(cell, isRequestor);
      // A PDV's header and its bytes are two writes.
      const names = one.wire.written.flatMap(([type = 0]) => NAMES[type] ?? []);
      t.strictSame(names, sent, `${title}, sent`);
      t.strictSame(one.told, told, `${title}, told`);
      if (!SILENT_ENDS.has(cell.action ?? '')) t.strictSame(one.ends, ends, `${title}, ends`);
      t.equal(one.connection.state, state, `${title}, state`);
      one.connection.destroy();
      one.wire.emit('close');
    }
  });
}
