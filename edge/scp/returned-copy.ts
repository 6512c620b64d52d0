/**
 * A copy that the trust's PACS sends back, as it may send everything: known by what this edge wrote into it when it
 * was filed. It is a copy still, never a study of the trust's own. IS-07 of the domain notes.
 */
import type { InstanceAttributes } from '../index/attributes.ts';

/** The trust that it came from; undefined: the object is the trust's own. */
export function homeOfCopy(
  { modified = [] }: Pick<InstanceAttributes, 'modified'>,
  trust: string,
): string | undefined {
  const own = modified.findLast(({ system }) => system === `CDIP_${trust}`);
  const source = own?.source ?? '';
  // Results of AI models name this trust itself.
  return source !== trust && /^[A-Z0-9]{3,8}$/.test(source) ? source : undefined;
}
