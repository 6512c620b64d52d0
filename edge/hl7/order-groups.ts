/** The orders of a message: ORC, OBR and what stands behind them. HL7 2.5 §4.2, §4.4.6, §7.3. */
import type { Message, Segment } from './message.ts';

export interface OrderGroup {
  /** ORC and its details, up to the next ORC or OBR. */
  readonly common: readonly Segment[];
  readonly segments: readonly Segment[];
}

/** One for each OBR; an ORC without any is one too. An OBR without an ORC of its own shares the one before. */
export function orderGroups({ segments }: Message): OrderGroup[] {
  const groups: { common: Segment[]; segments: Segment[] }[] = [];
  let common: Segment[] = [];
  for (const segment of segments) {
    const last = groups.at(-1);
    if (segment.name === 'ORC') {
      common = [segment];
      groups.push({ common, segments: [segment] });
    } else if (segment.name === 'OBR') {
      const isOfThisORC =
        last?.common === common && !last.segments.some(({ name }) => name === 'OBR');
      if (isOfThisORC && last.segments[0]?.name === 'ORC') last.segments.push(segment);
      else groups.push({ common, segments: [...common.slice(0, 1), segment] });
    } else last?.segments.push(segment);
  }
  return groups;
}
