/** A question as the address of its page keeps it. */
import type { Question } from './answer.ts';

export type Asked = Omit<Question, 'own'>;

export function searchOf({ by, from, to, where }: Asked): string {
  const parameters = new URLSearchParams({ by: by.join(','), ...where });
  if (from !== null) parameters.set('from', from);
  if (to !== null) parameters.set('to', to);
  return parameters.toString();
}
