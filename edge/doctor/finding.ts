/**
 * What an examination of the surroundings finds: what is wrong, why it matters, how to mend it. Codes are stable;
 * each has its weight and its reason here, what was seen and the mend come from the check that found it.
 *
 * No patient is in a finding: codes, counts, names of peers, hosts and files.
 */

/** `fault`: something does not work, or what is acknowledged is at risk. `warning`: it will, or nobody can say. */
export type FindingState = 'ok' | 'warning' | 'fault';

export type CheckName =
  | 'disk'
  | 'clock'
  | 'edge'
  | 'port'
  | 'hub'
  | 'nats'
  | 'pacs'
  | 'modality'
  | 'hl7'
  | 'certificate';

export interface Finding {
  readonly check: CheckName;
  /** The directory, port, peer or file that was looked at. */
  readonly about: string;
  readonly state: FindingState;
  readonly code: FindingCode | 'OK';
  readonly what: string;
  /** Empty when all is well. */
  readonly why: string;
  readonly mend: string;
}

type Known = readonly [state: Exclude<FindingState, 'ok'>, why: string];

const NO_IMAGES = 'No image comes in or goes out over it until it is mended.';
const NO_PRIORS =
  'The network does not see what this PACS holds, and nothing can be brought from it.';
const NO_HUB =
  'The trust works alone: the others do not see its studies, and nothing is fetched from them.';

const KNOWN = {
  DISK_FULL: [
    'fault',
    'Objects are refused (A700H) until there is room; modalities hold them back.',
  ],
  DISK_NEARLY_FULL: ['warning', 'When the reserve is reached, objects are refused.'],
  DISK_NOT_WRITABLE: ['fault', 'Nothing can be stored.'],
  DISK_NOT_DURABLE: ['fault', 'What was acknowledged is lost when the machine restarts.'],
  DISK_FSYNC_SUSPECT: [
    'warning',
    'An fsync that ends so soon may not reach the disk: a power cut would take what was acknowledged.',
  ],
  DISK_SLOW: ['warning', 'Every object waits for the disk before it is acknowledged.'],

  CLOCK_OFF: [
    'fault',
    'Tickets between trusts are refused, and times of studies and messages are wrong.',
  ],
  CLOCK_DRIFTS: ['warning', 'It goes on drifting until tickets between trusts are refused.'],
  CLOCK_NOT_COMPARED: ['warning', 'Nobody can say whether the time is right.'],

  EDGE_NOT_RUNNING: ['warning', 'Nothing is received while it is stopped.'],
  PORT_TAKEN: ['fault', NO_IMAGES],
  PORT_NOT_ALLOWED: ['fault', NO_IMAGES],
  PORT_ADDRESS: ['fault', NO_IMAGES],
  PORT_CLOSED: ['fault', NO_IMAGES],

  NOT_ENROLLED: ['warning', NO_HUB],
  HUB_NAME_UNKNOWN: ['fault', NO_HUB],
  HUB_PORT_CLOSED: ['fault', NO_HUB],
  HUB_NO_ANSWER: ['fault', NO_HUB],
  HUB_TLS: ['fault', NO_HUB],
  HUB_NOT_READY: ['warning', NO_HUB],
  HUB_OTHER: ['fault', NO_HUB],
  NATS_NAME_UNKNOWN: ['fault', NO_HUB],
  NATS_PORT_CLOSED: ['fault', NO_HUB],
  NATS_NO_ANSWER: ['fault', NO_HUB],
  NATS_KEY_MISSING: ['fault', NO_HUB],
  NATS_KEY_REFUSED: ['fault', NO_HUB],
  NATS_HUB_SILENT: ['fault', NO_HUB],

  PACS_NONE: ['warning', 'The network sees only what is sent to this edge.'],
  PACS_NAME_UNKNOWN: ['fault', NO_PRIORS],
  PACS_OFF: ['fault', NO_PRIORS],
  PACS_NO_ANSWER: ['fault', NO_PRIORS],
  PACS_TLS: ['fault', NO_PRIORS],
  PACS_AE_TITLE_WRONG: ['fault', NO_PRIORS],
  PACS_DOES_NOT_KNOW_US: ['fault', NO_PRIORS],
  PACS_REFUSES: ['fault', NO_PRIORS],
  PACS_NOT_DICOM: ['fault', NO_PRIORS],
  PACS_ECHO_REFUSED: ['warning', 'Whether it is well can only be seen by using it.'],
  PACS_FIND_REFUSED: ['fault', NO_PRIORS],
  PACS_HOLDS_NOTHING: ['warning', 'Queries and retrieves could not be tried on a study.'],
  PACS_MATCHES_CAPPED: [
    'fault',
    'Where it has more, it leaves out studies and says nothing: days of many studies may stay incomplete.',
  ],
  PACS_CHARACTER_SET_UNDECLARED: [
    'fault',
    'Names with letters beyond ASCII are guessed at; a patient may not be found by name, or be shown misspelt.',
  ],
  PACS_CHARACTER_SET_WRONG: [
    'fault',
    'Names with letters beyond ASCII are read wrongly; a patient may not be found by name.',
  ],
  PACS_RETRIEVE_REFUSED: [
    'fault',
    'Studies that only the PACS holds can not be fetched by anybody.',
  ],
  PACS_MOVE_DESTINATION_UNKNOWN: [
    'fault',
    'C-MOVE brings nothing: the PACS does not know where we are.',
  ],
  PACS_MOVE_NOTHING_CAME: ['fault', 'C-MOVE brings nothing, though the PACS says it did.'],
  PACS_TAKES_NO_IMAGES: ['fault', 'Studies fetched from other trusts can not be delivered to it.'],

  MODALITY_NEVER_SEEN: ['warning', 'Its images do not come here, or come under another AE title.'],
  MODALITY_SILENT: ['warning', 'Its images may go astray, or it is out of use.'],
  HL7_NEVER: [
    'warning',
    'Orders, reports and patients of this trust are not known to the network.',
  ],
  HL7_SILENT: ['warning', 'Orders, reports and merges of patients may be missing since then.'],
  HL7_DEAD_LETTERS: ['warning', 'What they told has no effect until they are applied.'],

  CERTIFICATE_EXPIRED: ['fault', 'Whoever checks certificates refuses the connection.'],
  CERTIFICATE_NOT_YET_VALID: ['fault', 'Whoever checks certificates refuses the connection.'],
  CERTIFICATE_ENDS_SOON: ['warning', 'Connections are refused from that day on.'],
  CERTIFICATE_UNREADABLE: ['fault', 'No encrypted connection can be made with it.'],
  CERTIFICATE_KEY_DIFFERS: ['fault', 'No encrypted connection can be made with it.'],

  CHECK_FAILED: ['fault', 'What it would have found is not known.'],
} as const satisfies Readonly<Record<string, Known>>;

export type FindingCode = keyof typeof KNOWN;

export const FINDING_CODES: readonly string[] = Object.keys(KNOWN);

interface Seen {
  readonly check: CheckName;
  readonly about: string;
  readonly what: string;
}

export function found(code: FindingCode, seen: Seen & { readonly mend: string }): Finding {
  const [state, why] = KNOWN[code];
  return { ...seen, state, code, why };
}

export const well = (seen: Seen): Finding => ({
  ...seen,
  state: 'ok',
  code: 'OK',
  why: '',
  mend: '',
});

export interface DoctorReport {
  readonly trust: string;
  readonly version: string;
  /** RFC 3339. */
  readonly at: string;
  readonly faults: number;
  readonly warnings: number;
  /** The worst first. */
  readonly findings: readonly Finding[];
}

const WEIGHT: Readonly<Record<FindingState, number>> = { fault: 0, warning: 1, ok: 2 };

export function reportOf(
  head: Pick<DoctorReport, 'trust' | 'version' | 'at'>,
  findings: readonly Finding[],
): DoctorReport {
  const count = (state: FindingState): number =>
    findings.filter((one) => one.state === state).length;
  return {
    ...head,
    ...{ faults: count('fault'), warnings: count('warning') },
    findings: findings.toSorted((a, b) => WEIGHT[a.state] - WEIGHT[b.state]),
  };
}
