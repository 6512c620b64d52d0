/**
 * What a sender is answered. HL7 2.5 §2.9: original mode, one AA, AE or AR; enhanced mode where MSH-15 or
 * MSH-16 asks for it, a CA, CE or CR, and the application's answer behind it.
 */
import { isVersion2, type Message, type Segment } from './message.ts';

const USUAL = { component: '^', repetition: '~', escaping: '\\', subcomponent: '&' };

/** `accepted`: it is durable here; `refused`: do not send it again unchanged; `rejected`: not now, or never. */
export type Verdict = 'accepted' | 'refused' | 'rejected';

const APPLICATION: Readonly<Record<Verdict, string>> = {
  accepted: 'AA',
  refused: 'AE',
  rejected: 'AR',
};
const COMMIT: Readonly<Record<Verdict, string>> = { accepted: 'CA', refused: 'CE', rejected: 'CR' };

export interface Answer {
  /** Absent: what came could not be read. */
  readonly message: Message | undefined;
  readonly verdict: Verdict;
  /** MSA-3: a code, or ''. */
  readonly text: string;
  readonly mode: 'auto' | 'original';
}

export interface Answerer {
  readonly trust: string;
  /** RFC 3339. */
  readonly now: string;
  readonly controlId: () => string;
}

/** An answer is never answered. @returns one or two messages, none for an acknowledgement */
export function acknowledge(answer: Answer, answerer: Answerer): string[] {
  const { message, verdict, mode } = answer;
  if (message?.type === 'ACK' || message?.type === 'MCF') return [];
  const { commit, application } = wanted(message?.header, verdict, mode);
  const codes = [commit ? COMMIT[verdict] : '', application ? APPLICATION[verdict] : ''];
  return codes.filter((code) => code !== '').map((code) => write(answer, code, answerer));
}

/** A sender that wants no answer at all gets the original one: many wait for it all the same. */
function wanted(
  header: Segment | undefined,
  verdict: Verdict,
  mode: 'auto' | 'original',
): { commit: boolean; application: boolean } {
  const commit = mode === 'auto' && isWanted(header?.text(15) ?? '', verdict);
  const application = isWanted(header?.text(16) ?? '', verdict);
  return commit ? { commit, application } : { commit: false, application: true };
}

/** HL7 table 0155. */
function isWanted(condition: string, verdict: Verdict): boolean {
  if (condition === 'AL') return true;
  return condition === (verdict === 'accepted' ? 'SU' : 'ER');
}

function write(
  { message, text }: Answer,
  code: string,
  { trust, now, controlId }: Answerer,
): string {
  // Only the delimiters that the sender declared itself; one that declared none gets the usual ones.
  const told = message?.delimiters;
  const { field, component, repetition, escaping, subcomponent } =
    told === undefined || told.component === '' ? { ...USUAL, field: told?.field ?? '|' } : told;
  const from = (at: number): string => message?.header.whole(at) ?? '';
  const time = now.replace(/[-:T]/g, '').slice(0, 14);
  const type = message?.event ? ['ACK', message.event, 'ACK'].join(component) : 'ACK';
  const sender =
    message === undefined ? ['CDIP', trust, '', ''] : [from(5), from(6), from(3), from(4)];
  const version = from(12);
  const msh = [
    ...[`MSH${field}${component}${repetition}${escaping}${subcomponent}`, ...sender],
    ...[
      `${time}+0000`,
      '',
      type,
      controlId(),
      from(11) || 'P',
      isVersion2(version) ? version : '2.5',
    ],
  ];
  // MSH-18: names echoed from a UTF-8 message are written as that.
  const isAscii = sender.every((part) => Buffer.byteLength(part) === part.length);
  if (!isAscii) msh.push('', '', '', '', '', 'UNICODE UTF-8');
  const msa = ['MSA', code, from(10), ...(text === '' ? [] : [text])];
  return `${msh.join(field)}\r${msa.join(field)}\r`;
}

/** The answers to a batch come as one. */
export function inOneFrame(answers: readonly string[]): string {
  if (answers.length <= 1) return answers[0] ?? '';
  return `BHS|^~\\&\r${answers.join('')}BTS|${answers.length}\r`;
}
