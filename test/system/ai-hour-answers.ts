/** What an AI node does: when no more of a study comes it answers, with a report on the images and a picture. */
import { type AiWorld, answer } from '../support/ai-node.ts';
import type { Orthanc } from '../support/orthanc.ts';
import type { Arrival, Arrivals } from './ai-hour-arrivals.ts';

const SC = '1.2.840.10008.5.1.4.1.1.7';
const LOOK_MS = 1_000;
/** A study is whole when nothing of it has come for so long. */
const QUIET_MS = 3_000;

export class AnsweringNode {
  readonly #edge: AiWorld['edge'];
  readonly #arrivals: Arrivals;
  readonly #answered = new Set<string>();
  /** The number of the study, by the SOP Instance UID of what was answered. */
  readonly answers = new Map<string, number>();
  readonly failures: string[] = [];

  constructor(edge: AiWorld['edge'], arrivals: Arrivals) {
    this.#edge = edge;
    this.#arrivals = arrivals;
  }

  /** Until `signal`: which is when the node goes. */
  async answerTo(node: Orthanc, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      for (const images of this.#whole()) {
        if (signal.aborted) return;
        await this.#answer(node, images).catch((error: Error) => this.failures.push(error.message));
      }
      await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
    }
  }

  #whole(): (readonly Arrival[])[] {
    const studies = Map.groupBy(
      this.#arrivals.all.filter(({ modality }) => modality === 'CT'),
      ({ studyInstanceUID }) => studyInstanceUID,
    );
    const now = performance.now();
    return [...studies]
      .filter(([uid, images]) => {
        const isQuiet = images.every(({ at }) => now - at > QUIET_MS);
        return isQuiet && !this.#answered.has(uid);
      })
      .map(([, images]) => images);
  }

  async #answer(node: Orthanc, images: readonly Arrival[]): Promise<void> {
    const [first] = images;
    if (first === undefined) return;
    const { studyInstanceUID: study, seriesInstanceUID: series, number } = first;
    const { patientId, birthDate } = first;
    this.#answered.add(study);
    const of = { study, series, patientId, patientName: 'Of^Node', birthDate };
    const uid = `2.999.9.${number}`;
    const refersTo = images.map(({ sopInstanceUID }) => sopInstanceUID);
    for (const result of [
      { ...of, uid: `${uid}.1`, refersTo },
      { ...of, uid: `${uid}.2`, sopClassUID: SC },
    ]) {
      await answer(node, this.#edge, result);
      this.answers.set(result.uid, number);
    }
  }
}
