/**
 * The protocol machine of the DICOM Upper Layer as data. PS3.8 §9.2.3, table 9-10.
 *
 * A cell is the action and the state after it; no cell: the event can't happen there. Two actions
 * choose their next state themselves: AE-6 may go on to reject (event 8), AR-8 depends on who asked
 * for the association.
 */

/** Sta1 idle … Sta13 awaiting the close of the connection. */
export type State = 1 | 2 | 3 | 4 | 5 | 6 | 7 | 8 | 9 | 10 | 11 | 12 | 13;

/** Events of table 9-10, by number. */
export const Event = {
  associateRequest: 1,
  connected: 2,
  associateAC: 3,
  associateRJ: 4,
  connectionIndicated: 5,
  associateRQ: 6,
  associateAccepted: 7,
  associateRejected: 8,
  dataRequest: 9,
  dataTF: 10,
  releaseRequest: 11,
  releaseRQ: 12,
  releaseRP: 13,
  releaseResponse: 14,
  abortRequest: 15,
  abortPdu: 16,
  closed: 17,
  artimExpired: 18,
  invalidPdu: 19,
} as const;
export type Event = (typeof Event)[keyof typeof Event];

export type Action =
  | ('AE-1' | 'AE-2' | 'AE-3' | 'AE-4' | 'AE-5' | 'AE-6' | 'AE-7' | 'AE-8')
  | ('DT-1' | 'DT-2')
  | ('AR-1' | 'AR-2' | 'AR-3' | 'AR-4' | 'AR-5' | 'AR-6' | 'AR-7' | 'AR-8' | 'AR-9' | 'AR-10')
  | ('AA-1' | 'AA-2' | 'AA-3' | 'AA-4' | 'AA-5' | 'AA-6' | 'AA-7' | 'AA-8');

export type Cell = readonly [action: Action, next: State];
type Row = Partial<Readonly<Record<Event, Cell>>>;

const ABORT_BY_PROVIDER: Cell = ['AA-8', 13];
const ABORT: Cell = ['AA-1', 13];

/** In every state with an association the same things are out of place, and the same things end it. */
const OPEN: Row = {
  [Event.associateAC]: ABORT_BY_PROVIDER,
  [Event.associateRJ]: ABORT_BY_PROVIDER,
  [Event.associateRQ]: ABORT_BY_PROVIDER,
  [Event.dataTF]: ABORT_BY_PROVIDER,
  [Event.releaseRQ]: ABORT_BY_PROVIDER,
  [Event.releaseRP]: ABORT_BY_PROVIDER,
  [Event.abortRequest]: ABORT,
  [Event.abortPdu]: ['AA-3', 1],
  [Event.closed]: ['AA-4', 1],
  [Event.invalidPdu]: ABORT_BY_PROVIDER,
};

export const STATE_TABLE: Readonly<Record<State, Row>> = {
  1: { [Event.associateRequest]: ['AE-1', 4], [Event.connectionIndicated]: ['AE-5', 2] },
  2: {
    [Event.associateAC]: ABORT,
    [Event.associateRJ]: ABORT,
    [Event.associateRQ]: ['AE-6', 3],
    [Event.dataTF]: ABORT,
    [Event.releaseRQ]: ABORT,
    [Event.releaseRP]: ABORT,
    [Event.abortPdu]: ['AA-2', 1],
    [Event.closed]: ['AA-5', 1],
    [Event.artimExpired]: ['AA-2', 1],
    [Event.invalidPdu]: ABORT,
  },
  3: { ...OPEN, [Event.associateAccepted]: ['AE-7', 6], [Event.associateRejected]: ['AE-8', 13] },
  4: {
    [Event.connected]: ['AE-2', 5],
    [Event.abortRequest]: ['AA-2', 1],
    [Event.closed]: ['AA-4', 1],
  },
  5: { ...OPEN, [Event.associateAC]: ['AE-3', 6], [Event.associateRJ]: ['AE-4', 1] },
  6: {
    ...OPEN,
    [Event.dataRequest]: ['DT-1', 6],
    [Event.dataTF]: ['DT-2', 6],
    [Event.releaseRequest]: ['AR-1', 7],
    [Event.releaseRQ]: ['AR-2', 8],
  },
  7: {
    ...OPEN,
    [Event.dataTF]: ['AR-6', 7],
    [Event.releaseRQ]: ['AR-8', 9],
    [Event.releaseRP]: ['AR-3', 1],
  },
  8: { ...OPEN, [Event.dataRequest]: ['AR-7', 8], [Event.releaseResponse]: ['AR-4', 13] },
  9: { ...OPEN, [Event.releaseResponse]: ['AR-9', 11] },
  10: { ...OPEN, [Event.releaseRP]: ['AR-10', 12] },
  11: { ...OPEN, [Event.releaseRP]: ['AR-3', 1] },
  12: { ...OPEN, [Event.releaseResponse]: ['AR-4', 13] },
  13: {
    [Event.associateAC]: ['AA-6', 13],
    [Event.associateRJ]: ['AA-6', 13],
    [Event.associateRQ]: ['AA-7', 13],
    [Event.dataTF]: ['AA-6', 13],
    [Event.releaseRQ]: ['AA-6', 13],
    [Event.releaseRP]: ['AA-6', 13],
    [Event.abortPdu]: ['AA-2', 1],
    [Event.closed]: ['AR-5', 1],
    [Event.artimExpired]: ['AA-2', 1],
    [Event.invalidPdu]: ['AA-7', 13],
  },
};
