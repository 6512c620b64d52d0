/**
 * Of which changes somebody is told: people of a trust of what is theirs, who works for the network of what is not
 * restricted. A change names a study and a trust: of a restricted patient that is where they are.
 */
import type { Principal } from '../access/rules.ts';
import { isStudyRestricted } from '../relations/restrictions.ts';
import type { Sees } from './event-feed.ts';
import type { HttpParts } from './parts.ts';
import { isFetchShown } from './shown-fetches.ts';

export function seenBy(
  { projection, fetches, disclosure }: Pick<HttpParts, 'projection' | 'fetches' | 'disclosure'>,
  asker: Principal,
): Sees {
  const { trust } = asker;
  return (change) => {
    switch (change.kind) {
      case 'study':
        return trust === null
          ? !isStudyRestricted(projection.db, change.studyInstanceUID)
          : change.trust === trust;
      case 'record':
        return trust === null || change.trust === trust;
      case 'fetch': {
        const order = fetches.find(change.fetchId);
        return order !== null && isFetchShown({ projection }, disclosure.to(asker), order);
      }
      // These name no patient and no study.
      default:
        return true;
    }
  };
}
