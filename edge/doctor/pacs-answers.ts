/**
 * How a PACS answers C-FIND: at all, whole, in which character set.
 *
 *   days, ever more of them ─► enough answers ─► their halves ─► a study that was left out: the answer was cut
 *
 * A PACS may cut its answer and say nothing. It is found by asking for parts of the same again, as far as days,
 * times and modalities can part it. Nothing that names a patient leaves this file.
 */

import type { Clock } from '../../shared/clock.ts';
import { Tag } from '../../shared/dicom/tag.ts';
import type { Peer } from '../config.ts';
import { countOf, studyIdentifier } from '../crawl/answers.ts';
import { CrawlError } from '../crawl/crawl-error.ts';
import { type Answers, PacsFinder } from '../crawl/pacs-finder.ts';
import { addDays, type Slice, splitSlice } from '../crawl/slice.ts';
import { decodeIdentifier } from '../dimse/identifier.ts';
import { type Finding, found, well } from './finding.ts';

const NumberOfStudyRelatedInstances = 0x0020_1208;
const FIRST_DAYS = 7;
const WIDER = 4;
/** Beyond it everything is asked for. */
const LAST_DAYS = 36_500;
/** A cap above it leaves hardly any day incomplete. */
const ENOUGH = 1_500;
const MAX_QUESTIONS = 120;
const EARLIEST = '19000101';

export interface ProbeStudy {
  readonly studyInstanceUID: string;
  readonly patientId: string;
  /** Null: the PACS does not say. */
  readonly instances: number | null;
}

export interface AnswersExamination {
  readonly findings: Finding[];
  /** The study with the fewest objects, to try a retrieve on; undefined: it told of none. */
  readonly smallest: ProbeStudy | undefined;
}

interface Asking {
  readonly ownAETitle: string;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

/** @throws UlError, DimseError */
export async function examineAnswers(peer: Peer, asking: Asking): Promise<AnswersExamination> {
  const { ownAETitle, signal, clock } = asking;
  const finder = new PacsFinder({ peer, ownAETitle, signal });
  const today = new Date(clock.now()).toISOString().slice(0, 10).replaceAll('-', '');
  try {
    const questions = new Questions(finder);
    const { slice, answer } = await widest(questions, today);
    const seen = { check: 'pacs', about: peer.name } as const;
    if (answer.end === 'refused' || answer.end === 'late')
      return { findings: [refused(peer, answer)], smallest: undefined };
    if (answer.studies.length === 0) {
      const nothing = found('PACS_HOLDS_NOTHING', {
        ...{ ...seen, what: 'It answers C-FIND, and tells of no study.' },
        mend: `Let ${ownAETitle} see all studies in the PACS; if it is new, run doctor again when it holds some.`,
      });
      return { findings: [nothing], smallest: undefined };
    }
    const isCut = answer.end === 'cut' || (await leavesOut(questions, { slice, today, answer }));
    return {
      findings: [isCut ? capped(peer, answer) : whole(peer, answer), characterSet(peer, answer)],
      smallest: answer.studies.toSorted(byInstances)[0],
    };
  } catch (error) {
    if (!(error instanceof CrawlError)) throw error;
    const refusal = found('PACS_FIND_REFUSED', {
      ...{ check: 'pacs', about: peer.name, what: `${error.message}.` },
      mend: `Allow queries (C-FIND, Study Root) by ${ownAETitle} in the PACS.`,
    });
    return { findings: [refusal], smallest: undefined };
  } finally {
    await finder.release();
  }
}

const byInstances = (a: ProbeStudy, b: ProbeStudy): number =>
  (a.instances ?? Number.POSITIVE_INFINITY) - (b.instances ?? Number.POSITIVE_INFINITY);

interface Answer {
  readonly end: Answers['end'];
  readonly status: number | undefined;
  readonly studies: readonly ProbeStudy[];
  /** As they came, by tag. */
  readonly values: readonly ReadonlyMap<number, string>[];
}

class Questions {
  readonly #finder: PacsFinder;
  #fewKeys = false;
  #asked = 0;

  constructor(finder: PacsFinder) {
    this.#finder = finder;
  }

  get isEnough(): boolean {
    return this.#asked >= MAX_QUESTIONS;
  }

  async ask(slice: Slice): Promise<Answer> {
    this.#asked += 1;
    const { end, status, identifiers, transferSyntaxUID } = await this.#finder.ask((syntax) =>
      studyIdentifier(slice, { transferSyntaxUID: syntax, fewKeys: this.#fewKeys }),
    );
    if (end === 'refused' && !this.#fewKeys) {
      this.#fewKeys = true;
      return this.ask(slice);
    }
    const values = identifiers.map((one) => decodeIdentifier(transferSyntaxUID, one));
    const studies = values.map((one) => ({
      studyInstanceUID: one.get(Tag.StudyInstanceUID) ?? '',
      patientId: one.get(Tag.PatientID) ?? '',
      instances: countOf(one.get(NumberOfStudyRelatedInstances)),
    }));
    return { end, status, studies, values };
  }
}

async function widest(
  questions: Questions,
  today: string,
): Promise<{ slice: Slice; answer: Answer }> {
  let days = FIRST_DAYS;
  for (;;) {
    const slice = { from: days > LAST_DAYS ? '' : addDays(today, -days), to: '' };
    const answer = await questions.ask(slice);
    const isAll = slice.from === '';
    if (isAll || answer.end !== 'whole' || answer.studies.length >= ENOUGH)
      return { slice, answer };
    days *= WIDER;
  }
}

/** True when a part of it holds what the whole did not tell. */
async function leavesOut(
  questions: Questions,
  { slice, today, answer }: { slice: Slice; today: string; answer: Answer },
): Promise<boolean> {
  const told = new Set(answer.studies.map(({ studyInstanceUID }) => studyInstanceUID));
  const days = { earliest: EARLIEST, today, hasUntimed: false, ignoresTime: false };
  for (const part of splitSlice(slice, days)) {
    if (questions.isEnough) return false;
    const { studies } = await questions.ask(part);
    if (studies.some(({ studyInstanceUID }) => !told.has(studyInstanceUID))) return true;
    // As many again, all of them in this part: it may hold more.
    const isAsMany = studies.length === answer.studies.length;
    if (isAsMany && (await leavesOut(questions, { slice: part, today, answer }))) return true;
  }
  return false;
}

const whole = ({ name }: Peer, { studies }: Answer): Finding =>
  well({
    ...{ check: 'pacs', about: name },
    what: `It answers C-FIND; of ${studies.length} studies asked for in parts, none was left out.`,
  });

function capped({ name }: Peer, { studies, end }: Answer): Finding {
  const how = end === 'cut' ? 'and says that there are more' : 'and says nothing of the others';
  return found('PACS_MATCHES_CAPPED', {
    ...{ check: 'pacs', about: name },
    what: `It answers with ${studies.length} matches at most, ${how}.`,
    mend: 'Raise the limit of C-FIND answers in the PACS (Orthanc: LimitFindResults) to 10,000 or more; until then the crawl asks in smaller parts.',
  });
}

function refused({ name }: Peer, { status }: Answer): Finding {
  const how =
    status === undefined
      ? 'no answer came in time'
      : `it answers ${status.toString(16).toUpperCase().padStart(4, '0')}H`;
  return found('PACS_FIND_REFUSED', {
    ...{ check: 'pacs', about: name, what: `It takes C-FIND, and ${how}.` },
    mend: 'Look at the log of the PACS for why it refused a query by StudyDate.',
  });
}

/** Bytes beyond ASCII, and what (0008,0005) says they are. PS3.3 C.12.1.1.2. */
function characterSet({ name, characterSet: configured }: Peer, { values }: Answer): Finding {
  const beyond = values.filter((one) => [...one.values()].some((text) => /[\x80-\xff]/.test(text)));
  const undeclared = beyond.filter((one) => !one.get(Tag.SpecificCharacterSet));
  const wrong = beyond.filter(
    (one) => /192/.test(one.get(Tag.SpecificCharacterSet) ?? '') && !isUtf8(one),
  );
  const seen = { check: 'pacs', about: name } as const;
  if (wrong.length > 0)
    return found('PACS_CHARACTER_SET_WRONG', {
      ...{ ...seen, what: `${wrong.length} answers say UTF-8 (ISO_IR 192) and are not.` },
      mend: 'Have the PACS send the Specific Character Set (0008,0005) that its text is in.',
    });
  if (undeclared.length > 0 && configured === undefined) {
    const likely = undeclared.every(isUtf8) ? 'ISO_IR 192' : 'ISO_IR 100';
    return found('PACS_CHARACTER_SET_UNDECLARED', {
      ...seen,
      what: `${undeclared.length} answers have letters beyond ASCII and no Specific Character Set (0008,0005).`,
      mend: `Write characterSet: ${likely} for ${name} in edge.yaml if that is what it uses (it looks like it), or have the PACS send (0008,0005).`,
    });
  }
  const words = undeclared.length > 0 ? `as edge.yaml says: ${configured}` : 'declared';
  return well({
    ...seen,
    what: `Of ${values.length} answers ${beyond.length} have letters beyond ASCII; their character set is ${beyond.length === 0 ? 'not needed' : words}.`,
  });
}

function isUtf8(values: ReadonlyMap<number, string>): boolean {
  const bytes = Buffer.from([...values.values()].join(''), 'latin1');
  try {
    new TextDecoder('utf-8', { fatal: true }).decode(bytes);
    return true;
  } catch {
    return false;
  }
}
