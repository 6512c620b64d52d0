/** One message to an MLLP receiver, and its acknowledgement. HL7 2.5 §2.9, Appendix C. */
import { connect } from 'node:net';
import { GatewayError, type Retry } from '../../shared/errors.ts';
import { MllpReader, mllpFrame } from '../hl7/mllp.ts';

const MAX_ANSWER_BYTES = 1_000_000;

export class RisError extends GatewayError {
  override readonly name = 'RisError';
  readonly code: 'RIS_UNREACHABLE' | 'RIS_SILENT';
  readonly retry: Retry;

  constructor(code: RisError['code'], message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
    this.retry = code === 'RIS_UNREACHABLE' ? 'safe' : 'unsure';
  }
}

export type Acknowledged =
  | { readonly kind: 'accepted' }
  /** MSA-3 or ERR, in the receiver's words. */
  | { readonly kind: 'refused'; readonly reason: string };

export interface MllpReceiver {
  readonly host: string;
  readonly port: number;
  readonly answerSeconds: number;
}

/** @throws RisError when it can't be reached, or does not answer in time */
export async function sendMessage(
  { host, port, answerSeconds }: MllpReceiver,
  message: string,
): Promise<Acknowledged> {
  const reader = new MllpReader(MAX_ANSWER_BYTES);
  const socket = connect({ host, port, noDelay: true });
  try {
    return await new Promise((resolve, reject) => {
      let isSent = false;
      const fail = (cause?: Error): void => {
        const code = isSent ? 'RIS_SILENT' : 'RIS_UNREACHABLE';
        const what = isSent ? 'gave no answer' : 'can not be reached';
        reject(new RisError(code, `the RIS ${what}`, { cause }));
      };
      socket.setTimeout(answerSeconds * 1_000, () => fail());
      socket.on('error', fail);
      socket.on('close', () => fail());
      socket.on('connect', () => {
        isSent = true;
        socket.write(mllpFrame(message));
      });
      socket.on('data', (chunk: Buffer) => {
        const frame = reader.push(chunk).find(({ kind }) => kind === 'frame');
        if (frame?.kind !== 'frame') return;
        const answer = acknowledgementOf(frame.bytes.toString('utf8'));
        if (answer !== undefined) resolve(answer);
      });
    });
  } finally {
    socket.destroy();
  }
}

/** MSA-1 of HL7 table 0008; undefined for what is no acknowledgement. */
function acknowledgementOf(text: string): Acknowledged | undefined {
  const segments = text.split(/[\r\n]+/).map((line) => line.split('|'));
  const msa = segments.find(([name]) => name === 'MSA');
  const code = msa?.[1] ?? '';
  if (code === 'AA' || code === 'CA') return { kind: 'accepted' };
  if (!/^[AC][ER]$/.test(code)) return undefined;
  const err = segments.find(([name]) => name === 'ERR');
  const words = [msa?.[3], err?.[8], err?.[7], err?.[3]].find(
    (one) => one !== undefined && one !== '',
  );
  return { kind: 'refused', reason: (words ?? code).slice(0, 200) };
}
