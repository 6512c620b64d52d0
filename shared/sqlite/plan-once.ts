/**
 * SQLite plans a join again whenever a value is bound to a parameter that a column is compared with: from 3.47
 * on its planner looks at the value, as a comparison with 0 or 1 seems to choose less. Planning costs ten times
 * what a look-up by key does, so the parameter is hidden from it by a unary plus, which changes nothing else:
 * no affinity, the same indexes.
 */
const STRING_OR_COMPARISON = /'(?:[^']|'')*'|(?<![<>!])(=|\bIS(?:\s+NOT)?\b)(\s*)(?=[?@])/gi;

/** The same statement, planned once, when it is prepared. */
export function planOnce(sql: string): string {
  return sql.replace(STRING_OR_COMPARISON, (text, operator?: string) =>
    operator === undefined ? text : `${operator} +`,
  );
}
