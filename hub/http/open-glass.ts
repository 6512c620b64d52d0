/** Breaks the glass: who is meant, whether it is needed, who asks surely enough; then it is opened. SE-04. */
import { auditedPatient } from '../../shared/audit/entry.ts';
import type { Person } from '../identity/persons.ts';
import { findDisclosed } from '../relations/find-studies.ts';
import type { Glass, GlassReason } from '../relations/glass.ts';
import { RelationError } from '../relations/relation-error.ts';
import { personsMeant } from '../relations/whom.ts';
import type { StudyQuery } from '../search/query.ts';
import type { Sight } from './audited.ts';
import type { HttpParts } from './parts.ts';
import { requireStepUp } from './step-up.ts';

type Parts = Pick<HttpParts, 'config' | 'clock' | 'projection' | 'relations'>;

export const TO_BREAK_GLASS = 'look without a relationship to the patient';

/** @throws HttpProblem of {@link requireStepUp}; RelationError; LogError */
export async function openGlass(
  parts: Parts,
  { principal, discloser, saw }: Sight,
  { query, reason, words }: { query: StudyQuery; reason: GlassReason; words: string },
): Promise<Glass> {
  requireStepUp(parts, principal, TO_BREAK_GLASS);
  const persons = personsMeant(parts.projection.db, query);
  const members = persons.flatMap((person) => person.members);
  saw({
    patients: members.map(auditedPatient),
    studies: [],
    homes: members.map(({ trust }) => trust),
  });
  if (members.length > 0 && !isNeeded(parts, { discloser }, { query, persons }))
    throw new RelationError('GLASS_NOT_NEEDED', 'All that there is can be seen as it is.');
  return parts.relations.breakGlass(principal, { persons, reason, words });
}

/** Something is withheld that an emergency would show. */
function isNeeded(
  { projection: { db } }: Parts,
  { discloser }: Pick<Sight, 'discloser'>,
  { query, persons }: { query: StudyQuery; persons: readonly Person[] },
): boolean {
  const { withheld } = findDisclosed(db, discloser, { query, page: { limit: 1, offset: 0 } });
  if (withheld.unrelated + withheld.restricted.length > 0) return true;
  return persons
    .flatMap(({ members }) => members)
    .some((member) => {
      const decision = discloser.record(member);
      return decision.kind === 'withheld' && decision.why !== 'hidden';
    });
}
