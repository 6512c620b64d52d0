/** What may not be, after an hour without the node: nothing missing, doubled, out of order, under another patient. */
import type { Arrival, Arrivals } from './ai-hour-arrivals.ts';
import type { AiHour } from './ai-hour-run.ts';
import { patientOf, type SentStudy, studyUID, type Urgency } from './ai-hour-studies.ts';

const ORDER: readonly Urgency[] = ['immediate', 'urgent', 'scheduled'];

export async function faultsOf(hour: AiHour): Promise<string[]> {
  const { pacs, node, answering, looks } = hour;
  return [
    ...answering.failures.map((failure) => `an answer failed: ${failure}`),
    ...looks.flatMap(({ missing }, at) =>
      missing.map((where) => `not told by ${where}: look ${at + 1}`),
    ),
    ...pacs.doubled.map((uid) => `twice at the PACS: ${uid}`),
    ...node.doubled
      .filter((uid) => !answering.answers.has(uid))
      .map((uid) => `twice at the node: ${uid}`),
    ...missingOf(hour, 'PACS'),
    ...missingOf(hour, 'node'),
    ...resultFaults(hour),
    ...orderFaults(hour),
    ...(await keptFaults(hour)),
  ];
}

function missingOf({ sent, pacs, node }: AiHour, where: 'PACS' | 'node'): string[] {
  const images = Map.groupBy(imagesOf(where === 'PACS' ? pacs : node), ({ number }) => number);
  return sent.flatMap(({ number, objects }) => {
    const there = images.get(number)?.length ?? 0;
    return there === objects ? [] : [`study ${number}: ${there} of ${objects} at the ${where}`];
  });
}

/** A result is in the study of the images that it is of, and of their patient. */
function resultFaults({ pacs, answering }: AiHour): string[] {
  const there = new Map(pacs.all.map((arrival) => [arrival.sopInstanceUID, arrival]));
  return [...answering.answers].flatMap(([uid, number]) => {
    const result = there.get(uid);
    if (result === undefined) return [`the result ${uid} is not at the PACS`];
    const isRight =
      result.studyInstanceUID === studyUID(number) && result.patientId === patientOf(number);
    return isRight ? [] : [`the result ${uid} is under ${result.studyInstanceUID}`];
  });
}

/** Of what waited: the more urgent came earlier by the middle one, and among equals who was sent first. */
function orderFaults({ sent, node }: AiHour): string[] {
  const firsts = new Map<number, number>();
  for (const { number } of imagesOf(node)) if (!firsts.has(number)) firsts.set(number, firsts.size);
  const placesOf = (urgency: Urgency): number[] =>
    sent
      .filter((study) => study.phase === 'away' && study.urgency === urgency)
      .map((study: SentStudy) => firsts.get(study.number) ?? 0);
  const faults: string[] = [];
  let last = -1;
  for (const urgency of ORDER) {
    const places = placesOf(urgency);
    if (places.some((place, at) => place < (places[at - 1] ?? 0)))
      faults.push(`those that are ${urgency} did not come in the order in which they were sent`);
    const middle = [...places].sort((a, b) => a - b)[Math.floor(places.length / 2)] ?? last;
    if (middle < last) faults.push(`what is ${urgency} came before what is more urgent`);
    last = middle;
  }
  return faults;
}

/** What came in is also kept. */
async function keptFaults({ pacs, world }: AiHour): Promise<string[]> {
  const kept = new Set(await world.pacs.sopInstanceUIDs());
  return pacs.all
    .filter(({ sopInstanceUID }) => !kept.has(sopInstanceUID))
    .map(({ sopInstanceUID }) => `the PACS did not keep ${sopInstanceUID}`);
}

const imagesOf = ({ all }: Arrivals): Arrival[] => all.filter(({ modality }) => modality === 'CT');
